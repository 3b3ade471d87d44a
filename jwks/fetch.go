package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"strings"
	"time"
)

// maxBody bounds key sets and discovery documents, after decompression. The
// largest known set has 80 KiB.
const maxBody = 1 << 20

// maxHeaderBytes bounds the header of an answer, where the client is our own.
const maxHeaderBytes = 64 << 10

// newClient copies client, for it may be in other use, and makes the copy
// refuse redirects: whoever can send one would else choose whose keys are
// believed.
func newClient(client *http.Client) *http.Client {
	var own http.Client
	if client != nil {
		own = *client
	} else {
		own.Transport = newTransport()
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// newTransport shares nothing with [http.DefaultTransport], and keeps no
// connection: between two fetches there are minutes, and an open one would be
// two goroutines that nobody waits for.
func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	t.DisableKeepAlives = true
	t.MaxResponseHeaderBytes = maxHeaderBytes
	return t
}

// A source fetches an issuer's key set. It is used by one fetch at a time.
type source struct {
	cfg      *Config
	client   *http.Client
	requests chan struct{} // holds one for each request that has not ended
	where    discovered
	seen     bool // a key set
}

// An answer of the issuer that is of use: a key set, or the word that the one
// we have is still good.
type answer struct {
	keys          Set
	leftOut       []error
	notModified   bool
	version       version
	ttl, staleFor time.Duration
	said          bool // ttl and staleFor are from the header
}

// A version is what tells one form of the key set at one URL from others (RFC
// 9110, Section 8.8).
type version struct{ url, etag string }

// fetch asks for the key set, unless it is the one that have tells of.
func (s *source) fetch(have version, holdsKeys bool) (answer, error) {
	url, discovery := s.url(holdsKeys)
	if url == "" {
		return answer{}, discovery
	}
	if have.url != url {
		have = version{}
	}
	a, err := s.keySet(url, have)
	s.where.silent, s.seen = err != nil, s.seen || err == nil
	if err != nil {
		return answer{}, errors.Join(err, discovery)
	}
	return a, nil
}

func (s *source) keySet(url string, have version) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	defer cancel()
	res, err := s.get(ctx, url, "application/jwk-set+json, application/json;q=0.9", have.etag)
	switch {
	case err == nil:
	case s.seen || isOutage(err):
		return answer{}, err
	case s.cfg.URL != "":
		return answer{}, &misplaced{"no key set at the URL of the jwks.Config: set it to where the key set is", err}
	default:
		return answer{}, &misplaced{"no key set where the issuer's metadata says: " + adviceKeys, err}
	}
	a := answer{notModified: res.status == http.StatusNotModified}
	a.ttl, a.staleFor, a.said = s.cfg.lifetime(res.header)
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

// A statusError is an answer other than 200, or 304 where that was asked for.
type statusError struct {
	url        string
	code       int
	retryAfter time.Duration
	redirect   string // the host, if it is one
}

func (e *statusError) Error() string {
	// Not in the server's words.
	text := fmt.Sprintf("GET %s: %d %s", e.url, e.code, http.StatusText(e.code))
	if e.code/100 != 3 || e.code == http.StatusNotModified {
		return text
	}
	if e.redirect != "" {
		text += fmt.Sprintf(" to host %.256q", e.redirect)
	}
	return text + ", and redirects are not followed"
}

var errSilent = errors.New("no complete answer in time")

// maxRequests is how many requests there may be at a time. One is all that a
// fetch needs; two are as many as a client that doesn't end them when it is
// told to can leave behind.
const maxRequests = 2

// get returns when ctx is done, whatever the client does: it may be anybody's,
// and neither who waits for the keys nor the program shall suffer from it.
func (s *source) get(ctx context.Context, url, accept, etag string) (response, error) {
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
			ended <- o
		}()
		o.res, o.err = s.do(ctx, url, accept, etag)
	}()
	select {
	case o := <-ended:
		return o.res, o.err
	case <-ctx.Done():
		return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
	}
}

// do keeps the client's own errors out of the chain, as they may be anything.
func (s *source) do(ctx context.Context, url, accept, etag string) (response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{}, fmt.Errorf("GET %s: %w", url, err)
	}
	req.Header.Set("Accept", accept)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
		}
		var inner *neturl.Error // which would name the URL again
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
		return response{}, &statusError{url, res.StatusCode, retryAfter(res.Header, s.cfg.Now()), redirectHost(res)}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case ctx.Err() != nil && err != nil:
		return response{}, fmt.Errorf("GET %s: %w", url, errSilent)
	case err != nil:
		return response{}, fmt.Errorf("GET %s: reading the body: %v", url, err)
	case len(body) > maxBody:
		return response{}, fmt.Errorf("GET %s: the body is over 1 MiB", url)
	}
	return response{status: res.StatusCode, header: res.Header, body: body}, nil
}

// redirectHost is the host of a redirect's target, which is all of it that is
// told: the rest may hold a secret.
func redirectHost(res *http.Response) string {
	target, err := res.Location()
	if err != nil {
		return ""
	}
	return target.Host
}

// entityTag returns an ETag that can be sent back (RFC 9110, Section 8.8.3),
// strong or weak. Any other would make a request that can't be sent.
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
