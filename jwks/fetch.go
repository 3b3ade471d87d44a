package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/observe"
)

// maxBody bounds key sets and discovery documents, after decompression. The
// largest known set has 80 KiB.
const maxBody = 1 << 20

// newClient copies client, which may be in use, and makes the copy reject
// redirects. An attacker that can send one could otherwise choose whose keys
// are used.
func newClient(client *http.Client) *http.Client {
	var own http.Client
	if client != nil {
		own = *client
	} else {
		own.Transport = outbound.ForKeys()
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// A source fetches an issuer's key set. Each fetch has a copy.
type source struct {
	cfg             *Config
	client          *http.Client
	requests        chan struct{} // one element for each request that has not ended
	furtherRequests chan struct{} // the same, of those to Config.FallbackURLs
	teller          *observing.Teller
	where           discovered
	seen            bool // a key set
}

// An answer is a usable response of the issuer: a key set, or the statement
// that the one we have is still valid.
type answer struct {
	keys          Set
	leftOut       []error
	notModified   bool
	version       version
	ttl, staleFor time.Duration
	said          bool // ttl and staleFor are from the header
	cached        bool // it is a cache's, so it may be older than the request
}

// A version distinguishes one form of the key set at one URL from others (RFC
// 9110, Section 8.8).
type version struct{ url, etag string }

// fetch fetches the key set, unless it is still the one of version have.
func (s *source) fetch(ctx context.Context, have version, holdsKeys bool, f *flight) (answer, error) {
	url, discovery := s.url(ctx, holdsKeys)
	if url == "" {
		return answer{}, discovery
	}
	if have.url != url {
		have = version{}
	}
	a, err := s.keySet(ctx, url, have, f.noCache)
	s.where.silent, s.seen = err != nil, s.seen || err == nil
	if err != nil {
		return answer{}, errors.Join(err, discovery)
	}
	if f.forced && !slices.ContainsFunc(a.keys, func(k Key) bool { return k.ID == f.kid }) {
		if moved, ok := s.moved(ctx); ok {
			return moved, nil
		}
	}
	return a, nil
}

func (s *source) keySet(ctx context.Context, url string, have version, noCache bool) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var res response
	request := s.teller.Begin(ctx, observe.KeySet, url)
	defer func() { tellEnd(ctx, &request, &res, err) }()
	res, err = s.get(ctx, url, "application/jwk-set+json, application/json;q=0.9", have.etag, noCache)
	switch {
	case err == nil:
	case s.seen || isOutage(err):
		return answer{}, err
	case s.cfg.URL != "":
		return answer{}, &misplaced{"no key set at the URL of the jwks.Config: set it to where the key set is", err}
	default:
		return answer{}, &misplaced{"no key set where the issuer's metadata says: " + adviceKeys, err}
	}
	err = errUnread // until it is
	a.notModified = res.status == http.StatusNotModified
	a.ttl, a.staleFor, a.said = s.cfg.lifetime(res.header)
	a.cached = res.header.Get("Age") != "" // RFC 9111, Section 5.1
	if a.notModified {
		a.version = have
		return a, nil
	}
	if a.keys, a.leftOut, err = parse(res.body); err != nil {
		return answer{}, fmt.Errorf("GET %s: %w", url, err)
	}
	a.version = version{url, entityTag(res.header)}
	return a, nil
}

// A response is a 200 with its body, or a 304.
type response struct {
	status int
	header http.Header
	body   []byte
}

// A statusError is a response other than 200, or than 304 if that was
// requested.
type statusError struct {
	url        string
	code       int
	retryAfter time.Duration
	redirect   string // the host of a redirect, or empty
}

func (e *statusError) Error() string {
	// The text is not the server's.
	text := fmt.Sprintf("GET %s: %d %s", e.url, e.code, http.StatusText(e.code))
	if e.code/100 != 3 || e.code == http.StatusNotModified {
		return text
	}
	if e.redirect != "" {
		text += fmt.Sprintf(" to host %.256q", e.redirect)
	}
	return text + ", and redirects are not followed"
}

var (
	errSilent   = errors.New("no complete answer in time")
	errTooLarge = errors.New("the body is over 1 MiB")
	errUnread   = errors.New("reading the response was ended from within")
)

// maxRequests is the number of requests at a time. A fetch needs one. A client
// that ignores its deadline can leave two behind.
const maxRequests = 2

// get returns when ctx is done, whatever the client does. The client may be a
// caller's own, and must not block lookups or the program.
func (s *source) get(ctx context.Context, url, accept, etag string, noCache bool) (response, error) {
	select {
	case s.requests <- struct{}{}:
	case <-ctx.Done():
		return response{}, fmt.Errorf("GET %s: %w, and earlier requests have not ended", url, errSilent)
	}
	type outcome struct {
		res response
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{err: fmt.Errorf("GET %s: the request was ended from within", url)}
		defer func() {
			if p := recover(); p != nil {
				o.err = fmt.Errorf("GET %s: the HTTP client panicked with a %T", url, p)
			}
			<-s.requests
			silent := ctx.Err() != nil // asked for before the fetch ends, and its context with it
			ended <- o
			if silent {
				s.hangUp()
			}
		}()
		o.res, o.err = s.do(ctx, url, accept, etag, noCache)
	}()
	select {
	case o := <-ended:
		return o.res, o.err
	case <-ctx.Done():
		return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
	}
}

// hangUp closes the connections that a client keeps, after a request on one of
// them got no answer. By HTTP/2 the next request would be sent on the same one,
// and it may be dead without either end knowing.
func (s *source) hangUp() {
	defer func() { _ = recover() }() // the client may be a caller's own
	s.client.CloseIdleConnections()
}

// do keeps the client's own errors out of the chain, since they may be
// anything.
func (s *source) do(ctx context.Context, url, accept, etag string, noCache bool) (response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{}, fmt.Errorf("GET %s: %w", url, err)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	if noCache {
		req.Header.Set("Cache-Control", "no-cache") // RFC 9111, Section 5.2.1.4
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
		}
		var inner *neturl.Error // its text would name the URL again
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return response{}, fmt.Errorf("GET %s: %v", url, err)
	}
	defer res.Body.Close()

	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return response{status: res.StatusCode, header: res.Header}, nil
	case res.StatusCode != http.StatusOK:
		return response{}, &statusError{url, res.StatusCode, seconds.RetryAfter(res.Header, s.cfg.Now(), maxRetryAfter), redirectHost(res)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case ctx.Err() != nil && err != nil:
		return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
	case err != nil:
		return response{}, fmt.Errorf("GET %s: reading the body: %v", url, err)
	case len(body) > maxBody:
		return response{}, fmt.Errorf("GET %s: %w", url, errTooLarge)
	}
	return response{status: res.StatusCode, header: res.Header, body: body}, nil
}

// redirectHost returns the host of a redirect's target. The rest is left out,
// since it may hold a secret.
func redirectHost(res *http.Response) string {
	target, err := res.Location()
	if err != nil {
		return ""
	}
	return target.Host
}

// entityTag returns an ETag that can be sent back (RFC 9110, Section 8.8.3),
// strong or weak. Any other would make the next request invalid.
func entityTag(h http.Header) string {
	etag := h.Get("ETag")
	opaque := strings.TrimPrefix(etag, "W/")
	if len(etag) > 256 || len(opaque) < 2 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' {
		return ""
	}
	for _, c := range []byte(opaque[1 : len(opaque)-1]) {
		if c <= ' ' || c == '"' || c >= 0x7f {
			return ""
		}
	}
	return etag
}
