package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/internal/scopetoken"
	"github.com/rsguard/rsguard/internal/uripath"
)

// FixedOrigin returns a function for [Config].Origin that always returns
// origin, such as "https://api.example.com". If a proxy removes a path, origin
// has it, as in "https://www.example.com/api". FixedOrigin panics if origin is
// not an absolute http or https URL, or if it has user information, a query or
// a fragment.
func FixedOrigin(origin string) func(*http.Request) (string, error) {
	if err := checkOrigin(origin); err != nil {
		panic(fmt.Sprintf("middleware: FixedOrigin: %q %v", origin, err))
	}
	return func(*http.Request) (string, error) { return origin, nil }
}

// XForwardedOrigin returns a function for [Config].Origin that uses
// X-Forwarded-Proto and X-Forwarded-Host if the request comes directly from one
// of these networks. If a field has several values, the one that the outermost
// proxy has set is used. To find that proxy, X-Forwarded-For is followed from
// the right, as long as its addresses are in the networks. The client may have
// written the values before it. Without X-Forwarded-Host, the Host of the
// request is used. For a request from elsewhere, the function returns the
// default of Origin.
//
// List the networks of the proxies alone, not those of clients. The proxies
// must set, append to or remove each of the three fields, since a field that
// they pass on unchanged is the client's. If that is uncertain, use
// [FixedOrigin]. A middleware that changes the request's RemoteAddr, such as
// RealIP, must come after the Authenticator, as with [ClientCertHeader].
// XForwardedOrigin panics if there is no network, or an invalid one.
func XForwardedOrigin(networks ...netip.Prefix) func(*http.Request) (string, error) {
	trusted := newProxies("XForwardedOrigin", networks)
	return func(r *http.Request) (string, error) {
		if !trusted.sent(r) {
			return directOrigin(r)
		}
		senders, err := fieldList(r.Header, "X-Forwarded-For")
		if err != nil {
			return "", err
		}
		protos, err := fieldList(r.Header, "X-Forwarded-Proto")
		if err != nil {
			return "", err
		}
		hosts, err := fieldList(r.Header, "X-Forwarded-Host")
		if err != nil {
			return "", err
		}
		hops := trusted.hops(senders)
		proto, ok := noted(protos, hops)
		if !ok {
			return "", errNoProto
		}
		host, ok := noted(hosts, hops)
		if !ok {
			host = r.Host
		}
		return originOf(proto, host)
	}
}

// ForwardedOrigin is [XForwardedOrigin] for proxies that add an element to the
// field Forwarded (RFC 7239). The element must have the parameters for and
// proto, and also host if the proxy changes Host.
func ForwardedOrigin(networks ...netip.Prefix) func(*http.Request) (string, error) {
	trusted := newProxies("ForwardedOrigin", networks)
	return func(r *http.Request) (string, error) {
		if !trusted.sent(r) {
			return directOrigin(r)
		}
		elements, err := parseForwarded(r.Header.Values("Forwarded"))
		if err != nil {
			return "", err
		}
		senders := make([]string, len(elements))
		for i := range elements {
			senders[i] = elements[i].sender
		}
		element, ok := noted(elements, trusted.hops(senders))
		if !ok || element.proto == "" {
			return "", errNoProto
		}
		if element.host == "" {
			element.host = r.Host
		}
		return originOf(element.proto, element.host)
	}
}

var (
	errNoProto = errors.New("the proxy doesn't say by which scheme the request came")
	errTarget  = errors.New("the request's target has no path that can be read")
	errOrigin  = errors.New("the origin of the request is not a scheme, a host and a path")
)

const (
	maxPath = 8 << 10 // bytes of the longest path that is read
	maxHost = 512     // bytes of the longest host; a DNS name has up to 253
)

// directOrigin returns the origin of a request that came without a proxy.
func directOrigin(r *http.Request) (string, error) {
	if r.TLS != nil {
		return originOf("https", r.Host)
	}
	return originOf("http", r.Host)
}

// originOf rejects characters by which an origin would end early.
func originOf(scheme, host string) (string, error) {
	if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") ||
		host == "" || len(host) > maxHost || strings.ContainsAny(host, "/?#@\\ ") {
		return "", errOrigin
	}
	return scheme + "://" + host, nil
}

func checkOrigin(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("is not an absolute http or https URL")
	case u.User != nil || strings.ContainsAny(s, "?#"):
		return errors.New("has user information, a query or a fragment")
	case !scopetoken.Valid(s) || strings.Contains(u.Host, "%"):
		return errors.New("has characters that no proof can have")
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return errors.New("has a port that isn't one")
		}
	}
	return nil
}

// targetOf returns the URL to which the client has sent r (RFC 9110, Section
// 7.1), without its query. The path stays below that of the origin, however
// many dot segments it has, because another service may be beside it.
func targetOf(origin string, r *http.Request) (string, error) {
	_, host, ok := strings.Cut(origin, "://")
	if !ok || host == "" || host[0] == '/' { // the path would begin with one
		return "", errOrigin
	}
	if strings.ContainsAny(origin, "?#") {
		return "", errOrigin
	}
	path, err := pathOf(r)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(origin, "/") + path, nil
}

// pathOf returns the path as it was sent. A handler in between may change
// r.URL, but not this. The path is in its normal form, or empty if the request
// has none.
func pathOf(r *http.Request) (string, error) {
	target := r.RequestURI
	switch {
	case target == "": // r does not come from a server
		target = r.URL.EscapedPath()
	case target == "*": // RFC 9112, Section 3.2.4: for the server as a whole
		return "", nil
	case target[0] != '/':
		// The absolute form has many spellings. This is the function with which
		// net/http reads it.
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return "", errTarget
		}
		target = u.EscapedPath()
	}
	path, _, _ := strings.Cut(target, "?")
	switch {
	case path == "":
		return "", nil
	case path[0] != '/' || len(path) > maxPath:
		return "", errTarget
	}
	// A request has no fragment. The server takes what looks like one for a
	// part of the path, and Normalize escapes it.
	normal, ok := uripath.Normalize(path)
	if !ok {
		return "", errTarget
	}
	return normal, nil
}
