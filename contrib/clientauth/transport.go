package clientauth

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/secureurl"
)

// A TransportConfig says where a [Transport] sends tokens. Hosts is required.
type TransportConfig struct {
	// Hosts are the hosts that get the token, each with its port unless that is
	// the scheme's own, such as "stock.example.com" or "127.0.0.1:8080". They
	// are compared exactly but for case. There are no patterns.
	Hosts []string

	// Base sends the requests. If nil, it is [http.DefaultTransport].
	Base http.RoundTripper

	// InsecureHTTP sends tokens to Hosts by http too, which a loopback host
	// gets in any case. An attacker on the network in between can read a token,
	// and use it unless it is bound to a key.
	InsecureHTTP bool
}

// A Transport is an [http.RoundTripper] that adds a token to each request. Make
// one with [NewTransport]. It is safe for concurrent use.
//
// A request for a host that is not in Hosts, or by http, is rejected with
// [CodeConfig] before anything is sent. If it follows a redirect there, it is
// sent without a token. An Authorization that a request has is replaced.
//
// With Config.Key, each request has a proof for its method and its URL. If the
// API requires a nonce, the request is repeated with it (RFC 9449, Section 9).
// If the API answers 401 with the error invalid_token, the token is renewed and
// the request repeated, once, and at most every 10 seconds for one Source. A
// request is repeated only if it has no body or a GetBody, as those of
// [http.NewRequest] have for the usual readers. The API that has answered 401
// has not acted on it.
type Transport struct {
	*transport // a pointer, because fmt prints the contents of unexported fields
}

type transport struct {
	cfg    TransportConfig
	source *Source
	nonces nonces
}

// NewTransport returns a Transport with the tokens of source. The error joins
// all faults of cfg.
func NewTransport(source *Source, cfg TransportConfig) (*Transport, error) {
	var errs []error
	if source == nil || source.client == nil {
		errs = append(errs, errNotNew)
	}
	hosts, err := hostsOf(cfg.Hosts)
	cfg.Hosts = hosts
	if cfg.Base == nil {
		cfg.Base = http.DefaultTransport
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &Transport{&transport{cfg: cfg, source: source}}, nil
}

// hostsOf returns hosts in lower case, if they are hosts.
func hostsOf(hosts []string) ([]string, error) {
	if len(hosts) == 0 {
		return nil, errors.New("clientauth: Hosts is empty: name the hosts that get the token")
	}
	var errs []error
	list := make([]string, len(hosts))
	for i, host := range hosts {
		list[i] = strings.ToLower(host)
		if u, err := secureurl.Parse("https://" + host); err != nil || u.Host != host || u.Path != "" || u.RawQuery != "" {
			errs = append(errs, fmt.Errorf("clientauth: Hosts has %.256q, which is no host", host))
		}
	}
	return list, errors.Join(errs...)
}

// RoundTrip sends r with a token.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.transport == nil || t.source == nil {
		closeBody(r)
		return nil, errNotNew
	}
	if err := mayGet(r.URL, t.cfg.Hosts, t.cfg.InsecureHTTP); err != nil {
		if r.Response != nil {
			return t.cfg.Base.RoundTrip(r) // a redirect that the API has chosen
		}
		closeBody(r)
		return nil, err
	}
	if r.Host != "" && !strings.EqualFold(r.Host, r.URL.Host) {
		// A server that is shared would pass the token on to another service.
		if err := mayGet(&url.URL{Scheme: r.URL.Scheme, Host: r.Host}, t.cfg.Hosts, t.cfg.InsecureHTTP); err != nil {
			closeBody(r)
			return nil, err
		}
	}
	g, err := t.source.current(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := t.send(r, g, r.Body)
	for renewed, nonced := false, false; err == nil && res.StatusCode == http.StatusUnauthorized; {
		var next *grant
		switch problem := challengeOf(res.Header).problem; {
		case problem == "use_dpop_nonce" && !nonced && g.tokenType == "DPoP" && t.nonces.of(target(r)) != "":
			nonced, next = true, g
		case problem == "invalid_token" && !renewed:
			renewed = true
			// Without another token, the API's own answer says most.
			if next, _ = t.source.renew(r.Context(), g); next != nil && next.token == g.token {
				next = nil // the issuer has no other
			}
		}
		if next == nil {
			return res, nil
		}
		body, ok := again(r)
		if !ok {
			return res, nil
		}
		// Without reading it to its end, which an API may keep from coming.
		_ = res.Body.Close()
		g = next
		res, err = t.send(r, g, body)
	}
	return res, err
}

// send sends a copy of r, which must not be changed, with a token.
func (t *transport) send(r *http.Request, g *grant, body io.ReadCloser) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.Body = body
	sent.Header.Set("Authorization", g.tokenType+" "+g.token)
	sent.Header.Del("DPoP")
	if key := t.source.client.cfg.Key; g.tokenType == "DPoP" && key != nil {
		proof, err := key.proof(cmp.Or(r.Method, http.MethodGet), target(r), g.token, t.nonces.of(target(r)), t.source.client.cfg.Now())
		if err != nil {
			closeBody(sent)
			return nil, &Error{Code: CodeConfig, Err: fmt.Errorf("signing a proof with Config.Key: %w", err)}
		}
		sent.Header.Set("DPoP", proof)
	}
	res, err := t.cfg.Base.RoundTrip(sent)
	if err == nil {
		t.nonces.keep(target(r), res.Header)
	}
	return res, err
}

// target returns the URL of a request as the API sees it.
func target(r *http.Request) *url.URL {
	if r.Host == "" || r.Host == r.URL.Host {
		return r.URL
	}
	u := *r.URL
	u.Host = r.Host
	return &u
}

// mayGet returns an error unless a URL may get a token.
func mayGet(u *url.URL, hosts []string, insecureHTTP bool) error {
	host := strings.ToLower(u.Host)
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	if h, p, err := net.SplitHostPort(host); err == nil && p == port {
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	switch {
	case port == "":
		return &Error{Code: CodeConfig, Err: fmt.Errorf("a token is not sent by %.64q", u.Scheme)}
	case !slices.Contains(hosts, host) && !slices.Contains(hosts, host+":"+port):
		return &Error{Code: CodeConfig, Err: fmt.Errorf("a token is not sent to %.256q, which is not in Hosts", host)}
	case u.Scheme == "http" && !insecureHTTP && !secureurl.IsLoopback(u.Hostname()):
		return &Error{Code: CodeConfig, Err: fmt.Errorf("a token is not sent to %.256q by http", host)}
	}
	return nil
}

// again returns the body for a request that is repeated.
func again(r *http.Request) (io.ReadCloser, bool) {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return r.Body, true
	case r.GetBody == nil:
		return nil, false
	}
	body, err := r.GetBody()
	return body, err == nil
}

// closeBody closes the body of a request that is not sent, as an
// [http.RoundTripper] must.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
