// Package uripath compares paths of URLs, so that it is decided once which of
// them are the same.
package uripath

import "strings"

const upperHex = "0123456789ABCDEF"

// Normalize returns the form that all spellings of a path have in common, after
// the normalization by syntax of RFC 3986, Section 6.2.2. It is never empty and
// has no dot segments, so what it is appended to can't be left by it.
// Characters that no URL has, but that some clients send as they are, count as
// percent-encoded. Normalize reports false if path has spaces, control
// characters or a malformed percent-encoding.
func Normalize(path string) (string, bool) {
	if !isNormal(path) {
		b := make([]byte, 0, len(path)+16)
		for i := 0; i < len(path); i++ {
			c := path[i]
			switch {
			case c <= ' ' || c == 0x7f:
				return "", false
			case c == '%':
				if i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
					return "", false
				}
				if c = unhex(path[i+1])<<4 | unhex(path[i+2]); IsUnreserved(c) {
					b = append(b, c)
				} else {
					b = append(b, '%', upperHex[c>>4], upperHex[c&15])
				}
				i += 2
			case c == '/' || isPathCharacter(c):
				b = append(b, c)
			default:
				b = append(b, '%', upperHex[c>>4], upperHex[c&15])
			}
		}
		path = string(b)
	}
	if path == "" {
		return "/", true
	}
	return withoutDots(path), true
}

// isNormal reports whether a path has none of what normalPath would change in
// single characters.
func isNormal(path string) bool {
	for i := range len(path) {
		if c := path[i]; c != '/' && !isPathCharacter(c) {
			return false
		}
	}
	return true
}

// withoutDots resolves the segments "." and "..", as RFC 3986, Section 5.2.4
// does.
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	segments := strings.Split(path[1:], "/")
	kept := segments[:0]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "") // what is left ends in a slash
		}
	}
	return "/" + strings.Join(kept, "/")
}

// IsUnreserved reports whether c stands for itself anywhere in a URL (RFC 3986,
// Section 2.3).
func IsUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathCharacter reports whether c stands for itself in a path: a pchar of RFC
// 3986, Section 3.3.
func isPathCharacter(c byte) bool {
	return IsUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}
