package conform

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// limits are how long a request waits for a response, and how long the body is
// read. An API that leaves many requests without a response, as one does that
// hangs at bad tokens, is not waited for as long.
type limits struct{ response, afterMany, body time.Duration }

var defaultLimits = limits{15 * time.Second, 3 * time.Second, 3 * time.Second}

const (
	manyTimeouts = 5
	maxResponse  = 256 << 10 // how much of a body is read
)

// A session is one run against one API.
type session struct {
	ctx       context.Context //nolint:containedctx // a session is one run, and every request of it is bounded by the run's context
	target    Target
	url       *url.URL
	iss       *mockissuer.Issuer
	client    *http.Client // HTTP/1.1
	http2     *http.Client
	key       *testutil.ProofKey
	nonce     string // the last of the API's
	own       *tls.Certificate
	other     *tls.Certificate
	certified map[bool]*http.Client // with the own certificate, and with the other
	root      root
	stuck     bool // the API does not learn the new key
	limits    limits
	timeouts  int // requests that had no response in time
	watch     watch
	exchange  []string // what the current case has sent, redacted
	repeat    request  // the last request of the current case
}

func newSession(ctx context.Context, target Target, iss *mockissuer.Issuer) (s *session, err error) {
	defer func() {
		if r := recover(); r != nil { // of outside
			err = fmt.Errorf("conform: %v", r)
		}
	}()
	u, err := url.Parse(target.URL)
	if err != nil {
		return nil, err
	}
	s = &session{ctx: ctx, target: target, url: u, iss: iss, limits: defaultLimits}
	if target.DPoP {
		s.key = testutil.DPoPKey(outside{})
		s.key.Now = iss.Now
	}
	if target.MTLS {
		own, other := testutil.ClientCertificate(outside{}), testutil.ClientCertificate(outside{})
		s.own, s.other = &own, &other
		if target.Certificate != nil {
			s.own = target.Certificate
		}
	}
	var one, two http.Protocols
	one.SetHTTP1(true)
	two.SetHTTP2(true)
	if u.Scheme == "http" {
		two = http.Protocols{}
		two.SetUnencryptedHTTP2(true)
	}
	s.client, s.http2 = s.newClient(&one, nil), s.newClient(&two, nil)
	return s, nil
}

func (s *session) close() {
	s.client.CloseIdleConnections()
	s.http2.CloseIdleConnections()
	for _, client := range s.certified {
		client.CloseIdleConnections()
	}
}

// newClient returns a client that connects to the host of the API alone, and
// follows no redirect.
func (s *session) newClient(protocols *http.Protocols, certificate *tls.Certificate) *http.Client {
	address := s.url.Host
	if s.url.Port() == "" {
		address = net.JoinHostPort(s.url.Hostname(), map[string]string{"http": "80", "https": "443"}[s.url.Scheme])
	}
	config := &tls.Config{RootCAs: s.target.RootCAs, MinVersion: tls.VersionTLS12, VerifyConnection: s.root.keep}
	if certificate != nil {
		config.Certificates = []tls.Certificate{*certificate}
	}
	var dialer net.Dialer
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Protocols:       protocols,
			TLSClientConfig: config,
			DialContext: func(ctx context.Context, network, wanted string) (net.Conn, error) {
				if wanted != address {
					return nil, fmt.Errorf("conform: %s is not the API", wanted)
				}
				return dialer.DialContext(ctx, network, wanted)
			},
			MaxResponseHeaderBytes: 1 << 20,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
		},
	}
}

// A request is what a case sends.
type request struct {
	method        string // if empty, that of the target
	path          string // if empty, that of the URL
	query         string // added to that of the URL
	authorization []string
	token         string // the token in it, which must not come back
	// proof returns the DPoP fields for a nonce, which may be empty.
	proof  func(nonce string) []string
	header http.Header
	client *http.Client
}

// An answer is what came.
type answer struct {
	status int
	proto  string
	header http.Header
	body   string
	took   time.Duration
	err    error
}

func (a answer) accepted() bool { return a.err == nil && a.status >= 200 && a.status < 300 }

func (a answer) String() string {
	if a.err != nil {
		return "no response: " + printable(cut(a.err.Error(), 300))
	}
	text := fmt.Sprintf("%d", a.status)
	for _, field := range a.header.Values("WWW-Authenticate") {
		text += ", WWW-Authenticate: " + printable(cut(field, 300))
	}
	if at := a.header.Get("Location"); at != "" {
		text += ", Location: " + printable(cut(at, 100))
	}
	return cut(text, 1000)
}

// without returns a as a report may have it, if the API has written the token
// into it.
func (a answer) without(token string) answer {
	const hidden = "⟨the token⟩"
	replaced := []string{token, hidden}
	if at := strings.LastIndexByte(token, '.'); len(token)-at > 16 {
		replaced = append(replaced, token[at+1:], hidden)
	}
	if len(token) < 16 {
		return a
	}
	hide := strings.NewReplacer(replaced...)
	if a.err != nil && strings.Contains(a.err.Error(), replaced[len(replaced)-2]) {
		a.err = errors.New(hide.Replace(a.err.Error()))
	}
	a.body = hide.Replace(a.body)
	a.header = a.header.Clone()
	for _, fields := range a.header {
		for i := range fields {
			fields[i] = hide.Replace(fields[i])
		}
	}
	return a
}

// bearer returns a request with this token, as a client of the API sends it.
func (s *session) bearer(token string) request {
	if s.target.Profile == ProfileFAPI2 {
		return s.proven(token)
	}
	return request{authorization: []string{"Bearer " + token}, token: token}
}

// proven returns a request with this token and a proof.
func (s *session) proven(token string, changes ...testutil.Claims) request {
	return request{
		authorization: []string{"DPoP " + token},
		token:         token,
		proof: func(nonce string) []string {
			all := slices.Clone(changes)
			if nonce != "" {
				all = append([]testutil.Claims{{"nonce": nonce}}, all...)
			}
			return []string{s.key.Proof(s.target.Method, s.target.URL, token, all...)}
		},
	}
}

// fields returns a request with these Authorization fields, in which "%s"
// stands for a good token.
func (s *session) fields(fields ...string) (request, error) {
	token, err := s.iss.Sign(s.good())
	if err != nil {
		return request{}, err
	}
	r := s.bearer(token)
	scheme, _, _ := strings.Cut(r.authorization[0], " ")
	r.authorization = nil
	for _, field := range fields {
		field = strings.ReplaceAll(field, "Bearer", scheme)
		field = strings.ReplaceAll(field, "bearer", strings.ToLower(scheme))
		r.authorization = append(r.authorization, strings.ReplaceAll(field, "%s", token))
	}
	return r, nil
}

// send sends r. If the API asks for a nonce, it is sent once more with it, as
// clients do (RFC 9449, Section 9).
func (s *session) send(r request) answer {
	a := s.sendOnce(r)
	if r.proof == nil || a.err != nil {
		return a
	}
	nonce := a.header.Get("DPoP-Nonce")
	if nonce == "" || nonce == s.nonce {
		return a
	}
	s.nonce = nonce
	if a.status == http.StatusUnauthorized && strings.Contains(a.header.Get("WWW-Authenticate"), "use_dpop_nonce") {
		return s.sendOnce(r)
	}
	return a
}

func (s *session) sendOnce(r request) answer {
	req, err := s.build(r)
	if err != nil {
		return answer{err: err}
	}
	s.repeat = r
	s.exchange = append(s.exchange, describe(req))
	a := s.do(r, req)
	if errors.Is(a.err, context.DeadlineExceeded) {
		s.timeouts++
	}
	s.watch.see(r, a)
	return a.without(r.token)
}

// quietly sends r and takes no note of it, so that it may run beside other
// requests.
func (s *session) quietly(r request) answer {
	req, err := s.build(r)
	if err != nil {
		return answer{err: err}
	}
	return s.do(r, req)
}

func (s *session) do(r request, req *http.Request) answer {
	client := r.client
	if client == nil {
		client = s.client
	}
	limit := s.limits.response
	if s.timeouts >= manyTimeouts {
		limit = s.limits.afterMany
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	timer := time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()

	began := time.Now()
	res, err := client.Do(req.WithContext(ctx))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return answer{err: fmt.Errorf("%w, after %v", cause, limit), took: time.Since(began)}
	}
	if err != nil {
		return answer{err: errors.Unwrap(err), took: time.Since(began)}
	}
	defer res.Body.Close()
	timer.Reset(s.limits.body)
	// The status is the decision. A body that never ends, such as a stream of
	// events, or that breaks off, changes nothing.
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxResponse))
	return answer{status: res.StatusCode, proto: res.Proto, header: res.Header, body: string(body), took: time.Since(began)}
}

func (s *session) build(r request) (*http.Request, error) {
	u := *s.url
	if r.path != "" {
		u.Path, u.RawPath, u.RawQuery = r.path, "", ""
	}
	if r.query != "" {
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+r.query, "&")
	}
	method := r.method
	if method == "" {
		method = s.target.Method
	}
	var body io.Reader
	if s.target.Body != "" && r.path == "" {
		body = bytes.NewReader([]byte(s.target.Body))
	}
	req, err := http.NewRequestWithContext(s.ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range s.target.Header {
		req.Header[name] = values
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "rsguard-conform")
	req.Header["Authorization"] = r.authorization
	if r.proof != nil {
		req.Header["Dpop"] = r.proof(s.nonce)
	}
	return req, nil
}

// sendable reports whether a header field can hold text (RFC 9110, Section 5.5).
func sendable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// pass lets d pass, by the issuer's clock if the API follows it.
func (s *session) pass(d time.Duration) {
	if s.target.FollowsClock {
		s.iss.Advance(d)
		d = 5 * time.Millisecond // for what the API does in the background
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

// eventually tries done until it is true, for at most this long.
func (s *session) eventually(limit, step time.Duration, done func() bool) (after time.Duration, ok bool) {
	for began := s.iss.Now(); ; s.pass(step) {
		if done() {
			return s.iss.Now().Sub(began).Round(time.Second), true
		}
		if s.iss.Now().Sub(began) >= limit || s.ctx.Err() != nil {
			return limit, false
		}
		s.exchange = s.exchange[:min(len(s.exchange), 3)]
	}
}

// outside is a testing.TB for parts of package testutil that can't fail here.
type outside struct{ testing.TB }

func (outside) Helper() {}
func (outside) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// printable returns text of the API without what controls a terminal.
func printable(text string) string {
	var shown strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			shown.WriteRune(r)
		} else {
			shown.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return shown.String()
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
