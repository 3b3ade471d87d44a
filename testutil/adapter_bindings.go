package testutil

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

const (
	adapterOrigin  = "https://api.example.com"
	adapterURL     = adapterOrigin + "/orders/7"
	adapterOffered = `DPoP algs="ES256 EdDSA PS256 RS256"`
)

// A boundClient has a token that is bound to its key.
type boundClient struct {
	mount  mount
	key    *ProofKey
	token  string
	nonces *dpop.Nonces
	store  *adapterStore
}

// An adapterStore is a ReplayStore that can be made to fail.
type adapterStore struct {
	dpop.MemoryStore
	err error
}

func (s *adapterStore) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	if s.err != nil {
		return true, s.err
	}
	return s.MemoryStore.Add(ctx, key, expires)
}

// runBound makes a handler behind an Authenticator with DPoP, and a client for
// it. It returns nil if that fails.
func (a *adapterTokens) runBound(t reporter, m mount, withNonces bool, checks ...validator.Check) (*adapterRun, *boundClient) {
	t.Helper()
	c, cfg := a.bound(t, m, withNonces)
	if c == nil {
		return nil, nil
	}
	return newAdapterRun(t, m, cfg, checks), c
}

// bound makes a client, and the Config of an Authenticator for it. It returns
// nil if that fails.
func (a *adapterTokens) bound(t reporter, m mount, withNonces bool) (*boundClient, middleware.Config) {
	t.Helper()
	var none middleware.Config
	key, err := newProofKey(validator.ES256)
	if err != nil {
		t.Errorf("key: %v", err)
		return nil, none
	}
	now := func() time.Time { return adapterTime }
	key.Now = now
	c := &boundClient{mount: m, key: key, store: &adapterStore{MemoryStore: dpop.MemoryStore{Now: now}}}
	c.nonces, err = dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{make([]byte, 32)}, Now: now})
	if err != nil {
		t.Errorf("dpop.NewNonces() error = %v", err)
		return nil, none
	}
	cfg := dpop.Config{Replays: c.store, Now: now}
	if withNonces {
		cfg.Nonces = c.nonces
	}
	verifier, err := dpop.New(cfg)
	if err != nil {
		t.Errorf("dpop.New() error = %v", err)
		return nil, none
	}
	if c.token, err = a.token(nil, Claims{"cnf": key.Confirmation(), "scope": "orders:read"}, false); err != nil {
		t.Errorf("token: %v", err)
		return nil, none
	}
	v, err := a.validator(nil)
	if err != nil {
		t.Errorf("validator.New() error = %v", err)
		return nil, none
	}
	return c, middleware.Config{Validator: v, DPoP: verifier}
}

// adapterRequest is what handled.request then says of it.
func adapterRequest(m mount, scheme, token string) *http.Request {
	ctx := context.WithValue(context.Background(), outerKey{}, "outer")
	method, target := m.request(http.MethodGet, adapterURL)
	r := httptest.NewRequestWithContext(ctx, method, adapterOrigin+target, strings.NewReader("body"))
	r.Header.Set("X-Test", "header")
	r.Header.Set("Authorization", scheme+" "+token)
	return r
}

// request returns a request with a new proof, and with a nonce if there is one.
func (c *boundClient) request(t reporter, scheme, nonce string) *http.Request {
	t.Helper()
	changes := Claims{}
	if nonce != "" {
		changes["nonce"] = nonce
	}
	method, target := c.mount.request(http.MethodGet, adapterURL)
	proof, err := c.key.sign(nil, c.key.claims(method, adapterOrigin+target, c.token, changes))
	if err != nil {
		t.Errorf("proof: %v", err)
	}
	r := adapterRequest(c.mount, scheme, c.token)
	r.Header.Set("DPoP", proof)
	return r
}

func proofTakenOnce(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, c := tokens.runBound(t, m, false)
	if run == nil {
		return
	}
	r := c.request(t, "DPoP", "")
	run.accepted(run.serve(r), http.MethodGet, adapterURL, adapterSubject)
	run.handled = nil
	again := run.serve(r.Clone(r.Context()))
	run.refused(again, 401, []string{`DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"`}, "")
	run.secrets(again, c.token)

	c.store.err = errors.New(secretCause)
	down := run.serve(c.request(t, "DPoP", ""))
	run.refused(down, 503, nil, "5")
	run.secrets(down, c.token)

	method, _ := m.request(http.MethodGet, adapterURL)
	event := middleware.Event{Outcome: middleware.Accepted, Subject: adapterSubject, Scheme: "DPoP", Binding: "dpop", Method: method}
	replayed, failed := event, event
	replayed.Outcome, replayed.Status, replayed.Code, replayed.Remembered = middleware.Rejected, 401, validator.CodeReplayed, true
	failed.Outcome, failed.Status, failed.Code, failed.Remembered = middleware.Rejected, 503, validator.CodeUnavailable, true
	failed.Service = "replay store"
	run.observed(event, replayed, failed)
}

// proofTakenByTwo tests a group and a route of it, with two Authenticators that
// share a Verifier. The inner one must find in the context of the request that
// the outer one has redeemed its proof.
func proofTakenByTwo(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	c, cfg := tokens.bound(t, m, false)
	if c == nil {
		return
	}
	outer := cfg
	outer.Logger = slog.New(slog.DiscardHandler)
	auth, err := middleware.New(outer)
	if err != nil {
		t.Errorf("middleware.New() error = %v", err)
		return
	}
	nested := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		return m.serve(next, Layer{Auth: auth}, layer) //nolint:bodyclose // it returns a function, and no response yet
	})
	run := newAdapterRun(t, nested, cfg, []validator.Check{validator.Scopes("orders:read")})
	if run == nil {
		return
	}
	r := c.request(t, "DPoP", "")
	res := run.serve(r)
	if slices.Equal(run.codes, []string{string(validator.CodeReplayed)}) {
		t.Errorf("the inner of two Authenticators with one Verifier has rejected the proof as a replay, want it accepted: " +
			"go on with the context of the request that Guard.Do returns")
		return
	}
	run.accepted(res, http.MethodGet, adapterURL, adapterSubject)
	run.checks(1)
	run.handled = nil
	run.refused(run.serve(r.Clone(r.Context())), 401, []string{`DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"`}, "")
}

func nonceRenewed(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, c := tokens.runBound(t, m, true, validator.Scopes("orders:read"))
	if run == nil {
		return
	}
	want := []string{c.nonces.Nonce()}
	first := run.serve(c.request(t, "DPoP", ""))
	run.refused(first, 401, []string{`DPoP error="use_dpop_nonce", algs="ES256 EdDSA PS256 RS256"`}, "")
	if first != nil && !slices.Equal(first.header["Dpop-Nonce"], want) {
		t.Errorf("DPoP-Nonce = %q, want %q", first.header["Dpop-Nonce"], want)
	}
	second := run.serve(c.request(t, "DPoP", want[0]))
	run.accepted(second, http.MethodGet, adapterURL, adapterSubject)
	if second != nil && !slices.Equal(second.header["Dpop-Nonce"], want) {
		t.Errorf("DPoP-Nonce of an accepted request's response = %q, want %q: pass the response's header to Guard.Do, before the handler",
			second.header["Dpop-Nonce"], want)
	}
}

func boundIsNoBearer(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, c := tokens.runBound(t, m, false, validator.Scopes("orders:write"))
	if run == nil {
		return
	}
	run.refused(run.send("GET", "/", nil, ""), 401, []string{"Bearer", adapterOffered}, "")
	run.refused(run.serve(c.request(t, "Bearer", "")), 401, []string{`Bearer error="invalid_token"`, adapterOffered}, "")
	run.refused(run.serve(adapterRequest(m, "DPoP", c.token)), 401, []string{`DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"`}, "")
	run.refused(run.serve(c.request(t, "DPoP", "")), 403, []string{`DPoP error="insufficient_scope", scope="orders:write", algs="ES256 EdDSA PS256 RS256"`}, "")
}

func boundToCertificate(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	// Only the certificate's hash is used.
	own, other := &x509.Certificate{Raw: []byte("one")}, &x509.Certificate{Raw: []byte("another")}
	token, err := tokens.token(nil, Claims{"cnf": CertificateConfirmation(own)}, false)
	if err != nil {
		t.Errorf("token: %v", err)
		return
	}
	for _, scheme := range []string{"Bearer", "DPoP"} {
		run, _ := tokens.run(t, m, middleware.Config{ClientCertificate: firstCertificate}, nil)
		if run == nil {
			return
		}
		r := adapterRequest(m, scheme, token)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{other, own}}
		run.refused(run.serve(r), 401, []string{scheme + ` error="invalid_token"`}, "")
		r = adapterRequest(m, scheme, token)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{own, other}}
		res := run.serve(r)
		run.accepted(res, http.MethodGet, adapterURL, adapterSubject)
		if want := []string{"Client-Cert"}; res != nil && m.procedure == "" && !slices.Equal(res.header["Vary"], want) {
			t.Errorf("Vary = %q, want %q: pass the response's header to Guard.Do, before the handler", res.header["Vary"], want)
		}
	}
}

func firstCertificate(r *http.Request) (*x509.Certificate, error) {
	return r.TLS.PeerCertificates[0], nil
}
