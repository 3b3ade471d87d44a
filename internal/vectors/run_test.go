package vectors_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/vectors"
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
	if n := strayFetches.count.Load(); n > 0 {
		println("fetches that nobody asked for:", n)
		code = 1
	}
	os.Exit(code)
}

var strayFetches keyServer

var rawURL = base64.RawURLEncoding

// Every vector, as a token and as a request.
func TestVectors(t *testing.T) {
	var run atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, file := range load(t) {
			t.Run(file.Name, func(t *testing.T) {
				t.Parallel()
				for _, v := range file.Vectors {
					t.Run(v.Name, func(t *testing.T) {
						check(t, file, v)
						run.Add(1)
					})
				}
			})
		}
	})
	t.Logf("%d vectors run: tokens by Validate and through net/http, Echo and Gin, requests through these three, bad configurations by New", run.Load())
}

func check(t *testing.T, file vectors.File, v vectors.Vector) {
	if v.Want == "invalid_config" {
		checkConfig(t, file, v)
		return
	}
	servers := serversOf(file, v)
	if v.Request == nil {
		checkToken(t, v, servers)
	}
	for _, f := range frameworks {
		checkRequest(t, f, v, servers)
	}
	checkFetches(t, v, servers)
}

func checkConfig(t *testing.T, file vectors.File, v vectors.Vector) {
	servers := serversOf(file, v)
	cfg := configOf(t, v, v.Config, servers[0])
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
func checkToken(t *testing.T, v vectors.Vector, servers []*keyServer) {
	ctx := contextOf(t.Context(), v)
	for _, cacheSize := range []int{-1, v.Config.CacheSize} {
		remembering := v
		remembering.Config.CacheSize = cacheSize
		val := validatorOf(t, remembering, servers, true)
		for range 2 {
			claims, err := val.Validate(ctx, v.Token)
			checkText(t, err)
			if got := verdict(err); got != v.Want {
				t.Errorf("Validate with CacheSize %d: got %s (%v), want %s: %s", cacheSize, got, err, v.Want, v.Why)
			}
			if (claims != nil) != (v.Want == vectors.Accept) {
				t.Errorf("Validate with CacheSize %d: claims = %+v, want them if, and only if, there is no error", cacheSize, claims)
			}
			spoil(err)
		}
	}
	checkSet(t, ctx, v, servers)
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

// spoil does to an error what its owner may: nothing in it is another
// request's.
func spoil(err error) {
	switch err := err.(type) {
	case nil:
		return
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			spoil(err)
		}
	default:
		spoil(errors.Unwrap(err))
	}
	if e, ok := err.(*validator.Error); ok {
		for _, list := range [][]string{e.Scopes, e.ACRValues} {
			for i := range list {
				list[i] = "spoiled"
			}
		}
		*e = validator.Error{Code: "spoiled", Scopes: e.Scopes[:0], Issuer: "spoiled", KeyID: "spoiled"}
	}
}

// checkSet asks with keys that are given, not fetched.
func checkSet(t *testing.T, ctx context.Context, v vectors.Vector, servers []*keyServer) {
	if len(v.Tenants) > 0 || v.Served != nil || v.Config.Secret != "" {
		return
	}
	set, err := jwks.Parse(servers[0].body)
	if err != nil {
		if v.Want != "unavailable" {
			t.Errorf("Parse(the key set %s) error = %v", v.Keys, err)
		}
		return
	}
	cfg := configOf(t, v, v.Config, servers[0])
	cfg.Keys, cfg.Checks = set, checksOf(t, v.Config.Checks)
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
func checkFetches(t *testing.T, v vectors.Vector, servers []*keyServer) {
	limit, total := int64(1), int64(0)
	switch {
	case v.Served != nil:
		limit = 3 // two places where the metadata may be, and the key set
	case v.Want == "unknown_key":
		limit = 2
	}
	for i, s := range servers {
		n := s.count.Load()
		if n > limit {
			t.Errorf("key set %d was fetched %d times, want %d at most", i, n, limit)
		}
		total += n
	}
	switch v.Want {
	case "token_missing", "invalid_request", "invalid_proof", "proof_nonce_required", "token_malformed", "wrong_type", "wrong_issuer", "wrong_audience", "token_expired", "invalid_config":
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
	text, err := rawURL.DecodeString(header)
	return err == nil && bytes.Contains(text, []byte(`"alg":"HS`))
}

// frameworks serve a request by a route that an Authenticator guards.
var frameworks = []framework{
	{"net/http", func(auth *middleware.Authenticator, checks []validator.Check, h http.HandlerFunc) http.Handler {
		return auth.Require(checks...)(h)
	}},
	{"Echo", func(auth *middleware.Authenticator, checks []validator.Check, h http.HandlerFunc) http.Handler {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Any("/*", echo.WrapHandler(h), echoauth.New(auth, checks...))
		return e
	}},
	{"Gin", func(auth *middleware.Authenticator, checks []validator.Check, h http.HandlerFunc) http.Handler {
		g := gin.New()
		g.Any("/*path", ginauth.New(auth, checks...), gin.WrapF(h))
		return g
	}},
}

type framework struct {
	name  string
	serve func(*middleware.Authenticator, []validator.Check, http.HandlerFunc) http.Handler
}

func checkRequest(t *testing.T, f framework, v vectors.Vector, servers []*keyServer) {
	var log lockedBuffer
	auth, err := middleware.New(middleware.Config{
		Validator:        validatorOf(t, v, servers, false),
		Optional:         v.Config.Optional,
		Realm:            v.Config.Realm,
		ResourceMetadata: v.Config.ResourceMetadata,
		DPoP:             dpopOf(t, v),
		RequireBinding:   v.Config.RequireBinding,
		IssuerForHost:    issuerForHostOf(v),
		Origin:           originOf(v),
		AllowPreflight:   v.Config.AllowPreflight,
		Logger:           slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			spoil(err)
			http.Error(w, http.StatusText(status), status)
		},
	})
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}

	calls := 0
	handler := f.serve(auth, checksOf(t, v.Config.Checks), func(w http.ResponseWriter, r *http.Request) {
		calls++
		claims, ok := middleware.ClaimsFromContext(r.Context())
		if anonymous := (v.Config.Optional || v.Config.AllowPreflight) && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer"); ok == anonymous {
			t.Errorf("%s: ClaimsFromContext() = %+v, %t", f.name, claims, ok)
		}
		w.WriteHeader(http.StatusOK)
	})
	if v.Request != nil && v.Request.Before != nil {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, requestOf(t, v.Request.Before, ""))
		if w.Code != http.StatusOK || calls != 1 {
			t.Errorf("%s: the request before: status = %d, the handler was called %d times", f.name, w.Code, calls)
		}
		calls = 0
	}
	r := requestOf(t, v.Request, v.Token)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r.WithContext(contextOf(r.Context(), v)))

	if wantCalls := map[bool]int{true: 1}[v.Answer.Code == vectors.Accept]; calls != wantCalls {
		t.Errorf("%s: the handler was called %d times, want %d: %s", f.name, calls, wantCalls, v.Why)
	}
	if w.Code != v.Answer.Status {
		t.Errorf("%s: status = %d, want %d: %s", f.name, w.Code, v.Answer.Status, v.Why)
	}
	if got := strings.Join(w.Header()["Www-Authenticate"], ", "); got != v.Answer.Challenge {
		t.Errorf("%s: WWW-Authenticate = %s, want %s", f.name, got, v.Answer.Challenge)
	}
	if got := strings.Join(w.Header()["Dpop-Nonce"], ", "); got != v.Answer.Nonce {
		t.Errorf("%s: DPoP-Nonce = %q, want %q", f.name, got, v.Answer.Nonce)
	}
	if after := w.Header().Get("Retry-After"); (after != "") != (v.Answer.Status == http.StatusServiceUnavailable) {
		t.Errorf("%s: status %d with Retry-After %q", f.name, w.Code, after)
	}
	checkLog(t, f, v, log.String())
	checkSilence(t, f, v, servers, w, log.String())
}

func issuerForHostOf(v vectors.Vector) func(string) string {
	if v.Config.IssuerForHost == nil {
		return nil
	}
	return func(host string) string { return v.Config.IssuerForHost[host] }
}

func originOf(v vectors.Vector) func(*http.Request) (string, error) {
	if v.Config.Origin == "" {
		return nil
	}
	return middleware.FixedOrigin(v.Config.Origin)
}

// checkLog requires one record of a rejection, with its code, and no other.
func checkLog(t *testing.T, f framework, v vectors.Vector, log string) {
	if v.Answer.Code == vectors.Accept {
		if log != "" {
			t.Errorf("%s: log = %s, want nothing for a good token", f.name, log)
		}
		return
	}
	var record struct {
		Code   string `json:"code"`
		Status int    `json:"status"`
	}
	if err := json.Unmarshal([]byte(log), &record); err != nil || strings.Count(log, "\n") != 1 {
		t.Errorf("%s: log = %q, want one record", f.name, log)
		return
	}
	if record.Code != v.Answer.Code || record.Status != v.Answer.Status {
		t.Errorf("%s: code, status in the log = %s, %d, want %s, %d", f.name, record.Code, record.Status, v.Answer.Code, v.Answer.Status)
	}
}

// checkSilence looks for pieces of the token and for its claims where they must
// not be.
func checkSilence(t *testing.T, f framework, v vectors.Vector, servers []*keyServer, w *httptest.ResponseRecorder, log string) {
	var response bytes.Buffer
	if err := w.Header().Write(&response); err != nil {
		t.Fatal(err)
	}
	response.Write(w.Body.Bytes())

	told := secretsOf(v, servers)
	for _, secret := range told.always {
		if strings.Contains(response.String(), secret) {
			t.Errorf("%s: the response has %q in it:\n%s", f.name, secret, response.String())
		}
		if strings.Contains(log, secret) {
			t.Errorf("%s: the log has %q in it: %s", f.name, secret, log)
		}
	}
	for _, secret := range told.client {
		if strings.Contains(response.String(), secret) && !strings.Contains(v.Answer.Challenge+" application/json", secret) {
			t.Errorf("%s: the response has %q in it:\n%s", f.name, secret, response.String())
		}
	}
}

// secrets are texts that must appear nowhere, or not in the response.
type secrets struct{ always, client []string }

// secretsOf finds them in a vector's token: its segments, and its claims as far
// as they can be read. The issuer, the audience, the type, the algorithm and
// the key ID are for the log.
func secretsOf(v vectors.Vector, servers []*keyServer) secrets {
	token := v.Token
	if v.Request != nil {
		for _, field := range v.Request.Header {
			if scheme, after, ok := strings.Cut(field[1], " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
				token = after
			}
		}
	}
	configured, err := json.Marshal([]any{v.Config, v.Tenants})
	if err != nil {
		panic(err)
	}
	for _, s := range servers {
		configured = append(configured, s.body...) // a key set is public
	}
	var s secrets
	add := func(to *[]string, text string) {
		// Short texts and those of the configuration are found anywhere.
		if len(text) >= 8 && !bytes.Contains(configured, []byte(text)) && !strings.Contains("Bearer access invalid_token", text) {
			*to = append(*to, text)
		}
	}
	segments := strings.Split(token, ".")
	for i, segment := range segments {
		add(&s.always, segment)
		text, err := rawURL.DecodeString(segment)
		if err != nil || i > 1 {
			continue
		}
		var members map[string]any
		if json.Unmarshal(text, &members) != nil {
			continue
		}
		for name, value := range members {
			if act, ok := value.(map[string]any); ok && i == 1 && name == "act" {
				for name, value := range act { // of which sub is for the log as well
					leaves(value, func(leaf string) { add(map[bool]*[]string{true: &s.client, false: &s.always}[name == "sub"], leaf) })
				}
			} else if i == 0 || name == "iss" || name == "aud" || name == v.Config.AudienceClaim {
				leaves(value, func(leaf string) { add(&s.client, leaf) })
			} else {
				leaves(value, func(leaf string) { add(&s.always, leaf) })
			}
		}
	}
	return s
}

func leaves(value any, visit func(string)) {
	switch value := value.(type) {
	case string:
		visit(value)
	case []any:
		for _, element := range value {
			leaves(element, visit)
		}
	case map[string]any:
		for _, member := range value {
			leaves(member, visit)
		}
	}
}

// A keyServer is the issuer's end of the network, without a network.
type keyServer struct {
	body   []byte           // of the key set, or
	served []vectors.Served // all that there is
	count  atomic.Int64
}

func (s *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.count.Add(1)
	answer := vectors.Served{Body: string(s.body), Header: [][2]string{{"Content-Type", "application/jwk-set+json"}}}
	if s.served != nil {
		answer = vectors.Served{Status: http.StatusNotFound}
		for _, a := range s.served {
			if a.URL == r.URL.String() {
				answer = a
			}
		}
	}
	header := http.Header{}
	for _, field := range answer.Header {
		header.Add(field[0], field[1])
	}
	return &http.Response{
		StatusCode: cmp.Or(answer.Status, http.StatusOK),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		Body:          io.NopCloser(strings.NewReader(answer.Body)),
		ContentLength: int64(len(answer.Body)),
		Request:       r,
	}, nil
}

// serversOf returns one for each tenant, or the one.
func serversOf(file vectors.File, v vectors.Vector) []*keyServer {
	if v.Served != nil {
		return []*keyServer{{served: v.Served}}
	}
	names := []string{v.Keys}
	if len(v.Tenants) > 0 {
		names = nil
		for _, tenant := range v.Tenants {
			names = append(names, tenant.Keys)
		}
	}
	var servers []*keyServer
	for _, name := range names {
		body := []byte(file.KeySets[name])
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		servers = append(servers, &keyServer{body: body})
	}
	return servers
}

// validatorOf makes the Validator or the Mux. The keys are fetched once, by all
// that is made of the same servers.
func validatorOf(t testing.TB, v vectors.Vector, servers []*keyServer, withChecks bool) middleware.Validator {
	tenants := v.Tenants
	if len(tenants) == 0 {
		tenants = []vectors.Tenant{{Config: v.Config}}
	}
	var all []*validator.Validator
	for i, tenant := range tenants {
		cfg := configOf(t, v, tenant.Config, servers[i])
		cfg.CacheSize = v.Config.CacheSize
		if withChecks {
			cfg.Checks = checksOf(t, tenant.Config.Checks)
		}
		val, err := validator.New(cfg)
		if err != nil {
			t.Fatalf("New(%+v) error = %v", tenant.Config, err)
		}
		all = append(all, val)
	}
	if len(v.Tenants) == 0 {
		return all[0]
	}
	mux, err := validator.NewMux(all...)
	if err != nil {
		t.Fatalf("NewMux() error = %v", err)
	}
	return mux
}

// caches holds the jwks.Cache of each server.
var caches sync.Map

func configOf(t testing.TB, v vectors.Vector, cfg vectors.Config, server *keyServer) validator.Config {
	now := func() time.Time { return v.Time() }
	keys, ok := caches.Load(server)
	if !ok {
		issuer, url := "", "https://keys.example.com/jwks.json"
		if v.Served != nil {
			issuer, url = cfg.Issuers[0], ""
		}
		cache, err := jwks.NewCache(jwks.Config{
			Issuer:       issuer,
			URL:          url,
			MetadataURL:  cfg.MetadataURL,
			InsecureHTTP: cfg.InsecureHTTP,
			Client:       &http.Client{Transport: server},
			Logger:       slog.New(slog.DiscardHandler),
			Now:          now,
		})
		if err != nil {
			t.Fatalf("NewCache() error = %v", err)
		}
		keys = cache
		caches.Store(server, cache)
		t.Cleanup(func() { caches.Delete(server) })
	}
	var algs []validator.Algorithm
	for _, alg := range cfg.Algorithms {
		algs = append(algs, validator.Algorithm(alg))
	}
	source, secret := validator.KeySource(keys.(*jwks.Cache)), []byte(nil)
	if cfg.Secret != "" {
		var err error
		if secret, err = rawURL.DecodeString(cfg.Secret); err != nil {
			t.Fatal(err)
		}
		source = nil
	}
	return validator.Config{
		Issuers:               cfg.Issuers,
		Audiences:             cfg.Audiences,
		Keys:                  source,
		Secret:                secret,
		Algorithms:            algs,
		Leeway:                time.Duration(cfg.LeewaySeconds) * time.Second,
		MaxTokenSize:          cfg.MaxTokenSize,
		RequireRFC9068:        cfg.RequireRFC9068,
		InsecureSkipTypeCheck: cfg.InsecureSkipTypeCheck,
		AudienceClaim:         cfg.AudienceClaim,
		CacheSize:             cfg.CacheSize,
		Now:                   now,
	}
}

func checksOf(t testing.TB, checks []vectors.Check) []validator.Check {
	var made []validator.Check
	for _, c := range checks {
		switch c.Kind {
		case "scopes":
			made = append(made, validator.Scopes(c.Args...))
		case "any_scope":
			made = append(made, validator.AnyScope(c.Args...))
		case "permissions":
			made = append(made, validator.Permissions(c.Args...))
		case "any_permission":
			made = append(made, validator.AnyPermission(c.Args...))
		case "no_actor":
			made = append(made, validator.NoActor())
		case "actors":
			made = append(made, validator.Actors(c.Args...))
		case "any_of":
			made = append(made, validator.AnyOf(checksOf(t, c.Checks)...))
		case "roles":
			made = append(made, validator.Roles(c.Path, c.Args...))
		case "any_role":
			made = append(made, validator.AnyRole(c.Path, c.Args...))
		case "organization":
			made = append(made, validator.Organization(c.Args...))
		case "grant_type":
			made = append(made, validator.GrantType(c.Args...))
		case "clients":
			made = append(made, validator.Clients(c.Args...))
		case "max_age":
			made = append(made, validator.MaxAge(time.Duration(c.Seconds)*time.Second))
		case "authenticated_within":
			made = append(made, validator.AuthenticatedWithin(time.Duration(c.Seconds)*time.Second))
		default:
			t.Fatalf("unknown check %q", c.Kind)
		}
	}
	return made
}

func contextOf(ctx context.Context, v vectors.Vector) context.Context {
	if v.Confirmed == nil {
		return ctx
	}
	return validator.ContextWithConfirmation(ctx, validator.Confirmation{JKT: v.Confirmed.JKT, X5TS256: v.Confirmed.X5TS256})
}

func requestOf(t *testing.T, request *vectors.Request, token string) *http.Request {
	if request == nil {
		request = &vectors.Request{Header: [][2]string{{"Authorization", "Bearer " + token}}}
	}
	r := httptest.NewRequest(cmp.Or(request.Method, http.MethodGet), cmp.Or(request.Target, "/"), strings.NewReader(request.Body))
	r.Host = cmp.Or(request.Host, "api.example.com")
	r.TLS = nil
	if request.Scheme == "https" {
		r.TLS = new(tls.ConnectionState)
	}
	if request.Certificate != "" {
		der, err := base64.StdEncoding.DecodeString(request.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		r.TLS.PeerCertificates = []*x509.Certificate{certificate}
	}
	for _, field := range request.Header {
		r.Header[field[0]] = append(r.Header[field[0]], field[1])
	}
	return r
}

// dpopOf makes a Verifier that has seen no proof yet.
func dpopOf(t *testing.T, v vectors.Vector) *dpop.Verifier {
	cfg := v.Config.DPoP
	if cfg == nil {
		return nil
	}
	var algs []validator.Algorithm
	for _, alg := range cfg.Algorithms {
		algs = append(algs, validator.Algorithm(alg))
	}
	var nonces dpop.NonceSource
	if cfg.Nonce != "" {
		nonces = fixedNonce(cfg.Nonce)
	}
	verifier, err := dpop.New(dpop.Config{
		Algorithms: algs,
		MaxAge:     time.Duration(cfg.MaxAgeSeconds) * time.Second,
		Leeway:     time.Duration(cfg.LeewaySeconds) * time.Second,
		Nonces:     nonces,
		Now:        func() time.Time { return v.Time() },
	})
	if err != nil {
		t.Fatalf("dpop.New() error = %v", err)
	}
	return verifier
}

// fixedNonce is the only nonce that is good.
type fixedNonce string

func (n fixedNonce) Nonce() string           { return string(n) }
func (n fixedNonce) Valid(nonce string) bool { return nonce == string(n) }

// A lockedBuffer is a log that several may write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
