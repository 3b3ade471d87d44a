package vectors_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	// Nothing in the vectors has a reason to use it: what asks the network
	// behind our back fails, and is counted.
	http.DefaultTransport = &strayFetches
	before := runtime.NumGoroutine()
	code := m.Run()
	// A fetch that outlived its request is given the time to end.
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		println("goroutines before and after:", before, after)
		code = 1
	}
	if n := strayFetches.Fetches.Load(); n > 0 {
		println("fetches that nobody asked for:", n)
		code = 1
	}
	os.Exit(code)
}

var strayFetches requests.Server

// Every vector, as a token and as a request.
func TestVectors(t *testing.T) {
	var run atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, file := range append(load(t), loadIDTokens(t)...) {
			t.Run(file.Name, func(t *testing.T) {
				t.Parallel()
				for i, v := range file.Vectors {
					if racing.Enabled && i%4 > 0 {
						continue // they take one goroutine each, and all run without the detector
					}
					t.Run(v.Name, func(t *testing.T) {
						check(t, file, v)
						run.Add(1)
					})
				}
			})
		}
	})
	t.Logf("%d vectors run: tokens by Validate and through net/http, Echo and Gin, requests through these three, ID tokens by Verify, bad configurations by New", run.Load())
}

func check(t *testing.T, file vectors.File, v vectors.Vector) {
	if v.Want == "invalid_config" {
		checkConfig(t, file, v)
		return
	}
	if v.Config.IDToken != nil {
		checkIDToken(t, file, v)
		return
	}
	servers := requests.ServersOf(file, v)
	if v.Request == nil {
		checkToken(t, v, servers)
	}
	for _, f := range frameworks {
		requests.Check(t, f, v, servers)
	}
	checkFetches(t, v, servers)
}

func checkConfig(t *testing.T, file vectors.File, v vectors.Vector) {
	servers := requests.ServersOf(file, v)
	if v.Config.Introspection != nil {
		if _, err := introspection.New(requests.IntrospectionOf(t, v, servers[0])); err == nil {
			t.Errorf("introspection.New(%+v) error = nil, want one", v.Config)
		}
		checkFetches(t, v, servers)
		return
	}
	cfg := requests.ConfigOf(t, v, v.Config, servers[0])
	if !v.Config.KeysGiven {
		cfg.Keys, cfg.InsecureHTTP = nil, v.Config.InsecureHTTP
	}
	val, err := validator.New(cfg)
	if err == nil {
		_, err = middleware.New(middleware.Config{Validator: val, Realm: v.Config.Realm, ResourceMetadata: v.Config.ResourceMetadata})
	}
	if err == nil {
		t.Errorf("New(%+v) error = nil, want one", v.Config)
	}
	checkFetches(t, v, servers)
}

// checkToken asks Validate, and asks again: the second verdict may come from
// what is remembered of the token, and must not come from the first one's
// error.
func checkToken(t *testing.T, v vectors.Vector, servers []*requests.Server) {
	ctx := requests.ContextOf(t.Context(), v)
	for _, cacheSize := range []int{-1, v.Config.CacheSize} {
		remembering := v
		remembering.Config.CacheSize = cacheSize
		val := requests.ValidatorOf(t, remembering, servers, true)
		for range 2 {
			claims, err := val.Validate(ctx, v.Token)
			checkText(t, err)
			if got := verdict(err); got != v.Want {
				t.Errorf("Validate with CacheSize %d: got %s (%v), want %s: %s", cacheSize, got, err, v.Want, v.Why)
			}
			if (claims != nil) != (v.Want == vectors.Accept) {
				t.Errorf("Validate with CacheSize %d: claims = %+v, want them if, and only if, there is no error", cacheSize, claims)
			}
			requests.Spoil(err)
		}
	}
	if v.Config.Introspection != nil {
		checkAsked(t, ctx, v, servers[0])
		return
	}
	checkSet(t, ctx, v, servers)
}

// checkAsked requires one call for a token that is looked at twice, unless the
// endpoint says nothing of use, and none for what can be no token.
func checkAsked(t *testing.T, ctx context.Context, v vectors.Vector, server *requests.Server) {
	val := requests.ValidatorOf(t, v, []*requests.Server{server}, true)
	asked, fetched := server.Asked.Load(), server.Fetches.Load()
	for range 2 {
		if _, err := val.Validate(ctx, v.Token); verdict(err) != v.Want {
			t.Errorf("Validate: got %s (%v), want %s: %s", verdict(err), err, v.Want, v.Why)
		}
	}
	asked, fetched = server.Asked.Load()-asked, server.Fetches.Load()-fetched
	switch v.Want {
	case "token_malformed":
		if asked+fetched > 0 {
			t.Errorf("Validate of what can be no token: %d calls and %d fetches, want none", asked, fetched)
		}
	case "unavailable":
		if asked > 2 {
			t.Errorf("Validate, twice: %d calls, want 2 at most", asked)
		}
	default:
		if asked != 1 {
			t.Errorf("Validate, twice: %d calls, want 1", asked)
		}
	}
}

// checkText wants a cause after the code, in one line that fits a log, whatever
// the token has in it.
func checkText(t *testing.T, err error) {
	if err == nil {
		return
	}
	text := err.Error()
	if !strings.HasPrefix(text, string(validator.CodeOf(err))+": ") || len(text) > 4096 || strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("Validate() error = %q, want a code and a cause in a short line", text)
	}
}

// checkSet asks with keys that are given, not fetched.
func checkSet(t *testing.T, ctx context.Context, v vectors.Vector, servers []*requests.Server) {
	if len(v.Tenants) > 0 || v.Served != nil || v.Config.Secret != "" {
		return
	}
	set, err := jwks.Parse(servers[0].Body)
	if err != nil {
		if v.Want != "unavailable" {
			t.Errorf("Parse(the key set %s) error = %v", v.Keys, err)
		}
		return
	}
	cfg := requests.ConfigOf(t, v, v.Config, servers[0])
	cfg.Keys, cfg.Checks = set, append(cfg.Checks, requests.ChecksOf(t, v.Config.Checks)...)
	val, err := validator.New(cfg)
	if err != nil {
		t.Fatalf("New() error = %v", err)
	}
	if _, err := val.Validate(ctx, v.Token); verdict(err) != v.Want {
		t.Errorf("Validate with a jwks.Set: got %s (%v), want %s: %s", verdict(err), err, v.Want, v.Why)
	}
}

func verdict(err error) string {
	if err == nil {
		return vectors.Accept
	}
	return string(validator.CodeOf(err))
}

// checkFetches allows one fetch a key set, one more for the sake of an unknown
// key, and none before the token has shown to be worth it.
func checkFetches(t *testing.T, v vectors.Vector, servers []*requests.Server) {
	if v.Config.Introspection != nil {
		switch v.Want {
		case "token_missing", "invalid_request", "token_malformed", "invalid_config":
			if n := servers[0].Asked.Load() + servers[0].Fetches.Load(); n > 0 {
				t.Errorf("%d requests to the issuer for a token that is refused as %s, want none", n, v.Want)
			}
		}
		return
	}
	limit, total := int64(1), int64(0)
	switch {
	case v.Served != nil:
		limit = 3 // two places where the metadata may be, and the key set
	case v.Want == "unknown_key":
		limit = 2
	}
	for i, s := range servers {
		n := s.Fetches.Load()
		if n > limit {
			t.Errorf("key set %d was fetched %d times, want %d at most", i, n, limit)
		}
		total += n
	}
	switch v.Want {
	case "token_missing", "invalid_request", "invalid_proof", "proof_nonce_required", "token_malformed", "wrong_type", "wrong_issuer", "wrong_audience", "token_expired", "invalid_config":
		if v.Config.Preset != nil && v.Want == "wrong_type" {
			return // perhaps by a check of verified claims
		}
		for _, c := range v.Config.Checks {
			if c.Kind == "max_age" {
				return // a check of verified claims
			}
		}
		// Where an issuer is refused for the sake of the host, its token has
		// been found good before.
		if total > 0 && v.Answer.Code != vectors.Accept && v.Config.IssuerForHost == nil {
			t.Errorf("keys were fetched for a token that is refused as %s", v.Want)
		}
	case vectors.Accept, "invalid_signature", "unknown_key", "token_not_yet_valid", "binding_mismatch", "unavailable", "insufficient_user_authentication", "insufficient_scope", "insufficient_role", "wrong_organization", "refused":
		if hasSecret(v) && isHS(v.Token) {
			if total > 0 {
				t.Error("keys were fetched where a secret is configured")
			}
		} else if total == 0 && !v.Config.Optional && !v.Config.AllowPreflight {
			t.Errorf("no keys were fetched, and yet the verdict is %s", v.Want)
		}
	}
}

// hasSecret reports whether a secret is configured, of the one issuer or of a
// tenant.
func hasSecret(v vectors.Vector) bool {
	return v.Config.Secret != "" || slices.ContainsFunc(v.Tenants, func(t vectors.Tenant) bool { return t.Config.Secret != "" })
}

// isHS reports whether a token says that a secret has signed it.
func isHS(token string) bool {
	header, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && bytes.Contains(text, []byte(`"alg":"HS`))
}

// frameworks serve a request by a route that an Authenticator guards. Those of
// nested modules run the vectors in their own tests.
var frameworks = []requests.Framework{
	requests.Handler("net/http", func(auth *middleware.Authenticator, checks []validator.Check, h http.Handler) http.Handler {
		return auth.Require(checks...)(h)
	}),
	requests.Handler("Echo", func(auth *middleware.Authenticator, checks []validator.Check, h http.Handler) http.Handler {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Any("/*", echo.WrapHandler(h), echoauth.New(auth, checks...))
		return e
	}),
	requests.Handler("Gin", func(auth *middleware.Authenticator, checks []validator.Check, h http.Handler) http.Handler {
		g := gin.New()
		g.Any("/*path", ginauth.New(auth, checks...), gin.WrapH(h))
		return g
	}),
}
