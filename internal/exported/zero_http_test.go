package exported_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// newAuth returns an Authenticator that accepts the token with changes.
func newAuth(t *testing.T, claims testutil.Claims, change func(*middleware.Config)) (*middleware.Authenticator, string) {
	t.Helper()
	cfg, token := tenant(t, claims)
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mw := middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&mw)
	}
	auth, err := middleware.New(mw)
	if err != nil {
		t.Fatal(err)
	}
	return auth, token
}

func zeroAuthenticator(t *testing.T) {
	_, token := tenant(t, nil)
	auth := new(middleware.Authenticator)
	for _, token := range []string{"", token} {
		refuses(t, "Authenticator{}.Handler", auth.Handler, token)
		refuses(t, "Authenticator{}.Require", auth.Require(validator.Scopes("a")), token)
	}
	refuses(t, "nil.Handler", (*middleware.Authenticator)(nil).Handler, token)
}

func zeroGuard(t *testing.T) {
	_, token := tenant(t, nil)
	// Claims of ContextWithClaims have no Authenticator, and neither is one
	// that is nil.
	r := httptest.NewRequest(http.MethodGet, issuer, nil)
	r = r.WithContext(middleware.ContextWithClaims(r.Context(), new(validator.Claims)))
	for name, guard := range map[string]*middleware.Guard{
		"Guard{}": new(middleware.Guard), "of Authenticator{}": new(middleware.Authenticator).Guard(),
		"of a nil Authenticator": (*middleware.Authenticator)(nil).Guard(),
	} {
		for _, authorization := range []string{"", "Bearer " + token} {
			r.Header.Set("Authorization", authorization)
			if admitted, refusal := guard.Do(http.Header{}, r); admitted != nil || refusal == nil || refusal.Status < 500 {
				t.Errorf("%s.Do() = %v, %v, want a refusal with status 500", name, admitted, refusal)
			}
		}
	}
	for name, err := range zeroErrors() {
		auth, token := newAuth(t, nil, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		check := func(context.Context, *validator.Claims) error { return err }
		if admitted, refusal := auth.Guard(check).Do(http.Header{}, r); admitted != nil || refusal == nil || refusal.Status < 400 {
			t.Errorf("Do() with a check that returns %s = %v, %v, want a refusal", name, admitted, refusal)
		}
	}
}

func zeroRefusal(t *testing.T) {
	w := httptest.NewRecorder()
	new(middleware.Refusal).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code < 500 {
		t.Errorf("Refusal{}.ServeHTTP() = %d, want 500", w.Code)
	}
	rejects(t, "a nil *Refusal as an error", (*middleware.Refusal)(nil))
	rejects(t, "Refusal{} as an error", new(middleware.Refusal))
}

func zeroMiddlewareConfig(t *testing.T) {
	_, err := middleware.New(middleware.Config{})
	rejects(t, "middleware.New(Config{})", err)

	// Functions that return nothing.
	for name, change := range map[string]func(*middleware.Config){
		"Token":         func(c *middleware.Config) { c.Token = func(*http.Request) (string, error) { return "", nil } },
		"IssuerForHost": func(c *middleware.Config) { c.IssuerForHost = func(string) string { return "" } },
		"Origin": func(c *middleware.Config) {
			c.Origin = func(*http.Request) (string, error) { return "", nil }
			c.IssuerForHost = func(string) string { return issuer }
		},
		"ErrorHandler": func(c *middleware.Config) {
			c.Validator = validates{new(validator.Error)}
			c.ErrorHandler = func(http.ResponseWriter, *http.Request, int, error) {}
		},
		"ErrorHandler that writes no status": func(c *middleware.Config) {
			c.Validator = validates{new(validator.Error)}
			c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
				if status < 400 {
					t.Errorf("ErrorHandler's status = %d", status)
				}
				fmt.Fprintln(w, "no")
			}
		},
		"ErrorHandler that flushes": func(c *middleware.Config) {
			c.Validator = validates{new(validator.Error)}
			c.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ int, _ error) { w.(http.Flusher).Flush() }
		},
	} {
		auth, token := newAuth(t, nil, change)
		refuses(t, name, auth.Handler, token)
	}
	auth, token := newAuth(t, testutil.Claims{"cnf": testutil.Claims{"x5t#S256": thumbprint}}, func(c *middleware.Config) {
		c.ClientCertificate = func(*http.Request) (*x509.Certificate, error) { return new(x509.Certificate), nil }
	})
	refuses(t, "an empty certificate", auth.Handler, token)
}

func zeroMiddlewareValidator(t *testing.T) {
	for name, v := range map[string]middleware.Validator{
		"nil": nil, "a nil *Validator": (*validator.Validator)(nil), "a nil *Mux": (*validator.Mux)(nil),
		"a nil func": validateFunc(nil),
	} {
		_, err := middleware.New(middleware.Config{Validator: v})
		rejects(t, "middleware.New("+name+")", err)
	}
	for name, v := range map[string]middleware.Validator{
		"Validator{}": new(validator.Validator), "Mux{}": new(validator.Mux), "neither claims nor an error": validates{},
	} {
		auth, token := newAuth(t, nil, func(c *middleware.Config) { c.Validator = v })
		refuses(t, name, auth.Handler, token)
	}
	// Claims with an empty Confirmation are bound to nothing that can be
	// proven.
	auth, token := newAuth(t, nil, func(c *middleware.Config) {
		c.Validator = validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Confirmation: new(validator.Confirmation)}, nil
		})
	})
	refuses(t, "an empty Confirmation", auth.Handler, token)
}

type validateFunc func(ctx context.Context, token string) (*validator.Claims, error)

func (f validateFunc) Validate(ctx context.Context, token string) (*validator.Claims, error) {
	return f(ctx, token)
}

func zeroMetadata(t *testing.T) {
	cfg, _ := tenant(t, nil)
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = middleware.New(middleware.Config{Validator: v, Metadata: new(middleware.Metadata)})
	rejects(t, "middleware.New(Metadata{})", err)
}

// proven returns a proof that v has verified, and the claims of its token.
func proven(t *testing.T, v *dpop.Verifier) (*dpop.Proof, *validator.Claims, dpop.Request) {
	t.Helper()
	key := testutil.DPoPKey(t)
	r := dpop.Request{Method: http.MethodGet, URL: issuer, Token: "token"}
	r.Proofs = []string{key.Proof(r.Method, r.URL, r.Token)}
	proof, err := v.Verify(r)
	if err != nil {
		t.Fatal(err)
	}
	return proof, &validator.Claims{Confirmation: &validator.Confirmation{JKT: key.Thumbprint()}}, r
}

func newVerifier(t *testing.T, cfg dpop.Config) *dpop.Verifier {
	t.Helper()
	v, err := dpop.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func zeroDPoPConfig(t *testing.T) {
	v := newVerifier(t, dpop.Config{})
	proof, claims, _ := proven(t, v)
	if err := v.Redeem(t.Context(), proof, claims); err != nil {
		t.Fatal(err)
	}
	rejects(t, "Redeem() of a proof that was used", v.Redeem(t.Context(), proof, claims))
}

func zeroRequest(t *testing.T) {
	v := newVerifier(t, dpop.Config{})
	_, _, good := proven(t, v)
	for name, change := range map[string]func(*dpop.Request){
		"nothing":        func(r *dpop.Request) { *r = dpop.Request{} },
		"no method":      func(r *dpop.Request) { r.Method = "" },
		"no URL":         func(r *dpop.Request) { r.URL = "" },
		"no proof":       func(r *dpop.Request) { r.Proofs = nil },
		"an empty proof": func(r *dpop.Request) { r.Proofs = []string{""} },
		"no token":       func(r *dpop.Request) { r.Token = "" },
	} {
		r := good
		change(&r)
		_, err := v.Verify(r)
		rejects(t, "Verify("+name+")", err)
	}
	// A proof whose claims are all empty is for no request that is empty too.
	key := testutil.DPoPKey(t)
	empty := key.Sign(nil, testutil.Claims{"jti": "", "htm": "", "htu": "", "ath": "", "iat": 0, "nonce": ""})
	_, err := v.Verify(dpop.Request{Proofs: []string{empty}})
	rejects(t, "Verify(an empty proof for an empty request)", err)
}

func zeroProof(t *testing.T) {
	v := newVerifier(t, dpop.Config{})
	proof, claims, _ := proven(t, v)
	empty := &validator.Claims{Confirmation: new(validator.Confirmation)}
	rejects(t, "Redeem(nil, claims)", v.Redeem(t.Context(), nil, claims))
	rejects(t, "Redeem(Proof{}, claims)", v.Redeem(t.Context(), new(dpop.Proof), claims))
	rejects(t, "Redeem(Proof{}, empty claims)", v.Redeem(t.Context(), new(dpop.Proof), empty))
	rejects(t, "Redeem(a proof made by hand)", v.Redeem(t.Context(), &dpop.Proof{Thumbprint: proof.Thumbprint}, claims))
	rejects(t, "Redeem(proof, nil)", v.Redeem(t.Context(), proof, nil))
	rejects(t, "Redeem(proof, Claims{})", v.Redeem(t.Context(), proof, new(validator.Claims)))
	rejects(t, "Redeem(proof, empty claims)", v.Redeem(t.Context(), proof, empty))
}

func zeroVerifier(t *testing.T) {
	proof, claims, r := proven(t, newVerifier(t, dpop.Config{}))
	v := new(dpop.Verifier)
	_, err := v.Verify(r)
	rejects(t, "Verifier{}.Verify()", err)
	rejects(t, "Verifier{}.Redeem()", v.Redeem(t.Context(), proof, claims))
	auth, token := newAuth(t, nil, func(c *middleware.Config) { c.DPoP = v })
	refuses(t, "a Verifier{}", func(next http.Handler) http.Handler {
		guarded := auth.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			testutil.DPoPKey(t).Authorize(r, token)
			guarded.ServeHTTP(w, r)
		})
	}, token)
}

type storeFunc func() (bool, error)

func (f storeFunc) Add(context.Context, string, time.Time) (bool, error) { return f() }

func zeroReplayStore(t *testing.T) {
	for _, store := range []dpop.ReplayStore{(*dpop.MemoryStore)(nil), storeFunc(nil)} {
		_, err := dpop.New(dpop.Config{Replays: store})
		rejects(t, "dpop.New(a nil ReplayStore)", err)
	}
	v := newVerifier(t, dpop.Config{Replays: storeFunc(func() (bool, error) { return false, nil })})
	proof, claims, _ := proven(t, v)
	rejects(t, "Redeem() with a store that says nothing", v.Redeem(t.Context(), proof, claims))
}

func zeroMemoryStore(t *testing.T) {
	store := new(dpop.MemoryStore)
	if isNew, err := store.Add(t.Context(), "", time.Time{}); isNew || err != nil {
		t.Errorf("Add(a key until the zero time) = %t, %v, want false", isNew, err)
	}
	for i, want := range []bool{true, false} {
		if isNew, err := store.Add(t.Context(), "", time.Now().Add(time.Hour)); isNew != want || err != nil {
			t.Errorf("Add(an empty key) number %d = %t, %v, want %t", i, isNew, err, want)
		}
	}
}

func zeroNonceConfig(t *testing.T) {
	for name, cfg := range map[string]dpop.NonceConfig{
		"nothing": {}, "no secret": {Secrets: [][]byte{}}, "a nil secret": {Secrets: [][]byte{nil}}, "an empty secret": {Secrets: [][]byte{{}}},
	} {
		_, err := dpop.NewNonces(cfg)
		rejects(t, "NewNonces("+name+")", err)
	}
}

func zeroNonces(t *testing.T) {
	n := new(dpop.Nonces)
	if nonce := n.Nonce(); nonce != "" || n.Valid(nonce) || n.Valid("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") {
		t.Errorf("Nonces{}: Nonce() = %q, and an empty one or zeros are valid", nonce)
	}
	good, err := dpop.NewNonces(dpop.NonceConfig{Secrets: [][]byte{make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	if good.Valid("") || good.Valid("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") {
		t.Error("Nonces: an empty nonce or zeros are valid")
	}
}

type nonces struct{}

func (nonces) Nonce() string     { return "" }
func (nonces) Valid(string) bool { return true }

func zeroNonceSource(t *testing.T) {
	_, err := dpop.New(dpop.Config{Nonces: (*dpop.Nonces)(nil)})
	rejects(t, "dpop.New(a nil NonceSource)", err)
	// A proof without a nonce has none that could be valid.
	v := newVerifier(t, dpop.Config{Nonces: nonces{}})
	_, _, r := proven(t, newVerifier(t, dpop.Config{}))
	_, err = v.Verify(r)
	rejects(t, "Verify() of a proof without nonce", err)
}
