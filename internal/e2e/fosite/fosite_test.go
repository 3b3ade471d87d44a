package fosite_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/validator"
)

const api = "https://api.example.com"

// A server has the token, introspection and revocation endpoints of fosite.
type server struct {
	URL string
}

func start(t *testing.T, change func(*fosite.Config)) *server {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("a secret with : and %"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	store := storage.NewMemoryStore()
	for _, id := range []string{"orders-api", "shop"} {
		store.Clients[id] = &fosite.DefaultClient{
			ID: id, Secret: hash, GrantTypes: []string{"client_credentials", "password", "refresh_token"},
			Scopes: []string{"orders:read", "offline"}, Audience: []string{api, "https://other.example.com"},
		}
	}
	store.Users["anna"] = storage.MemoryUserRelation{Username: "anna", Password: "anna's"}
	cfg := &fosite.Config{GlobalSecret: []byte("a global secret of thirty-two by"), AccessTokenLifespan: time.Hour}
	if change != nil {
		change(cfg)
	}
	provider := compose.Compose(cfg, store, compose.NewOAuth2HMACStrategy(cfg),
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2ResourceOwnerPasswordCredentialsFactory, //nolint:staticcheck // SA1019: the shortest way to a refresh token
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)

	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		request, err := provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
		if err != nil {
			provider.WriteAccessError(ctx, w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		for _, audience := range request.GetRequestedAudience() {
			request.GrantAudience(audience)
		}
		response, err := provider.NewAccessResponse(ctx, request)
		if err != nil {
			provider.WriteAccessError(ctx, w, request, err)
			return
		}
		provider.WriteAccessResponse(ctx, w, request, response)
	})
	mux.HandleFunc("/introspect", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		response, err := provider.NewIntrospectionRequest(ctx, r, &fosite.DefaultSession{})
		if err != nil {
			provider.WriteIntrospectionError(ctx, w, err)
			return
		}
		provider.WriteIntrospectionResponse(ctx, w, response)
	})
	mux.HandleFunc("/revoke", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		provider.WriteRevocationResponse(ctx, w, provider.NewRevocationRequest(ctx, r))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return &server{s.URL}
}

// post sends a form as the client shop.
func (s *server) post(t *testing.T, path string, form url.Values) (answer struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("shop", url.QueryEscape("a secret with : and %"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("POST %s = %d %s, %v, want 200", path, res.StatusCode, body, err)
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

func (s *server) token(t *testing.T, audience string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}
	if audience != "" {
		form.Set("audience", audience)
	}
	return s.post(t, "/token", form).AccessToken
}

// introspector asks about tokens as the client orders-api.
func (s *server) introspector(t *testing.T, auth introspection.Authentication) *introspection.Introspector {
	t.Helper()
	in, err := introspection.New(introspection.Config{
		Issuer: s.URL, Endpoint: s.URL + "/introspect", Audiences: []string{api}, ClientID: "orders-api", Auth: auth,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

var basic = introspection.ClientSecretBasic("a secret with : and %")

func TestTokens(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	revoked := s.token(t, api)
	s.post(t, "/revoke", url.Values{"token": {revoked}})
	ours := s.token(t, "") // of the API's own
	bearer := func(_ context.Context, r *introspection.AuthRequest) error {
		r.Header.Set("Authorization", "Bearer "+ours)
		return nil
	}
	good := s.token(t, api)
	for _, tt := range []struct {
		name  string
		auth  introspection.Authentication
		token string
		want  validator.Code
	}{
		{"by basic", basic, good, ""},
		{"by a token of our own", bearer, good, ""},
		{"by a token of our own, which is the token", bearer, ours, validator.CodeUnavailable},
		{"by a wrong secret", introspection.ClientSecretBasic("x"), good, validator.CodeUnavailable},
		{"by post", introspection.ClientSecretPost("a secret with : and %"), good, validator.CodeUnavailable}, // fosite takes none
		{"for another API", basic, s.token(t, "https://other.example.com"), validator.CodeAudience},
		{"for no API", basic, s.token(t, ""), validator.CodeAudience},
		{"revoked", basic, revoked, validator.CodeRevoked},
		{"of another server", basic, start(t, func(c *fosite.Config) {
			c.GlobalSecret = []byte("another secret of thirty-two byt")
		}).token(t, api), validator.CodeRevoked},
		{"with another signature", basic, good[:len(good)-4] + "AAAA", validator.CodeRevoked},
		{"made up", basic, "ory_at_x.y", validator.CodeRevoked},
	} {
		claims, err := s.introspector(t, tt.auth).Validate(t.Context(), tt.token)
		if got := validator.CodeOf(err); got != tt.want {
			t.Errorf("Validate(a token %s) code = %q (%v), want %q", tt.name, got, err, tt.want)
		}
		if err == nil && (claims.Issuer != s.URL || claims.ClientID != "shop" || !claims.HasScope("orders:read") || claims.ExpiresAt.IsZero()) {
			t.Errorf("Validate(a token %s) = %+v, want what the server has issued", tt.name, claims)
		}
	}
}

// A token that ends while its answer is remembered is rejected.
func TestExpiry(t *testing.T) {
	t.Parallel()

	s := start(t, nil)
	now := time.Now()
	in, err := introspection.New(introspection.Config{
		Issuer: s.URL, Endpoint: s.URL + "/introspect", Audiences: []string{api}, ClientID: "orders-api", Auth: basic,
		MaxAge: 24 * time.Hour, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	token := s.token(t, api)
	if _, err := in.Validate(t.Context(), token); err != nil {
		t.Errorf("Validate() error = %v, want none", err)
	}
	now = now.Add(time.Hour + time.Minute)
	if _, err := in.Validate(t.Context(), token); validator.CodeOf(err) != validator.CodeExpired {
		t.Errorf("Validate() after an hour: %v, want %q", err, validator.CodeExpired)
	}
}

// Fosite calls refresh tokens active as well, and does not say which kind a
// token is. Such a server has to be told to introspect access tokens alone.
func TestRefreshTokens(t *testing.T) {
	t.Parallel()

	for _, disabled := range []bool{false, true} {
		s := start(t, func(c *fosite.Config) { c.DisableRefreshTokenValidation = disabled })
		tokens := s.post(t, "/token", url.Values{
			"grant_type": {"password"}, "username": {"anna"}, "password": {"anna's"}, "scope": {"orders:read offline"}, "audience": {api},
		})
		in := s.introspector(t, basic)
		if claims, err := in.Validate(t.Context(), tokens.AccessToken); err != nil || claims.Subject == "" {
			t.Errorf("Validate(an access token) = %+v, %v, want it to be accepted, with a subject", claims, err)
		}
		want := validator.Code("")
		if disabled {
			want = validator.CodeRevoked
		}
		if _, err := in.Validate(t.Context(), tokens.RefreshToken); validator.CodeOf(err) != want {
			t.Errorf("Validate(a refresh token) error = %v, want %q with DisableRefreshTokenValidation = %t", err, want, disabled)
		}
	}
}
