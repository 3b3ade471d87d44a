// Package secureurl decides which URLs may be trusted with keys and tokens.
package secureurl

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Parse parses an https URL, or an http URL on a loopback host. It rejects URLs
// without a host, and URLs with credentials or a fragment. The error's text is
// a predicate that follows the name of a field. It leaves out raw, which may
// hold a password.
func Parse(raw string) (*url.URL, error) {
	u, err := ParseInsecure(raw)
	if err == nil && u.Scheme != "https" && !IsLoopback(u.Hostname()) {
		return nil, &SchemeError{u.Scheme, u.Hostname()}
	}
	return u, err
}

// ParseInsecure is Parse, and accepts http on any host.
func ParseInsecure(raw string) (*url.URL, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }) {
		return nil, errors.New("has characters that no URL has") // RFC 3986, Appendix A
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.User != nil:
		return nil, errors.New("has credentials in it")
	case strings.Contains(raw, "#"):
		return nil, errors.New("has a fragment")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("has no host")
	case strings.Contains(u.Host, "*"):
		return nil, errors.New("has a pattern for its host")
	case !isPort(u.Port()):
		return nil, errors.New("has a port that isn't one")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, &SchemeError{u.Scheme, u.Hostname()}
	}
	return u, nil
}

// HasCredentials reports whether a text is a URL with a user in it, and perhaps
// a password, which must not get into a log.
func HasCredentials(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.User != nil
}

// A SchemeError says that a URL has a scheme that is not accepted for its host.
type SchemeError struct{ Scheme, Host string }

func (e *SchemeError) Error() string {
	return fmt.Sprintf("is neither https nor http on a loopback host, but %s on %q", e.Scheme, e.Host)
}

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil
}

// IsLoopback reports whether the name of a URL's host says that it is this
// machine: an address of the loopback networks, or "localhost" (RFC 6761,
// Section 6.3).
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Difference says how two names of an issuer or of an API differ, if the
// difference is one that people overlook. Otherwise it returns "".
func Difference(found, want string) string {
	switch {
	case found == want:
		return ""
	case strings.TrimSuffix(found, "/") == strings.TrimSuffix(want, "/"):
		return "they differ by the slash at the end"
	case strings.EqualFold(found, want):
		return "they differ by case"
	case withoutScheme(found) == withoutScheme(want):
		return "they differ by the scheme"
	case strings.TrimSuffix(withoutScheme(found), "/") == strings.TrimSuffix(withoutScheme(want), "/"):
		return "they differ by the scheme and the slash at the end"
	}
	return ""
}

// withoutScheme returns s without http:// or https://.
func withoutScheme(s string) string {
	if rest, ok := strings.CutPrefix(s, "https://"); ok {
		return rest
	}
	return strings.TrimPrefix(s, "http://")
}

// Metadata returns where the metadata of an issuer is, which is a URL without a
// query: by OpenID Connect Discovery 1.0, Section 4 and RFC 8414, Section 3.1.
// The one goes to the end of the issuer's path, the other to its beginning.
func Metadata(issuer string) [2]string {
	issuer = strings.TrimSuffix(issuer, "/")
	origin, path := issuer, ""
	if start := strings.Index(issuer, "://") + len("://"); strings.Contains(issuer[start:], "/") {
		slash := start + strings.Index(issuer[start:], "/")
		origin, path = issuer[:slash], issuer[slash:]
	}
	return [2]string{
		issuer + "/.well-known/openid-configuration",
		origin + "/.well-known/oauth-authorization-server" + path,
	}
}
