package conform_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// A breakage is one way in which a resource server is wrong.
type breakage struct {
	name   string
	target conform.Target
	make   func(t *testing.T, iss *testutil.Issuer) http.Handler
	must   []string // cases that must fail
	may    []string // cases and groups that may fail for the same reason
}

// ok is the API behind the guard.
var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// around makes a good API and something in front of it.
func around(serve func(w http.ResponseWriter, r *http.Request, good http.Handler)) func(*testing.T, *testutil.Issuer) http.Handler {
	return func(t *testing.T, iss *testutil.Issuer) http.Handler {
		t.Helper()
		good := newAPI(t, iss, nil)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, good) })
	}
}

// accepting makes an API that accepts tokens that are rejected for this reason.
func accepting(code validator.Code) func(*testing.T, *testutil.Issuer) http.Handler {
	return func(t *testing.T, iss *testutil.Issuer) http.Handler {
		t.Helper()
		good := newAPI(t, iss, nil)
		v, err := validator.New(iss.Config(audience))
		if err != nil {
			t.Fatal(err)
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if token, err := middleware.BearerToken(r); err == nil {
				if _, err := v.Validate(r.Context(), token); validator.CodeOf(err) == code {
					return
				}
			}
			good.ServeHTTP(w, r)
		})
	}
}

// A hoard keeps every key that its source has had.
type hoard struct {
	keys validator.KeySource
	mu   sync.Mutex
	seen map[string][]jwks.Key
}

func (h *hoard) Keys(ctx context.Context, kid string) ([]jwks.Key, error) {
	keys, err := h.keys.Keys(ctx, kid)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(keys) == 0 && len(h.seen[kid]) > 0 {
		return h.seen[kid], nil
	}
	if len(keys) > 0 {
		h.seen[kid] = keys
	}
	return keys, err
}

// member returns a member of a part of the request's token, or "".
func member(r *http.Request, part int, name string) (value any) {
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		return nil
	}
	var members map[string]any
	_ = json.NewDecoder(bytes.NewReader(text)).Decode(&members)
	return members[name]
}

// scoped makes an API that finds the scope in its own way.
func scoped(has func(claim, wanted string) bool) func(*testing.T, *testutil.Issuer) http.Handler {
	return func(t *testing.T, iss *testutil.Issuer) http.Handler {
		t.Helper()
		v, err := validator.New(iss.Config(audience))
		if err != nil {
			t.Fatal(err)
		}
		auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return auth.Require(func(_ context.Context, c *validator.Claims) error {
			if has(strings.Join(c.Scopes, " "), scope) {
				return nil
			}
			return validator.Scopes(scope)(t.Context(), c)
		})(ok)
	}
}

// rewriting changes the Authorization fields before the guard.
func rewriting(change func(fields []string) []string) func(*testing.T, *testutil.Issuer) http.Handler {
	return around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		r.Header["Authorization"] = change(r.Header["Authorization"])
		good.ServeHTTP(w, r)
	})
}

// answering changes the answer of the guard.
func answering(change func(w http.ResponseWriter, r *http.Request, res *http.Response)) func(*testing.T, *testutil.Issuer) http.Handler {
	return around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
		rec := httptest.NewRecorder()
		good.ServeHTTP(rec, r)
		res := rec.Result()
		defer res.Body.Close()
		for name, values := range res.Header {
			w.Header()[name] = values
		}
		change(w, r, res)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	})
}

// A forgetful ReplayStore finds every proof new.
type forgetful struct{}

func (forgetful) Add(context.Context, string, time.Time) (bool, error) { return true, nil }

func breakages() []breakage {
	withDPoP := conform.Target{DPoP: true}
	withMetadata := conform.Target{Profile: conform.ProfileMCP}
	return []breakage{
		{"it accepts expired tokens", conform.Target{}, accepting(validator.CodeExpired), []string{"time/expired", "time/expired-in-1970", "http2/expired"}, nil},
		{"it ignores nbf", conform.Target{}, accepting(validator.CodeNotYetValid), []string{"time/not-yet"}, []string{"time/issued-in-the-future"}},
		{"it ignores iss", conform.Target{}, accepting(validator.CodeIssuer), []string{"issuer/another", "issuer/missing", "issuer/slash"}, []string{"issuer"}},
		{"it ignores aud", conform.Target{}, accepting(validator.CodeAudience), []string{"audience/another", "audience/missing", "type/id-token"}, []string{"audience"}},
		{"it ignores the signature", conform.Target{}, accepting(validator.CodeSignature), []string{"signature/claims-changed", "signature/zeros", "key/stranger"}, []string{"signature", "key"}},
		{"it accepts unknown keys", conform.Target{}, accepting(validator.CodeUnknownKey), []string{"key/unknown-kid", "outage/unknown-key"}, []string{"key"}},
		{"it ignores the kind", conform.Target{}, accepting(validator.CodeType), []string{"type/logout-token", "type/dpop-proof", "type/id-token-for-the-api"}, []string{"type"}},
		{"it ignores cnf", conform.Target{}, accepting(validator.CodeBinding), []string{"binding/dpop-key", "binding/certificate"}, []string{"binding"}},
		{"it ignores the types of claims", conform.Target{}, accepting(validator.CodeClaim), []string{"time/no-exp", "time/exp-string", "claim/sub-number"}, []string{"time", "claim", "issuer/list", "issuer/null", "audience"}},
		{"it ignores the algorithm", conform.Target{}, accepting(validator.CodeAlgorithm), []string{"algorithm/none-signed", "algorithm/hs256-pem"}, []string{"algorithm"}},
		{"it accepts unsigned tokens", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if member(r, 0, "alg") == "none" && strings.HasSuffix(r.Header.Get("Authorization"), ".") {
				return
			}
			good.ServeHTTP(w, r)
		}), []string{"algorithm/none"}, []string{"json/two-algs"}},
		{"it takes the public key for a secret", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if member(r, 0, "alg") == "HS256" {
				return
			}
			good.ServeHTTP(w, r)
		}), []string{"algorithm/hs256-pem", "algorithm/hs256-der", "algorithm/hs256-jwk"}, []string{"algorithm"}},
		{"it uses the key in the token", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if member(r, 0, "jwk") != nil {
				return
			}
			good.ServeHTTP(w, r)
		}), []string{"key/jwk", "key/jwk-without-kid"}, nil},
		{"it ignores crit", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if member(r, 0, "crit") != nil {
				return
			}
			good.ServeHTTP(w, r)
		}), []string{"json/critical-extension"}, []string{"json/empty-crit", "json/unencoded-payload"}},
		{"it cuts padding off", conform.Target{}, rewriting(func(fields []string) []string {
			for i := range fields {
				fields[i] = strings.TrimRight(fields[i], "=")
			}
			return fields
		}), []string{"form/padding"}, nil},
		{"it reads both alphabets of base64", conform.Target{}, rewriting(func(fields []string) []string {
			for i := range fields {
				fields[i] = strings.NewReplacer("+", "-", "/", "_").Replace(fields[i])
			}
			return fields
		}), []string{"form/standard-alphabet"}, nil},
		{"it takes the first three segments", conform.Target{}, rewriting(func(fields []string) []string {
			for i := range fields {
				if parts := strings.Split(fields[i], "."); len(parts) == 4 {
					fields[i] = strings.Join(parts[:3], ".")
				}
			}
			return fields
		}), []string{"form/four-segments"}, nil},

		{"it requires no scope", conform.Target{}, scoped(func(string, string) bool { return true }), []string{"scope/missing", "scope/another"}, []string{"scope"}},
		{"it finds scopes in others", conform.Target{}, scoped(strings.Contains), []string{"scope/longer", "scope/comma"}, nil},
		{"it ignores the case of scopes", conform.Target{}, scoped(func(claim, wanted string) bool {
			return slices.Contains(strings.Fields(strings.ToLower(claim)), wanted)
		}), []string{"scope/another-case"}, nil},

		{"it takes tokens from the query", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if token := r.URL.Query().Get("access_token"); token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
				r.URL.RawQuery = ""
			}
			good.ServeHTTP(w, r)
		}), []string{"request/query", "request/two-ways"}, nil},
		{"it takes any scheme", conform.Target{}, rewriting(func(fields []string) []string {
			for i := range fields {
				if _, token, found := strings.Cut(fields[i], " "); found {
					fields[i] = "Bearer " + token
				}
			}
			return fields
		}), []string{"request/another-scheme", "request/unknown-scheme"}, []string{"request/colon"}},
		{"it takes the last word", conform.Target{}, rewriting(func(fields []string) []string {
			for i := range fields {
				if words := strings.Fields(fields[i]); len(words) > 1 {
					fields[i] = "Bearer " + words[len(words)-1]
				}
			}
			return fields
		}), []string{"request/word-between"}, []string{"request"}},
		{"it takes the first of several fields", conform.Target{}, rewriting(func(fields []string) []string { return fields[:min(len(fields), 1)] }), []string{"request/two-fields", "request/bad-token-behind"}, nil},
		{"it takes the last of several fields", conform.Target{}, rewriting(func(fields []string) []string { return fields[max(0, len(fields)-1):] }), []string{"request/two-fields", "request/another-scheme-first"}, nil},
		{"it guards no HEAD", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if r.Method != http.MethodHead {
				good.ServeHTTP(w, r)
			}
		}), []string{"request/head"}, nil},
		{"it guards HTTP/1.1 alone", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if r.ProtoMajor == 1 {
				good.ServeHTTP(w, r)
			}
		}), []string{"http2/no-credentials", "http2/expired"}, nil},

		{"it sends no challenge", conform.Target{}, answering(func(w http.ResponseWriter, _ *http.Request, _ *http.Response) { w.Header().Del("WWW-Authenticate") }), []string{"challenge/missing-scheme", "challenge/invalid-error"}, []string{"challenge/scope-error", "challenge/scope-named"}},
		{"it answers 403 to all", conform.Target{}, answering(func(_ http.ResponseWriter, _ *http.Request, res *http.Response) {
			if res.StatusCode >= 400 {
				res.StatusCode = http.StatusForbidden
			}
		}), []string{"challenge/missing-401", "challenge/invalid-401"}, []string{"challenge/malformed-400", "challenge/malformed-4xx"}},
		{"it has an error for those without a token", conform.Target{}, answering(func(w http.ResponseWriter, r *http.Request, res *http.Response) {
			if res.StatusCode == http.StatusUnauthorized && r.Header.Get("Authorization") == "" {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			}
		}), []string{"challenge/missing-no-error"}, nil},
		{"its challenge can't be parsed", conform.Target{}, answering(func(w http.ResponseWriter, _ *http.Request, res *http.Response) {
			if res.StatusCode == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token" realm="x"`)
			}
		}), []string{"challenge/invalid-grammar"}, []string{"challenge/missing-scheme", "challenge/invalid-error"}},
		{"it says an error twice", conform.Target{}, answering(func(w http.ResponseWriter, r *http.Request, res *http.Response) {
			if res.StatusCode == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error="invalid_token"`)
			}
		}), []string{"challenge/invalid-once"}, nil},

		{"it echoes the token in the body", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			good.ServeHTTP(w, r)
			if r.Method != http.MethodHead {
				_, _ = io.WriteString(w, r.Header.Get("Authorization"))
			}
		}), []string{"leak/response"}, nil},
		{"it echoes the token in a field", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			w.Header().Set("X-Request", r.Header.Get("Authorization"))
			good.ServeHTTP(w, r)
		}), []string{"leak/response"}, []string{"form/too-large"}},
		{"it fails at malformed tokens", conform.Target{}, answering(func(_ http.ResponseWriter, r *http.Request, res *http.Response) {
			if res.StatusCode == http.StatusUnauthorized && strings.Count(r.Header.Get("Authorization"), ".") == 1 {
				res.StatusCode = http.StatusInternalServerError
			}
		}), []string{"robust/server-errors"}, nil},
		{"it crashes at malformed tokens", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if strings.Count(r.Header.Get("Authorization"), ".") == 1 {
				panic(http.ErrAbortHandler)
			}
			good.ServeHTTP(w, r)
		}), []string{"robust/no-response"}, nil},
		{"it sends those without a token to a page", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if r.Header.Get("Authorization") == "" {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			good.ServeHTTP(w, r)
		}), []string{"request/no-credentials", "challenge/missing-401", "challenge/missing-scheme"}, []string{"request/head", "request/empty-field", "request/query"}},

		{"it wants the scheme in capitals", conform.Target{}, rewriting(func(fields []string) []string {
			return slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "bearer") })
		}), []string{"good/scheme-in-lower-case"}, nil},
		{"it reads no list of audiences", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if _, list := member(r, 1, "aud").([]any); list {
				r.Header.Del("Authorization")
			}
			good.ServeHTTP(w, r)
		}), []string{"good/audience-list", "good/audience-among-others"}, nil},
		{"it reads times as integers", conform.Target{}, around(func(w http.ResponseWriter, r *http.Request, good http.Handler) {
			if exp, _ := member(r, 1, "exp").(float64); exp != float64(int64(exp)) {
				r.Header.Del("Authorization")
			}
			good.ServeHTTP(w, r)
		}), []string{"good/fraction-of-a-second"}, nil},

		{"it fetches keys for each unknown one", conform.Target{}, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			good := newAPI(t, iss, nil)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ids, _ := iss.KeyIDs()
				if kid, _ := member(r, 0, "kid").(string); kid != "" && !slices.Contains(ids, kid) {
					get(t, iss.URL+".well-known/jwks.json")
				}
				good.ServeHTTP(w, r)
			})
		}, []string{"rotation/flood"}, nil},
		{"it asks the issuer for each request", conform.Target{}, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			good := newAPI(t, iss, nil)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if iss.Down() {
					r.Header.Del("Authorization")
				}
				good.ServeHTTP(w, r)
			})
		}, []string{"outage/known-key"}, nil},
		{"it keeps the first key", conform.Target{}, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			good, first := newAPI(t, iss, nil), iss.KeyIDs
			ids, err := first()
			if err != nil {
				t.Fatal(err)
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if now, _ := iss.KeyIDs(); !slices.Equal(now, ids) {
					r.Header.Del("Authorization")
				}
				good.ServeHTTP(w, r)
			})
		}, []string{"rotation/at-once"}, nil},
		{"it never forgets a key", conform.Target{Slow: true}, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			cache, err := jwks.NewCache(jwks.Config{Issuer: iss.URL, Client: iss.Client(), Now: iss.Now})
			if err != nil {
				t.Fatal(err)
			}
			return newAPI(t, iss, func(v *validator.Config, _ *middleware.Config) {
				v.Keys = &hoard{keys: cache, seen: make(map[string][]jwks.Key)}
			})
		}, []string{"rotation/withdrawn"}, nil},

		{"it takes a proof twice", withDPoP, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			v, err := dpop.New(dpop.Config{Now: iss.Now, Replays: forgetful{}})
			if err != nil {
				t.Fatal(err)
			}
			return newAPI(t, iss, func(_ *validator.Config, m *middleware.Config) { m.DPoP = v })
		}, []string{"dpop/replay"}, nil},
		{"it takes a bound token as a bearer token", withDPoP, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			good := newAPI(t, iss, func(_ *validator.Config, m *middleware.Config) { m.DPoP = newDPoP(t, iss, false) })
			v, err := validator.New(iss.Config(audience))
			if err != nil {
				t.Fatal(err)
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if token, err := middleware.BearerToken(r); err == nil {
					if _, err := v.Validate(r.Context(), token); validator.CodeOf(err) == validator.CodeBinding {
						return
					}
				}
				good.ServeHTTP(w, r)
			})
		}, []string{"dpop/as-bearer", "dpop/as-bearer-with-proof", "binding/dpop-key"}, []string{"binding"}},
		{"it believes every proof", withDPoP, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			good := newAPI(t, iss, func(_ *validator.Config, m *middleware.Config) { m.DPoP = newDPoP(t, iss, false) })
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("DPoP") == "" || !strings.HasPrefix(r.Header.Get("Authorization"), "DPoP ") {
					good.ServeHTTP(w, r)
				}
			})
		}, []string{"dpop/proof-by-another-key", "dpop/proof-for-another-method", "dpop/another-key", "dpop/unbound"}, []string{"dpop"}},
		{"it compares no certificate", conform.Target{MTLS: true}, accepting(validator.CodeBinding), []string{"mtls/another-certificate", "mtls/no-certificate", "binding/certificate"}, []string{"binding"}},
		{"it names no metadata", withMetadata, answering(func(http.ResponseWriter, *http.Request, *http.Response) {}), []string{"metadata/challenge"}, nil},
		{"its metadata is of another API", withMetadata, func(t *testing.T, iss *testutil.Issuer) http.Handler {
			t.Helper()
			return newAPI(t, iss, func(_ *validator.Config, m *middleware.Config) {
				m.Metadata = &middleware.Metadata{Resource: "https://api.example.com/customers", AuthorizationServers: []string{"https://other.example.com/"}}
			})
		}, []string{"metadata/resource", "metadata/authorization-servers"}, nil},
	}
}

func get(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err == nil {
		_ = res.Body.Close()
	}
}

// Every way to break a resource server is noticed by the case that is meant for
// it, and by no unrelated one.
func TestBroken(t *testing.T) {
	t.Parallel()

	all := slices.Concat(breakages(), keyBreakages())
	if len(all) < 30 {
		t.Errorf("%d ways to break a server, want 30 or more", len(all))
	}
	for i, b := range all {
		if racing.Enabled && i%8 > 0 {
			continue // the same code again
		}
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()

			report := reportOf(t, b.target, b.make)
			if report.Fault != "" {
				t.Errorf("Report.Fault = %q, want none", report.Fault)
			}
			var failed []string
			for _, result := range report.Results {
				if result.Outcome != conform.Failed {
					continue
				}
				failed = append(failed, result.ID)
				if !slices.Contains(b.must, result.ID) && !slices.Contains(b.may, result.ID) && !slices.Contains(b.may, result.Group()) {
					t.Errorf("%s failed with %q, which has nothing to do with it", result.ID, result.Got)
				}
				if result.Want == "" || len(result.Sent) == 0 && result.Group() != "robust" && result.Group() != "leak" {
					t.Errorf("%s = %+v, want what was sent and wanted", result.ID, result)
				}
			}
			for _, id := range b.must {
				if !slices.Contains(failed, id) {
					t.Errorf("failed = %q, want %q among them", failed, id)
				}
			}
		})
	}
}

// reportOf runs the cases against a handler.
func reportOf(t *testing.T, target conform.Target, handler func(*testing.T, *testutil.Issuer) http.Handler) *conform.Report {
	t.Helper()
	iss := testutil.NewIssuer(t)
	server := httptest.NewUnstartedServer(handler(t, iss))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetHTTP2(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	if target.MTLS {
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		target.RootCAs = x509.NewCertPool()
		target.RootCAs.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	target.URL, target.Audience, target.Scope, target.FollowsClock = server.URL+"/orders", audience, scope, true
	runner, err := conform.New(target, iss.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
