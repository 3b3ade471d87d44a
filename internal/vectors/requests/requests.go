// Package requests runs the test vectors through an adapter: each token as a
// request with it, and each request as it is.
package requests

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/presets"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

var rawURL = base64.RawURLEncoding

// A Framework serves a request by a route that an Authenticator guards.
type Framework struct {
	Name string

	// Serve is that of a [testutil.Transport].
	Serve func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response

	// Carries reports whether a request can be sent, such as one in HTTP/1.1
	// with these fields. If nil, each can. The request of a vector that is a
	// token has one field, Authorization.
	Carries func(*vectors.Request) bool
}

// Handler returns the Framework that route makes of a handler.
func Handler(name string, route func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler) Framework {
	return Framework{Name: name, Serve: func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
		for _, layer := range layers {
			next = route(layer.Auth, layer.Checks, next)
		}
		return func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			next.ServeHTTP(w, r)
			return w.Result()
		}
	}}
}

// Run sends every vector of dir, which is vectors/data of this checkout, through
// f, and says how many there were.
func Run(t *testing.T, dir string, f Framework) {
	t.Helper()
	var tokens, requests, accepted, left int
	for _, file := range vectors.Read(t, dir) {
		t.Run(file.Name, func(t *testing.T) {
			for _, v := range file.Vectors {
				switch {
				case v.Want == "invalid_config":
					continue // there is nothing to send it to
				case f.Carries != nil && (!f.Carries(sent(v.Request, v.Token)) || v.Request != nil && v.Request.Before != nil && !f.Carries(v.Request.Before)):
					left++
					continue
				case v.Request == nil:
					tokens++
				default:
					requests++
				}
				if v.Answer.Code == vectors.Accept {
					accepted++
				}
				t.Run(v.Name, func(t *testing.T) { Check(t, f, v, ServersOf(file, v)) })
			}
		})
	}
	if tokens == 0 || accepted == 0 || requests == 0 && f.Carries == nil {
		t.Errorf("%s: %d tokens and %d requests, of which %d are accepted, want some of each", f.Name, tokens, requests, accepted)
	}
	t.Logf("%s: %d vectors: %d tokens, %d requests; %d are accepted, %d rejected; %d can't be carried",
		f.Name, tokens+requests, tokens, requests, accepted, tokens+requests-accepted, left)
}

// Spoil does to an error what its owner may: nothing in it is another
// request's.
func Spoil(err error) {
	switch err := err.(type) {
	case nil:
		return
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			Spoil(err)
		}
	default:
		Spoil(errors.Unwrap(err))
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

// Check sends the request of v, or one with its token, and reports what is wrong
// with what comes of it.
func Check(t *testing.T, f Framework, v vectors.Vector, servers []*Server) {
	t.Helper()
	var log lockedBuffer
	auth, err := middleware.New(middleware.Config{
		Validator:        ValidatorOf(t, v, servers, false),
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
			Spoil(err)
			http.Error(w, http.StatusText(status), status)
		},
	})
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}

	calls := 0
	send := f.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		claims, ok := middleware.ClaimsFromContext(r.Context())
		if anonymous := (v.Config.Optional || v.Config.AllowPreflight) && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer"); ok == anonymous {
			t.Errorf("%s: ClaimsFromContext() = %+v, %t", f.Name, claims, ok)
		}
		w.WriteHeader(http.StatusOK)
	}), testutil.Layer{Auth: auth, Checks: ChecksOf(t, v.Config.Checks)})
	if v.Request != nil && v.Request.Before != nil {
		if w := responseOf(t, send(requestOf(t, v.Request.Before, ""))); w.status != http.StatusOK || calls != 1 {
			t.Errorf("%s: the request before: status = %d, the handler was called %d times", f.Name, w.status, calls)
		}
		calls = 0
	}
	r := requestOf(t, v.Request, v.Token)
	w := responseOf(t, send(r.WithContext(ContextOf(r.Context(), v))))

	if wantCalls := map[bool]int{true: 1}[v.Answer.Code == vectors.Accept]; calls != wantCalls {
		t.Errorf("%s: the handler was called %d times, want %d: %s", f.Name, calls, wantCalls, v.Why)
	}
	if w.status != v.Answer.Status {
		t.Errorf("%s: status = %d, want %d: %s", f.Name, w.status, v.Answer.Status, v.Why)
	}
	if got := strings.Join(w.header["Www-Authenticate"], ", "); got != v.Answer.Challenge {
		t.Errorf("%s: WWW-Authenticate = %s, want %s", f.Name, got, v.Answer.Challenge)
	}
	if got := strings.Join(w.header["Dpop-Nonce"], ", "); got != v.Answer.Nonce {
		t.Errorf("%s: DPoP-Nonce = %q, want %q", f.Name, got, v.Answer.Nonce)
	}
	if after := w.header.Get("Retry-After"); (after != "") != (v.Answer.Status == http.StatusServiceUnavailable) {
		t.Errorf("%s: status %d with Retry-After %q", f.Name, w.status, after)
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

// A response has been read.
type response struct {
	status int
	header http.Header
	body   []byte
}

func responseOf(t *testing.T, res *http.Response) response {
	t.Helper()
	if res == nil {
		t.Fatal("there is no response")
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("the response's body: %v", err)
	}
	_ = res.Body.Close()
	return response{res.StatusCode, res.Header, body}
}

// checkLog requires one record of a rejection, with its code, and no other.
func checkLog(t *testing.T, f Framework, v vectors.Vector, log string) {
	if v.Answer.Code == vectors.Accept {
		if log != "" {
			t.Errorf("%s: log = %s, want nothing for a good token", f.Name, log)
		}
		return
	}
	var record struct {
		Code   string `json:"code"`
		Status int    `json:"status"`
	}
	if err := json.Unmarshal([]byte(log), &record); err != nil || strings.Count(log, "\n") != 1 {
		t.Errorf("%s: log = %q, want one record", f.Name, log)
		return
	}
	if record.Code != v.Answer.Code || record.Status != v.Answer.Status {
		t.Errorf("%s: code, status in the log = %s, %d, want %s, %d", f.Name, record.Code, record.Status, v.Answer.Code, v.Answer.Status)
	}
}

// checkSilence looks for pieces of the token and for its claims where they must
// not be.
func checkSilence(t *testing.T, f Framework, v vectors.Vector, servers []*Server, w response, log string) {
	var text bytes.Buffer
	if err := w.header.Write(&text); err != nil {
		t.Fatal(err)
	}
	text.Write(w.body)

	told := secretsOf(v, servers)
	for _, secret := range told.always {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%s: the response has %q in it:\n%s", f.Name, secret, text.String())
		}
		if strings.Contains(log, secret) {
			t.Errorf("%s: the log has %q in it: %s", f.Name, secret, log)
		}
	}
	for _, secret := range told.client {
		if strings.Contains(text.String(), secret) && !strings.Contains(v.Answer.Challenge+" application/json", secret) {
			t.Errorf("%s: the response has %q in it:\n%s", f.Name, secret, text.String())
		}
	}
}

// secrets are texts that must appear nowhere, or not in the response.
type secrets struct{ always, client []string }

// secretsOf finds them in a vector's token: its segments, and its claims as far
// as they can be read. The issuer, the audience, the type, the algorithm and
// the key ID are for the log.
func secretsOf(v vectors.Vector, servers []*Server) secrets {
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
		configured = append(configured, s.Body...) // a key set is public
	}
	var s secrets
	add := func(to *[]string, text string) {
		// Short texts and those of the configuration are found anywhere.
		if len(text) >= 8 && !bytes.Contains(configured, []byte(text)) && !strings.Contains("Bearer access invalid_token", text) {
			*to = append(*to, text)
		}
	}
	type part struct {
		segment int
		json    []byte
	}
	var texts []part
	segments := strings.Split(token, ".")
	for i, segment := range segments {
		add(&s.always, segment)
		if text, err := rawURL.DecodeString(segment); err == nil && i < 2 {
			texts = append(texts, part{i, text})
		}
	}
	for _, answer := range v.Served {
		if answer.Method == http.MethodPost {
			texts = append(texts, part{1, []byte(answer.Body)})
		}
	}
	for _, text := range texts {
		i := text.segment
		var members map[string]any
		if json.Unmarshal(text.json, &members) != nil {
			continue
		}
		// What is in these claims is for the log wherever else it is.
		var logged []string
		isLogged := func(i int, name string) bool {
			return i == 0 || name == "iss" || name == "aud" || name == "token_type" || name == v.Config.AudienceClaim
		}
		for name, value := range members {
			if isLogged(i, name) {
				leaves(value, func(leaf string) { logged = append(logged, leaf) })
			}
		}
		for name, value := range members {
			if act, ok := value.(map[string]any); ok && i == 1 && name == "act" {
				for name, value := range act { // of which sub is for the log as well
					leaves(value, func(leaf string) { add(map[bool]*[]string{true: &s.client, false: &s.always}[name == "sub"], leaf) })
				}
				continue
			}
			leaves(value, func(leaf string) {
				if isLogged(i, name) || slices.ContainsFunc(logged, func(l string) bool { return strings.Contains(l, leaf) }) {
					add(&s.client, leaf)
				} else {
					add(&s.always, leaf)
				}
			})
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

// A Server is the issuer's end of the network, without a network.
type Server struct {
	Body   []byte           // of the key set, or
	served []vectors.Served // all that there is
	sent   string           // what has the token that may be asked about

	Fetches atomic.Int64 // of documents
	Asked   atomic.Int64 // about a token
}

// RoundTrip answers as the issuer does.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	method := r.Method
	if method == http.MethodPost {
		s.Asked.Add(1)
		if err := s.checkQuestion(r); err != nil {
			return nil, err
		}
	} else {
		s.Fetches.Add(1)
	}
	answer := vectors.Served{Body: string(s.Body), Header: [][2]string{{"Content-Type", "application/jwk-set+json"}}}
	if s.served != nil {
		answer = vectors.Served{Status: http.StatusNotFound}
		for _, a := range s.served {
			if a.URL == r.URL.String() && cmp.Or(a.Method, http.MethodGet) == method {
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

// checkQuestion requires the request of RFC 7662, Section 2.1, with the token
// that was sent, in the body alone.
func (s *Server) checkQuestion(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	switch token := form.Get("token"); {
	case err != nil:
		return err
	case len(form["token"]) != 1 || token == "" || !strings.Contains(s.sent, token):
		return fmt.Errorf("the endpoint is asked about %q, want what was sent", form["token"])
	case r.URL.RawQuery != "" || r.Header.Get("Authorization") == "" || form.Get("token_type_hint") != "access_token":
		return errors.New("the endpoint is not asked as RFC 7662, Section 2.1 says")
	}
	return nil
}

// ServersOf returns one for each tenant, or the one.
func ServersOf(file vectors.File, v vectors.Vector) []*Server {
	if v.Served != nil {
		s := &Server{served: v.Served, sent: v.Token}
		if v.Request != nil {
			s.sent = fmt.Sprint(v.Request.Header)
		}
		return []*Server{s}
	}
	names := []string{v.Keys}
	if len(v.Tenants) > 0 {
		names = nil
		for _, tenant := range v.Tenants {
			names = append(names, tenant.Keys)
		}
	}
	var servers []*Server
	for _, name := range names {
		body := []byte(file.KeySets[name])
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		servers = append(servers, &Server{Body: body})
	}
	return servers
}

// ValidatorOf makes the Validator or the Mux. The keys are fetched once, by all
// that is made of the same servers.
func ValidatorOf(t testing.TB, v vectors.Vector, servers []*Server, withChecks bool) middleware.Validator {
	if v.Config.Introspection != nil {
		cfg := IntrospectionOf(t, v, servers[0])
		if withChecks {
			cfg.Checks = ChecksOf(t, v.Config.Checks)
		}
		in, err := introspection.New(cfg)
		if err != nil {
			t.Fatalf("introspection.New(%+v) error = %v", v.Config, err)
		}
		return in
	}
	tenants := v.Tenants
	if len(tenants) == 0 {
		tenants = []vectors.Tenant{{Config: v.Config}}
	}
	var all []*validator.Validator
	for i, tenant := range tenants {
		cfg := ConfigOf(t, v, tenant.Config, servers[i])
		cfg.CacheSize = v.Config.CacheSize
		if withChecks {
			cfg.Checks = append(cfg.Checks, ChecksOf(t, tenant.Config.Checks)...)
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

// IntrospectionOf returns the Config of a vector with an opaque token, whose
// server is asked.
func IntrospectionOf(t testing.TB, v vectors.Vector, server *Server) introspection.Config {
	cfg := v.Config
	var issuer string
	var others []string
	if len(cfg.Issuers) > 0 {
		issuer, others = cfg.Issuers[0], cfg.Issuers[1:]
	}
	return introspection.Config{
		Issuer:               issuer,
		Issuers:              others,
		Endpoint:             cfg.Introspection.Endpoint,
		InsecureHTTP:         cfg.InsecureHTTP,
		Audiences:            cfg.Audiences,
		AudienceClaim:        cfg.AudienceClaim,
		AudienceGuaranteedBy: cfg.Introspection.AudienceGuaranteed,
		ClientID:             cfg.Introspection.ClientID,
		Auth:                 introspection.ClientSecretBasic("a secret of ours"),
		Leeway:               time.Duration(cfg.LeewaySeconds) * time.Second,
		MaxTokenSize:         cfg.MaxTokenSize,
		Client:               &http.Client{Transport: server},
		CacheSize:            cfg.CacheSize,
		RequireSigned:        cfg.Introspection.RequireSigned,
		Algorithms:           algorithmsOf(cfg),
		Logger:               slog.New(slog.DiscardHandler),
		Now:                  func() time.Time { return v.Time() },
	}
}

func algorithmsOf(cfg vectors.Config) (algs []validator.Algorithm) {
	for _, alg := range cfg.Algorithms {
		algs = append(algs, validator.Algorithm(alg))
	}
	return algs
}

// caches holds the jwks.Cache of each server.
var caches sync.Map

// ConfigOf returns the Config of a vector, whose keys are server's.
func ConfigOf(t testing.TB, v vectors.Vector, cfg vectors.Config, server *Server) validator.Config {
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
	source, secret := validator.KeySource(keys.(*jwks.Cache)), []byte(nil)
	if cfg.Secret != "" {
		var err error
		if secret, err = rawURL.DecodeString(cfg.Secret); err != nil {
			t.Fatal(err)
		}
		source = nil
	}
	if cfg.Preset != nil {
		made := presetOf(t, cfg)
		made.CacheSize, made.Now = cfg.CacheSize, now
		if made.Secret == nil {
			made.Keys = source
		}
		return made
	}
	return validator.Config{
		Issuers:               cfg.Issuers,
		Audiences:             cfg.Audiences,
		Keys:                  source,
		Secret:                secret,
		Algorithms:            algorithmsOf(cfg),
		Leeway:                time.Duration(cfg.LeewaySeconds) * time.Second,
		MaxTokenSize:          cfg.MaxTokenSize,
		RequireRFC9068:        cfg.RequireRFC9068,
		InsecureSkipTypeCheck: cfg.InsecureSkipTypeCheck,
		AudienceClaim:         cfg.AudienceClaim,
		CacheSize:             cfg.CacheSize,
		Now:                   now,
	}
}

// presetOf returns the Config of a preset, which has what the other members say.
func presetOf(t testing.TB, cfg vectors.Config) validator.Config {
	made, err := presets.Call(cfg.Preset.Name, cfg.Preset.Args)
	if err != nil {
		t.Fatalf("issuers.%s(%q) error = %v", cfg.Preset.Name, cfg.Preset.Args, err)
	}
	lacks := func(want, got []string) bool {
		return slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(got, s) })
	}
	var algs []string
	for _, alg := range made.Algorithms {
		algs = append(algs, string(alg))
	}
	if lacks(cfg.Issuers, made.Issuers) || lacks(cfg.Audiences, made.Audiences) || !slices.Equal(cfg.Algorithms, algs) ||
		cfg.AudienceClaim != made.AudienceClaim || cfg.Secret != rawURL.EncodeToString(made.Secret) ||
		cfg.RequireRFC9068 != made.RequireRFC9068 || cfg.InsecureSkipTypeCheck != made.InsecureSkipTypeCheck ||
		made.InsecureHTTP || made.Leeway != 0 || made.MaxTokenSize != 0 {
		t.Errorf("issuers.%s(%q) = %+v, want what the vector says: %+v", cfg.Preset.Name, cfg.Preset.Args, made, cfg)
	}
	return made
}

// ChecksOf returns the checks that a vector names.
func ChecksOf(t testing.TB, checks []vectors.Check) []validator.Check {
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
			made = append(made, validator.AnyOf(ChecksOf(t, c.Checks)...))
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

// ContextOf returns ctx with what a vector's sender has proven to have.
func ContextOf(ctx context.Context, v vectors.Vector) context.Context {
	if v.Confirmed == nil {
		return ctx
	}
	return validator.ContextWithConfirmation(ctx, validator.Confirmation{JKT: v.Confirmed.JKT, X5TS256: v.Confirmed.X5TS256})
}

// sent returns request, or one with token if it is nil.
func sent(request *vectors.Request, token string) *vectors.Request {
	if request == nil {
		request = &vectors.Request{Header: [][2]string{{"Authorization", "Bearer " + token}}}
	}
	return request
}

func requestOf(t *testing.T, request *vectors.Request, token string) *http.Request {
	request = sent(request, token)
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

func (n fixedNonce) Nonce() string { return string(n) }

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
