package dpop

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/internal/uripath"
)

// A target is a URL without query and fragment, in the form that equivalent
// spellings have in common: after the syntax-based and scheme-based
// normalization of RFC 3986, Sections 6.2.2 and 6.2.3, which RFC 9449, Section
// 4.3, recommends.
type target struct {
	origin string // scheme, host, and the port unless it is the scheme's own
	path   string // never empty
}

var (
	errScheme    = errors.New("is not an absolute http or https URL")
	errAuthority = errors.New("has a malformed host or port, or user information")
	errCharacter = errors.New("has characters that no URL has, or a malformed percent-encoding")
)

// maxTarget is the length of the longest URL that is read.
const maxTarget = 8 << 10

// parseTarget reads s up to the first question mark or number sign.
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
	path, ok = uripath.Normalize(path)
	if !ok {
		return target{}, errCharacter
	}
	return target{scheme + "://" + host, path}, nil
}

// splitAuthority returns the host in lower case, and the port without leading
// zeros or "" if there is none.
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
			if !uripath.IsUnreserved(host[i]) {
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
