package clientauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/useragent"
)

var (
	errSilent = errors.New("no complete answer in time")
	errEnded  = errors.New("a function of the Config has ended its goroutine")
	errBusy   = fmt.Errorf("%d token requests are in progress", maxRunning)
)

// maxAnswer is the size of the largest answer in bytes.
const maxAnswer = 128 << 10

// fetch requests a token, and checks it.
func (c *state) fetch(ctx context.Context, w wanted) (*grant, *Error) {
	endpoint, err := c.where(ctx)
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		requested := c.cfg.Now()
		res, err := c.post(ctx, endpoint, w)
		if err != nil {
			return nil, err
		}
		if res.status != http.StatusOK {
			refusal := c.rejection(endpoint, res, requested)
			// RFC 9449, Section 8: once, with the nonce that came with it.
			if refusal.OAuthError == "use_dpop_nonce" && c.cfg.Key != nil && !again && res.header.Get("DPoP-Nonce") != "" {
				continue
			}
			return nil, refusal
		}
		return c.read(ctx, endpoint, res, w, requested)
	}
}

type response struct {
	status int
	header http.Header
	body   string
	sent   secrets
}

// post sends the request of w.
func (c *state) post(ctx context.Context, endpoint string, w wanted) (response, *Error) {
	issuer := c.cfg.Issuer
	if issuer == "" {
		issuer = endpoint
	}
	r := &AuthRequest{
		ClientID: c.cfg.ClientID, Issuer: issuer, Endpoint: endpoint, Header: make(http.Header), Form: maps.Clone(w.form),
		Now: c.cfg.Now(),
	}
	if err := c.cfg.Auth(ctx, r); err != nil {
		return response{}, &Error{Code: CodeConfig, Err: fmt.Errorf("Config.Auth: %w", err)}
	}
	if r.Form == nil {
		r.Form = make(url.Values)
	}
	maps.Copy(r.Form, w.form) // whatever Auth has made of it
	body, contentType := []byte(r.Form.Encode()), "application/x-www-form-urlencoded"
	if c.cfg.JSON {
		object := make(map[string]string)
		for name := range r.Form {
			object[name] = r.Form.Get(name)
		}
		var err error
		if body, err = json.Marshal(object); err != nil {
			return response{}, &Error{Code: CodeConfig, Err: err}
		}
		contentType = "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body)) //nolint:gosec // G704: the URL is the Config's, or the issuer's own
	if err != nil {
		return response{}, &Error{Code: CodeConfig, Err: fmt.Errorf("POST %s: not a URL to send to", endpoint)}
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", "application/json")
	if c.cfg.Key != nil {
		proof, err := c.cfg.Key.proof(http.MethodPost, req.URL, "", c.nonces.of(req.URL), r.Now)
		if err != nil {
			return response{}, &Error{Code: CodeConfig, Err: fmt.Errorf("signing a proof with Config.Key: %w", err)}
		}
		req.Header.Set("DPoP", proof)
	}
	res, failure := c.do(req, maxAnswer, secretsOf(req.Header, r.Form))
	if failure != nil {
		return response{}, failure
	}
	c.nonces.keep(req.URL, res.header)
	return res, nil
}

// do sends req. The client's own errors are kept out of the chain, as they may
// be anything, and the secrets that were sent are kept out of texts.
func (c *state) do(req *http.Request, most int64, sent secrets) (response, *Error) {
	req.Header.Set("User-Agent", useragent.Default())
	unavailable := func(format string, args ...any) *Error {
		if req.Context().Err() != nil {
			return &Error{Code: CodeUnavailable, Err: errSilent}
		}
		return &Error{Code: CodeUnavailable, Err: fmt.Errorf("%s %s: "+format, append([]any{req.Method, req.URL}, args...)...)}
	}
	res, err := c.http.Do(req) //nolint:gosec // G704: the URL is the Config's, or the issuer's own
	if err != nil {
		var inner *url.Error // which would name the URL again
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return response{}, unavailable("%s", sent.said(err.Error()))
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return response{}, unavailable("reading the body: %s", sent.said(err.Error()))
	case int64(len(body)) > most:
		return response{}, &Error{Code: CodeAnswer, Status: res.StatusCode, Err: fmt.Errorf("%s %s: the body is over %d bytes", req.Method, req.URL, most)}
	}
	return response{status: res.StatusCode, header: res.Header, body: string(body), sent: sent}, nil
}

// nonces are the servers' nonces for DPoP proofs (RFC 9449, Section 8), by
// origin.
type nonces struct {
	mu       sync.Mutex
	byOrigin map[string]string
}

const (
	maxNonce   = 512 // bytes of one that is kept
	maxOrigins = 256
)

func (n *nonces) of(u *url.URL) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.byOrigin[originOf(u)]
}

// keep keeps the nonce of a response, and reports whether it is a new one.
func (n *nonces) keep(u *url.URL, h http.Header) bool {
	nonce := h.Get("DPoP-Nonce")
	if nonce == "" || len(nonce) > maxNonce {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byOrigin == nil || len(n.byOrigin) >= maxOrigins {
		n.byOrigin = make(map[string]string)
	}
	before := n.byOrigin[originOf(u)]
	n.byOrigin[originOf(u)] = nonce
	return nonce != before
}

func originOf(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

// rejection returns the error of a response other than 200.
func (c *state) rejection(endpoint string, res response, now time.Time) *Error {
	e := &Error{Code: CodeRejected, Status: res.status}
	e.wait = seconds.RetryAfter(res.header, now, maxAsked)
	e.readError(&res)
	status := fmt.Sprintf("POST %s: %d %s", endpoint, res.status, http.StatusText(res.status))
	switch {
	case res.status/100 == 5 || res.status == http.StatusTooManyRequests || res.status == http.StatusRequestTimeout ||
		e.OAuthError == "temporarily_unavailable":
		e.Code = CodeUnavailable
	case stepUp[e.OAuthError]:
		e.Code = CodeAuthentication
	case res.status/100 == 3:
		status += ", and redirects are not followed: see Config.TokenURL"
	case res.status/100 == 2:
		e.Code = CodeAnswer
	case e.OAuthError == "invalid_client" || e.OAuthError == "" && res.status == http.StatusUnauthorized:
		status += ": the issuer does not accept Config.ClientID and Config.Auth"
	case e.OAuthError == "" && (res.status == http.StatusNotFound || res.status == http.StatusMethodNotAllowed):
		status += ": there is no token endpoint: see Config.TokenURL"
	}
	e.Err = errors.New(status)
	return e
}
