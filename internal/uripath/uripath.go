// Package uripath decides which paths of URLs are equivalent.
package uripath

import (
	"bytes"
	"strings"

	"github.com/rsguard/rsguard/internal/percent"
)

const upperHex = "0123456789ABCDEF"

// Normalize returns the common form of all equivalent spellings of a path, by
// the syntax-based normalization of RFC 3986, Section 6.2.2. It is never empty
// and has no dot segments, so it can't lead out of a path to which it is
// appended. Characters that a URL must not have, but that some clients send
// unencoded, count as percent-encoded. Normalize reports false if path has
// spaces, control characters or a malformed percent-encoding.
func Normalize(path string) (string, bool) {
	if !isNormal(path) {
		var b strings.Builder
		b.Grow(len(path) + 2*strangers(path))
		for i := 0; i < len(path); i++ {
			c := path[i]
			switch {
			case c <= ' ' || c == 0x7f:
				return "", false
			case c == '%':
				decoded, ok := percent.Decode(path[i:])
				switch {
				case !ok:
					return "", false
				case IsUnreserved(decoded):
					b.WriteByte(decoded)
				default:
					writeEncoded(&b, decoded)
				}
				i += 2
			case pathBytes[c]:
				b.WriteByte(c)
			default:
				writeEncoded(&b, c)
			}
		}
		path = b.String()
	}
	if path == "" {
		return "/", true
	}
	return withoutDots(path), true
}

func writeEncoded(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&15])
}

// isNormal reports whether Normalize would change no single character of a
// path.
func isNormal(path string) bool {
	for i := range len(path) {
		if !pathBytes[path[i]] {
			return false
		}
	}
	return true
}

// strangers returns the number of bytes of path that a URL must not have.
func strangers(path string) (n int) {
	for i := range len(path) {
		if c := path[i]; !pathBytes[c] && c != '%' {
			n++
		}
	}
	return n
}

// withoutDots removes the segments "." and ".." (RFC 3986, Section 5.2.4).
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	b := make([]byte, 0, len(path)+1)
	for rest := path[1:]; ; {
		segment, after, more := strings.Cut(rest, "/")
		switch segment {
		case "..":
			b = b[:max(bytes.LastIndexByte(b, '/'), 0)]
		case ".":
		default:
			b = append(append(b, '/'), segment...)
			if !more {
				return string(b)
			}
			rest = after
			continue
		}
		if !more {
			return string(append(b, '/')) // the rest ends in a slash
		}
		rest = after
	}
}

// IsUnreserved reports whether c stands for itself anywhere in a URL (RFC 3986,
// Section 2.3).
func IsUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// pathBytes has the bytes that stand for themselves in a path: slashes, and
// pchar of RFC 3986, Section 3.3.
var pathBytes = func() (table [256]bool) {
	for c := range table {
		table[c] = IsUnreserved(byte(c)) || strings.IndexByte("/!$&'()*+,;=:@", byte(c)) >= 0
	}
	return table
}()
