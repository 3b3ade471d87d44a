package middleware_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const ordersURL = "https://api.example.com/orders"

// bound is what the tests of tokens that are bound have in common.
type bound struct {
	*testing.T
	iss   *testutil.Issuer
	key   *testutil.ProofKey
	certs [2]tls.Certificate
	valid *validator.Validator
}

func newBound(t *testing.T) *bound {
	t.Helper()
	b := &bound{T: t, iss: testutil.NewIssuer(t), key: testutil.DPoPKey(t)}
	b.certs[0], b.certs[1] = testutil.ClientCertificate(t), testutil.ClientCertificate(t)
	var err error
	if b.valid, err = validator.New(b.iss.Config("https://api.example.com")); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bound) verifier(cfg dpop.Config) *dpop.Verifier {
	b.Helper()
	v, err := dpop.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// request is for ordersURL, by TLS.
func (b *bound) request(scheme, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, ordersURL+"?page=2", nil)
	if token != "" {
		r.Header.Set("Authorization", scheme+" "+token)
	}
	return r
}

func (b *bound) prove(r *http.Request, key *testutil.ProofKey, token string, changes ...testutil.Claims) *http.Request {
	r.Header.Set("DPoP", key.Proof(r.Method, ordersURL, token, changes...))
	return r
}

func with(r *http.Request, cert tls.Certificate) *http.Request {
	r.TLS.PeerCertificates = []*x509.Certificate{cert.Leaf}
	return r
}

func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBinding(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	cert, otherCert := b.certs[0], b.certs[1]
	other := testutil.DPoPKey(t)
	token := func(cnf any) string { return b.iss.Token(testutil.Claims{"cnf": cnf}) }
	toCert := testutil.CertificateConfirmation(cert.Leaf)
	toBoth := testutil.Claims{"jkt": b.key.Thumbprint(), "x5t#S256": toCert["x5t#S256"]}
	plain, keyed, certified, both := token(nil), token(b.key.Confirmation()), token(toCert), token(toBoth)

	const (
		algs    = `algs="ES256 EdDSA PS256 RS256"`
		none    = "off" // no Config.DPoP
		welcome = "on"
		must    = "required"

		bearer  = `Bearer error="invalid_token"`
		offered = `DPoP ` + algs
		wrong   = `DPoP error="invalid_token", ` + algs
		noProof = `DPoP error="invalid_dpop_proof", ` + algs
	)
	for _, tt := range []struct {
		name string
		mode string
		r    *http.Request
		want []string // the challenges of a 401; nil for a 200
	}{
		{"nothing", none, b.request("", ""), []string{`Bearer`}},
		{"nothing", welcome, b.request("", ""), []string{`Bearer`, offered}},
		{"nothing", must, b.request("", ""), []string{offered}},
		{"another scheme", welcome, b.request("Basic", "dTpw"), []string{`Bearer`, offered}},
		{"another scheme", must, b.request("Basic", "dTpw"), []string{offered}},

		{"a plain token under Bearer", none, b.request("Bearer", plain), nil},
		{"a plain token under Bearer", welcome, b.request("Bearer", plain), nil},
		{"a plain token under Bearer", must, b.request("Bearer", plain), []string{wrong}},
		{"a plain token under Bearer with a proof", welcome, b.prove(b.request("Bearer", plain), b.key, plain), nil},
		{"a plain token under Bearer with a proof", must, b.prove(b.request("Bearer", plain), b.key, plain), []string{wrong}},
		{"a plain token under DPoP", none, b.request("DPoP", plain), []string{`Bearer`}},
		{"a plain token under DPoP", welcome, b.request("DPoP", plain), []string{noProof}},
		{"a plain token under DPoP with a proof", welcome, b.prove(b.request("DPoP", plain), b.key, plain), []string{wrong}},
		{"a plain token under DPoP with a proof", must, b.prove(b.request("DPoP", plain), b.key, plain), []string{wrong}},
		{"a plain token under DPoP with a certificate", none, with(b.request("DPoP", plain), cert), []string{`DPoP error="invalid_token"`}},
		{"a plain token under DPoP with a certificate", welcome, with(b.request("DPoP", plain), cert), []string{wrong}},
		{"a plain token under Bearer with a certificate", welcome, with(b.request("Bearer", plain), cert), nil},
		{"a plain token under Bearer with a certificate", must, with(b.request("Bearer", plain), cert), []string{wrong}},

		{"a token bound to a key under Bearer", none, b.request("Bearer", keyed), []string{bearer}},
		{"a token bound to a key under Bearer", welcome, b.request("Bearer", keyed), []string{bearer, offered}},
		{"a token bound to a key under Bearer with its proof", none, b.prove(b.request("Bearer", keyed), b.key, keyed), []string{bearer}},
		{"a token bound to a key under Bearer with its proof", welcome, b.prove(b.request("Bearer", keyed), b.key, keyed), []string{bearer, offered}},
		{"a token bound to a key under Bearer with its proof", must, b.prove(b.request("Bearer", keyed), b.key, keyed), []string{wrong}},
		{"a token bound to a key under DPoP", none, b.prove(b.request("DPoP", keyed), b.key, keyed), []string{`Bearer`}},
		{"a token bound to a key under DPoP", welcome, b.prove(b.request("DPoP", keyed), b.key, keyed), nil},
		{"a token bound to a key under DPoP", must, b.prove(b.request("DPoP", keyed), b.key, keyed), nil},
		{"a token bound to a key under dpop", must, b.prove(b.request("dpop", keyed), b.key, keyed), nil},
		{"a token bound to a key under DPoP, without a proof", welcome, b.request("DPoP", keyed), []string{noProof}},
		{"a token bound to a key under DPoP, with another key's proof", welcome, b.prove(b.request("DPoP", keyed), other, keyed), []string{wrong}},
		{"a token bound to a key under DPoP, with a certificate alone", welcome, with(b.request("DPoP", keyed), cert), []string{wrong}},
		{"a token bound to a key under DPoP, with a certificate alone", none, with(b.request("DPoP", keyed), cert), []string{`DPoP error="invalid_token"`}},

		{"a token bound to a certificate under Bearer", none, with(b.request("Bearer", certified), cert), nil},
		{"a token bound to a certificate under Bearer", welcome, with(b.request("Bearer", certified), cert), nil},
		{"a token bound to a certificate under Bearer", must, with(b.request("Bearer", certified), cert), nil},
		{"a token bound to a certificate under DPoP", none, with(b.request("DPoP", certified), cert), nil},
		{"a token bound to a certificate under DPoP", welcome, with(b.request("DPoP", certified), cert), nil},
		{"a token bound to a certificate under DPoP", must, with(b.request("DPoP", certified), cert), nil},
		{"a token bound to a certificate, without one", none, b.request("Bearer", certified), []string{bearer}},
		{"a token bound to a certificate, with another", none, with(b.request("Bearer", certified), otherCert), []string{bearer}},
		{"a token bound to a certificate, with another under DPoP", welcome, with(b.request("DPoP", certified), otherCert), []string{wrong}},
		{"a token bound to a certificate, with a proof", welcome, b.prove(b.request("DPoP", certified), b.key, certified), []string{wrong}},
		{"a token bound to a certificate, with it and a proof", welcome, b.prove(with(b.request("DPoP", certified), cert), b.key, certified), []string{wrong}},

		{"a token bound to both, with both", welcome, b.prove(with(b.request("DPoP", both), cert), b.key, both), nil},
		{"a token bound to both, with both under Bearer", welcome, b.prove(with(b.request("Bearer", both), cert), b.key, both), []string{bearer, offered}},
		{"a token bound to both, with the key", welcome, b.prove(b.request("DPoP", both), b.key, both), []string{wrong}},
		{"a token bound to both, with the certificate", welcome, with(b.request("DPoP", both), cert), []string{wrong}},
		{"a token bound to both, with the key and another certificate", welcome, b.prove(with(b.request("DPoP", both), otherCert), b.key, both), []string{wrong}},

		{"a token bound in an unknown way", welcome, with(b.prove(b.request("DPoP", token(testutil.Claims{"kid": "1"})), b.key, token(nil)), cert), []string{noProof}},
		{"a token with an empty binding", none, with(b.request("Bearer", token(testutil.Claims{})), cert), []string{bearer}},
		{"an expired token under DPoP", welcome, expired(b), []string{wrong}},
	} {
		t.Run(tt.name+", DPoP "+tt.mode, func(t *testing.T) {
			t.Parallel()

			cfg := middleware.Config{Validator: b.valid}
			if tt.mode != none {
				cfg.DPoP = b.verifier(dpop.Config{})
			}
			cfg.RequireBinding = tt.mode == must
			handler := new(spy)
			w := answer(newAuth(t, cfg).Handler(handler), tt.r.Clone(t.Context()))
			status := http.StatusOK
			if tt.want != nil {
				status = http.StatusUnauthorized
			}
			if got := w.Header()["Www-Authenticate"]; w.Code != status || !slices.Equal(got, tt.want) {
				t.Errorf("status, challenges = %d, %q, want %d, %q", w.Code, got, status, tt.want)
			}
			if called := len(handler.seen) > 0; called != (tt.want == nil) {
				t.Errorf("the handler was called: %t, want %t", called, !called)
			}
		})
	}
}

func expired(b *bound) *http.Request {
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation(), "exp": time.Now().Add(-time.Hour)})
	return b.prove(b.request("DPoP", token), b.key, token)
}

func TestDPoP_badProofs(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{})})
	for _, bad := range b.key.BadProofs(http.MethodGet, ordersURL, token) {
		handler := new(spy)
		r := b.request("DPoP", token)
		r.Header["Dpop"] = bad.DPoP
		w := answer(auth.Handler(handler), r)
		want := `DPoP error="invalid_dpop_proof", algs="ES256 EdDSA PS256 RS256"`
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != want || len(handler.seen) > 0 {
			t.Errorf("%s: status, challenge = %d, %q, want 401, %q: %s", bad.Name, w.Code, got, want, bad.Why)
		}
	}
	if w := answer(auth.Handler(new(spy)), b.prove(b.request("DPoP", token), b.key, token)); w.Code != 200 {
		t.Errorf("a good proof: status = %d, want 200", w.Code)
	}
}

func TestDPoP_request(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	proof := b.key.Proof(http.MethodGet, ordersURL, token)
	header := func(lines ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(lines); i += 2 {
			h.Add(lines[i], lines[i+1])
		}
		return h
	}
	for _, tt := range []struct {
		name   string
		target string
		header http.Header
		want   int
	}{
		{"good", "", header("Authorization", "DPoP "+token, "DPoP", proof), 200},
		{"no token", "", header("Authorization", "DPoP", "DPoP", proof), 400},
		{"a token with a comma", "", header("Authorization", "DPoP "+token+","+token, "DPoP", proof), 400},
		{"two fields", "", header("Authorization", "DPoP "+token, "Authorization", "Bearer "+token, "DPoP", proof), 400},
		{"the same field twice", "", header("Authorization", "DPoP "+token, "Authorization", "DPoP "+token, "DPoP", proof), 400},
		{"a token in the query as well", "?access_token=" + token, header("Authorization", "DPoP "+token, "DPoP", proof), 400},
		{"a proof without a token", "", header("DPoP", proof), 401},
		{"the proof in place of the token", "", header("Authorization", "DPoP "+proof, "DPoP", proof), 401},
		{"a proof in the query", "?DPoP=" + proof, header("Authorization", "DPoP "+token), 401},
		{"a field with an underscore", "", header("Authorization", "DPoP "+token, "D_PoP", proof), 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{})})
			r := httptest.NewRequest(http.MethodGet, ordersURL+tt.target, nil)
			r.Header = tt.header
			if w := answer(auth.Handler(new(spy)), r); w.Code != tt.want {
				t.Errorf("status = %d, %q, want %d", w.Code, w.Header()["Www-Authenticate"], tt.want)
			}
		})
	}
}

// A proof is taken once; and where the store can't tell, the request is not let
// through, and not told to get a new token.
func TestDPoP_replay(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation(), "scope": "orders:read"})
	replays := &switchedStore{MemoryStore: new(dpop.MemoryStore)}
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{Replays: replays})})

	r := b.prove(b.request("DPoP", token), b.key, token)
	for i, want := range []int{200, 401, 401} {
		if w := answer(auth.Handler(new(spy)), r.Clone(t.Context())); w.Code != want {
			t.Errorf("request %d with one proof: status = %d, want %d", i, w.Code, want)
		}
	}

	replays.down = true
	fresh := b.prove(b.request("DPoP", token), b.key, token)
	w := answer(auth.Handler(new(spy)), fresh.Clone(t.Context()))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || len(w.Header()["Www-Authenticate"]) > 0 {
		t.Errorf("with a store that is down: status = %d, header %v, want 503 with Retry-After and no challenge", w.Code, w.Header())
	}
	replays.down = false
	if w := answer(auth.Handler(new(spy)), fresh); w.Code != 200 {
		t.Errorf("with the store up again: status = %d, want 200", w.Code)
	}

	// A proof that is rejected for another reason takes no memory.
	before := replays.Len()
	answer(auth.Handler(new(spy)), expired(b))
	answer(auth.Handler(new(spy)), b.prove(b.request("DPoP", token), testutil.DPoPKey(t), token))
	elsewhere := newAuth(t, middleware.Config{
		Validator: b.valid, DPoP: b.verifier(dpop.Config{Replays: replays}), IssuerForHost: func(string) string { return "" },
	})
	answer(elsewhere.Handler(new(spy)), b.prove(b.request("DPoP", token), b.key, token))
	if after := replays.Len(); after != before {
		t.Errorf("proofs remembered = %d, want %d as before three rejections", after, before)
	}
}

type switchedStore struct {
	*dpop.MemoryStore
	down bool
}

func (s *switchedStore) Add(ctx context.Context, key string, expires time.Time) (bool, error) {
	if s.down {
		return true, errors.New("connection refused")
	}
	return s.MemoryStore.Add(ctx, key, expires)
}

// A route inside a guarded subtree runs its checks, and doesn't take the proof
// for used.
func TestDPoP_nested(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation(), "scope": "orders:read"})
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{}), Realm: "r"})
	read, write := validator.Scopes("orders:read"), validator.Scopes("orders:write")

	handler := new(spy)
	nested := http.StripPrefix("/orders", auth.Handler(auth.Require(read)(auth.Require(read)(handler))))
	w := answer(nested, b.prove(b.request("DPoP", token), b.key, token))
	if w.Code != 200 || !slices.Equal(handler.seen, []string{"auth0|user"}) {
		t.Errorf("status = %d, the handler saw %q, want 200 and the subject once", w.Code, handler.seen)
	}

	w = answer(auth.Handler(auth.Require(write)(handler)), b.prove(b.request("DPoP", token), b.key, token))
	want := []string{`DPoP realm="r", error="insufficient_scope", scope="orders:write", algs="ES256 EdDSA PS256 RS256"`}
	if got := w.Header()["Www-Authenticate"]; w.Code != 403 || !slices.Equal(got, want) {
		t.Errorf("without the scope: status, challenges = %d, %q, want 403, %q", w.Code, got, want)
	}

	stepUp := refuse(&validator.Error{Code: validator.CodeAuthentication, ACRValues: []string{"mfa"}})
	w = answer(auth.Require(stepUp)(handler), b.prove(b.request("DPoP", token), b.key, token))
	want = []string{`DPoP realm="r", error="insufficient_user_authentication", acr_values="mfa", algs="ES256 EdDSA PS256 RS256"`}
	if got := w.Header()["Www-Authenticate"]; w.Code != 401 || !slices.Equal(got, want) {
		t.Errorf("with a step-up: status, challenges = %d, %q, want 401, %q", w.Code, got, want)
	}
}

// Two Authenticators that a request passes redeem its proof once if they have
// one Verifier. For another request it is a replay.
func TestDPoP_twoAuthenticators(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	one := b.verifier(dpop.Config{})
	store := new(dpop.MemoryStore)
	auth := func(v *dpop.Verifier, change func(*middleware.Config)) *middleware.Authenticator {
		cfg := middleware.Config{Validator: b.valid, DPoP: v}
		if change != nil {
			change(&cfg)
		}
		return newAuth(t, cfg)
	}
	reportOnly := func(cfg *middleware.Config) { cfg.InsecureReportOnly = true }
	reportHost := func(cfg *middleware.Config) {
		cfg.InsecureReportOnly = true
		cfg.IssuerForHost = func(string) string { return "" }
	}
	refused := auth(one, nil).Require(refuse(errors.New("always")))
	for _, tt := range []struct {
		name         string
		outer, inner func(http.Handler) http.Handler
		want         int
	}{
		{"one Verifier", auth(one, nil).Handler, auth(one, nil).Handler, 200},
		{"three Authenticators", auth(one, nil).Handler, chain(auth(one, nil).Handler, auth(one, nil).Handler), 200},
		{"another in between", auth(one, nil).Handler, chain(auth(b.verifier(dpop.Config{}), nil).Handler, auth(one, nil).Handler), 200},
		{"the inner one rejects", auth(one, nil).Handler, refused, 403},
		{"the outer one only reports", auth(one, reportOnly).Handler, auth(one, nil).Handler, 200},
		{"the outer one only reports the host", auth(one, reportHost).Handler, auth(one, nil).Handler, 200},
		{"two Verifiers", auth(one, nil).Handler, auth(b.verifier(dpop.Config{}), nil).Handler, 200},
		{
			"two Verifiers with one store", auth(b.verifier(dpop.Config{Replays: store}), nil).Handler,
			auth(b.verifier(dpop.Config{Replays: store}), nil).Handler, 401,
		},
	} {
		handler := new(spy)
		h := tt.outer(tt.inner(handler))
		r := b.prove(b.request("DPoP", token), b.key, token)
		for i, want := range []int{tt.want, 401} {
			if w := answer(h, r.Clone(t.Context())); w.Code != want {
				t.Errorf("%s: time %d with one proof: status = %d, %q, want %d", tt.name, i+1, w.Code, w.Header()["Www-Authenticate"], want)
			}
		}
		if called := len(handler.seen); called > 1 || called != 1 && tt.want == 200 {
			t.Errorf("%s: the handler saw %q, want one call if the request is accepted", tt.name, handler.seen)
		}
	}
}

// What a handler does with requests of its own, such as those of a batch.
func TestDPoP_requestsOfAHandler(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	proofs := b.verifier(dpop.Config{})
	inner := newAuth(t, middleware.Config{Validator: b.valid, DPoP: proofs}).Handler(new(spy))
	own := b.prove(b.request("DPoP", token), b.key, token)
	other := b.prove(b.request("DPoP", token), b.key, token)
	batch := func(_ http.ResponseWriter, r *http.Request) {
		for _, tt := range []struct {
			name string
			r    *http.Request
			want int
		}{
			{"its proof, with a context of its own", own.Clone(t.Context()), 401},
			{"another proof", other.WithContext(r.Context()), 200},
			{"the other proof again", other.WithContext(r.Context()), 401},
			{"its proof, as the same request", r, 200},
		} {
			if w := answer(inner, tt.r); w.Code != tt.want {
				t.Errorf("%s: status = %d, %q, want %d", tt.name, w.Code, w.Header()["Www-Authenticate"], tt.want)
			}
		}
	}
	outer := newAuth(t, middleware.Config{Validator: b.valid, DPoP: proofs})
	if w := answer(outer.Handler(http.HandlerFunc(batch)), own.Clone(t.Context())); w.Code != 200 {
		t.Errorf("the outer request: status = %d, want 200", w.Code)
	}
}

func chain(outer, inner func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return outer(inner(next)) }
}

func TestDPoP_nonce(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation(), "scope": "orders:read"})
	plain := b.iss.Token(nil)
	now := time.Now()
	nonces, err := dpop.NewNonces(dpop.NonceConfig{
		Secrets: [][]byte{[]byte("secret of thirty-two bytes and more")},
		Now:     func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{Nonces: nonces})})
	h := auth.Handler(auth.Require(validator.Scopes("orders:read"))(new(spy)))

	w := answer(h, b.prove(b.request("DPoP", token), b.key, token))
	want := `DPoP error="use_dpop_nonce", algs="ES256 EdDSA PS256 RS256"`
	if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != want || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("without a nonce: status = %d, header = %v, want 401, %q, no-store", w.Code, w.Header(), want)
	}
	nonce := w.Header().Get("DPoP-Nonce")
	w = answer(h, b.prove(b.request("DPoP", token), b.key, token, testutil.Claims{"nonce": nonce}))
	if got := w.Header()["Dpop-Nonce"]; w.Code != 200 || !slices.Equal(got, []string{nonce}) || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("with the nonce: status = %d, header = %v, want 200, the nonce once, no-store", w.Code, w.Header())
	}

	// The next step: the old one is still good, and the answer brings the new
	// one.
	now = now.Add(dpop.DefaultNonceStep)
	w = answer(h, b.prove(b.request("DPoP", token), b.key, token, testutil.Claims{"nonce": nonce}))
	renewed := w.Header().Get("DPoP-Nonce")
	if w.Code != 200 || renewed == "" || renewed == nonce {
		t.Errorf("with the nonce of the step before: status = %d, DPoP-Nonce %q, want 200 and another than %q", w.Code, renewed, nonce)
	}
	now = now.Add(dpop.DefaultNonceStep)
	if w = answer(h, b.prove(b.request("DPoP", token), b.key, token, testutil.Claims{"nonce": nonce})); w.Code != 401 || w.Header().Get("DPoP-Nonce") == nonce {
		t.Errorf("with a nonce of two steps ago: status = %d, DPoP-Nonce %q, want 401 and a new one", w.Code, w.Header().Get("DPoP-Nonce"))
	}

	// A client that doesn't use DPoP has no use for a nonce.
	for _, r := range []*http.Request{b.request("", ""), b.request("Bearer", token), b.request("Bearer", plain)} {
		if w := answer(auth.Handler(new(spy)), r); w.Header().Get("DPoP-Nonce") != "" {
			t.Errorf("%q: status = %d with DPoP-Nonce, want none", cut(r.Header.Get("Authorization")), w.Code)
		}
	}

	// The route's own Cache-Control is its own.
	cached := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "private") })
	w = answer(auth.Handler(cached), b.prove(b.request("DPoP", token), b.key, token, testutil.Claims{"nonce": nonces.Nonce()}))
	if got := w.Header()["Cache-Control"]; !slices.Equal(got, []string{"private"}) {
		t.Errorf("Cache-Control = %q, want the handler's, private", got)
	}
}

func cut(s string) string { return s[:min(len(s), 20)] }

// Functions of the Config that fail or panic let nothing through.
func TestDPoP_functions(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	for _, tt := range []struct {
		name string
		cfg  middleware.Config
		want int
	}{
		{"an origin that is right", middleware.Config{Origin: func(*http.Request) (string, error) { return "https://api.example.com/", nil }}, 200},
		{"an origin that is wrong", middleware.Config{Origin: func(*http.Request) (string, error) { return "https://api.example.org", nil }}, 401},
		{"an origin that is empty", middleware.Config{Origin: func(*http.Request) (string, error) { return "", nil }}, 400},
		{"an origin that hides the path", middleware.Config{Origin: func(*http.Request) (string, error) { return ordersURL + "?", nil }}, 400},
		{"an origin that hides the path in a fragment", middleware.Config{Origin: func(*http.Request) (string, error) { return ordersURL + "#", nil }}, 400},
		{"an Origin that fails", middleware.Config{Origin: func(*http.Request) (string, error) { return "https://api.example.com", errors.New("no") }}, 400},
		{"an Origin that panics", middleware.Config{Origin: func(*http.Request) (string, error) { panic("no") }}, 500},
		{"a ClientCertificate that fails", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { return nil, errors.New("no") }}, 400},
		{"a ClientCertificate that panics", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { panic("no") }}, 500},
		{"a ClientCertificate without encoding", middleware.Config{ClientCertificate: func(*http.Request) (*x509.Certificate, error) { return new(x509.Certificate), nil }}, 400},
		{"a Token for other requests", middleware.Config{Token: middleware.CookieToken("__Host-token")}, 200},
	} {
		tt.cfg.Validator, tt.cfg.DPoP = b.valid, b.verifier(dpop.Config{})
		handler := new(spy)
		w := answer(newAuth(t, tt.cfg).Handler(handler), b.prove(b.request("DPoP", token), b.key, token))
		if w.Code != tt.want || (len(handler.seen) > 0) != (tt.want == 200) {
			t.Errorf("%s: status = %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}

// Whoever the Validator is: what it says a token is bound to must be proven.
func TestDPoP_otherValidator(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	for _, cnf := range []*validator.Confirmation{{}, {JKT: b.key.Thumbprint()}, {X5TS256: b.key.Thumbprint()}} {
		v := validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Confirmation: cnf}, nil
		})
		for _, verifier := range []*dpop.Verifier{nil, b.verifier(dpop.Config{})} {
			for _, r := range []*http.Request{b.request("Bearer", "opaque"), with(b.request("Bearer", "opaque"), b.certs[0]), with(b.request("DPoP", "opaque"), b.certs[0])} {
				if w := answer(newAuth(t, middleware.Config{Validator: v, DPoP: verifier}).Handler(new(spy)), r); w.Code != 401 {
					t.Errorf("a token bound to %+v under %s: status = %d, want 401", cnf, r.Header.Get("Authorization"), w.Code)
				}
			}
		}
	}

	v := validateFunc(func(context.Context, string) (*validator.Claims, error) {
		return &validator.Claims{Confirmation: &validator.Confirmation{JKT: b.key.Thumbprint()}}, nil
	})
	auth := newAuth(t, middleware.Config{Validator: v, DPoP: b.verifier(dpop.Config{})})
	if w := answer(auth.Handler(new(spy)), b.prove(b.request("DPoP", "opaque"), b.key, "opaque")); w.Code != 200 {
		t.Errorf("an opaque token with its proof: status = %d, want 200", w.Code)
	}
}

func TestDPoP_optional(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	auth := newAuth(t, middleware.Config{Validator: b.valid, DPoP: b.verifier(dpop.Config{}), Optional: true})
	for _, tt := range []struct {
		name string
		r    *http.Request
		want int
		seen []string
	}{
		{"nothing", b.request("", ""), 200, []string{"-"}},
		{"a good proof", b.prove(b.request("DPoP", token), b.key, token), 200, []string{"auth0|user"}},
		{"no proof", b.request("DPoP", token), 401, nil},
		{"no token", b.request("DPoP", " "), 400, nil},
		{"a proof alone", b.prove(b.request("", ""), b.key, token), 200, []string{"-"}},
	} {
		handler := new(spy)
		if w := answer(auth.Handler(handler), tt.r); w.Code != tt.want || !slices.Equal(handler.seen, tt.seen) {
			t.Errorf("%s: status = %d, the handler saw %q, want %d, %q", tt.name, w.Code, handler.seen, tt.want, tt.seen)
		}
	}
}

// Neither the token nor the proof gets into the log or the response.
func TestDPoP_silence(t *testing.T) {
	t.Parallel()

	b := newBound(t)
	token := b.iss.Token(testutil.Claims{"cnf": b.key.Confirmation()})
	var log bytes.Buffer
	auth := newAuth(t, middleware.Config{
		Validator: b.valid,
		DPoP:      b.verifier(dpop.Config{}),
		Logger:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	for _, bad := range b.key.BadProofs(http.MethodGet, ordersURL, token) {
		r := b.request("DPoP", token)
		r.Header["Dpop"] = bad.DPoP
		w := answer(auth.Handler(new(spy)), r)
		for _, piece := range append(strings.Split(token, "."), strings.Split(strings.Join(bad.DPoP, "."), ".")...) {
			if len(piece) > 20 && (strings.Contains(log.String(), piece) || strings.Contains(w.Body.String(), piece)) {
				t.Errorf("%s: log %q, body %q, want nothing of %q", bad.Name, log.String(), w.Body, piece)
			}
		}
		if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "code=invalid_proof") {
			t.Errorf("%s: log = %q, want one record with the code invalid_proof", bad.Name, log.String())
		}
		log.Reset()
	}
}
