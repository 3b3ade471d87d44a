package dpop

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// A target is a URL without query and fragment, in the one form that all its spellings have in common: after the
// normalization by syntax and by scheme of RFC 3986, Sections 6.2.2 and 6.2.3, which RFC 9449, Section 4.3 asks for.
type target struct {
	origin string // scheme, host, and the port unless it is the scheme's own
	path   string // never empty
}

var (
	errScheme    = errors.New("is not an absolute http or https URL")
	errAuthority = errors.New("has a malformed host or port, or user information")
	errCharacter = errors.New("has characters that no URL has, or a malformed percent-encoding")
)

// maxTarget is the length of the longest URL that is looked at.
const maxTarget = 8 << 10

// parseTarget reads s. What stands after the first question mark or number sign is not looked at.
func parseTarget(s string) (target, error) {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if len(s) > maxTarget {
		return target{}, errors.New("is too long")
	}
	scheme, rest, _ := strings.Cut(s, "://")
	ownPort := ""
	switch {
	case strings.EqualFold(scheme, "https"):
		scheme, ownPort = "https", "443"
	case strings.EqualFold(scheme, "http"):
		scheme, ownPort = "http", "80"
	default:
		return target{}, errScheme
	}
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	host, port, ok := splitAuthority(authority)
	if !ok {
		return target{}, errAuthority
	}
	if port != "" && port != ownPort {
		host += ":" + port
	}
	path, ok = normalPath(path)
	if !ok {
		return target{}, errCharacter
	}
	return target{scheme + "://" + host, path}, nil
}

// splitAuthority returns the host in lower case and the port without leading zeros, "" if there is none.
func splitAuthority(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", "", false
		}
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", "", false
		}
		host, s = s[:end+1], s[end+1:]
	} else {
		end := strings.IndexByte(s, ':')
		if end < 0 {
			end = len(s)
		}
		host, s = s[:end], s[end:]
		for i := range len(host) {
			if c := host[i]; !isUnreserved(c) {
				return "", "", false
			}
		}
	}
	if host == "" {
		return "", "", false
	}
	host = strings.ToLower(host)
	if s == "" || s == ":" {
		return host, "", true
	}
	if s[0] != ':' || s[1] == '+' {
		return "", "", false
	}
	n, err := strconv.ParseUint(s[1:], 10, 16)
	return host, strconv.FormatUint(n, 10), err == nil
}

const upperHex = "0123456789ABCDEF"

// normalPath resolves what two spellings of a path can differ by. Characters that no URL has, but that some clients
// send as they are, count as percent-encoded; spaces and control characters are refused.
func normalPath(path string) (string, bool) {
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
				if c = unhex(path[i+1])<<4 | unhex(path[i+2]); isUnreserved(c) {
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

// isNormal reports whether a path has none of what normalPath would change in single characters.
func isNormal(path string) bool {
	for i := range len(path) {
		if c := path[i]; c != '/' && !isPathCharacter(c) {
			return false
		}
	}
	return true
}

// withoutDots resolves the segments "." and "..", as RFC 3986, Section 5.2.4 does.
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

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathCharacter reports whether c stands for itself in a path: a pchar of RFC 3986, Section 3.3.
func isPathCharacter(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
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
