package e2e_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const audience = mockissuer.DefaultAudience

func newValidator(t *testing.T, iss *testutil.Issuer) *validator.Validator {
	t.Helper()
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOAuth2ClientCredentials(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v := newValidator(t, iss)
	for name, style := range map[string]oauth2.AuthStyle{
		"in the header":    oauth2.AuthStyleInHeader,
		"in the body":      oauth2.AuthStyleInParams,
		"by trying it out": oauth2.AuthStyleAutoDetect,
	} {
		cfg := clientcredentials.Config{
			ClientID: "demo-client", ClientSecret: "demo-secret", TokenURL: iss.URL + "oauth/token",
			Scopes: []string{"orders:read"}, EndpointParams: url.Values{"audience": {audience}, "organization": {"demo"}},
			AuthStyle: style,
		}
		token, err := cfg.Token(t.Context())
		if err != nil {
			t.Errorf("%s: Token() error = %v, want none", name, err)
			continue
		}
		claims, err := v.Validate(t.Context(), token.AccessToken)
		if err != nil {
			t.Errorf("%s: Validate = %v, want no error", name, err)
			continue
		}
		if claims.Subject != "demo-client@clients" || !claims.HasScope("orders:read") || claims.HasScope("orders:write") || claims.OrgName != "demo" {
			t.Errorf("%s: claims = %+v, want those that were asked for", name, claims)
		}

		cfg.ClientSecret = "wrong"
		_, err = cfg.Token(t.Context())
		var refusal *oauth2.RetrieveError
		if !errors.As(err, &refusal) || refusal.Response.StatusCode != http.StatusUnauthorized || refusal.ErrorCode != "access_denied" {
			t.Errorf("%s: Token() with a wrong secret: error = %v, want 401 access_denied", name, err)
		}
	}
}

func TestOAuth2AuthorizationCode(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v := newValidator(t, iss)
	cfg := oauth2.Config{
		ClientID: "demo-app", RedirectURL: "http://127.0.0.1:3000/callback",
		Scopes:   []string{"openid", "offline_access", "orders:read"},
		Endpoint: oauth2.Endpoint{AuthURL: iss.URL + "authorize", TokenURL: iss.URL + "oauth/token"},
	}
	verifier := oauth2.GenerateVerifier()
	visit := cfg.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("audience", audience))

	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, visit, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil || back.Query().Get("state") != "state" {
		t.Fatalf("authorization = %d to %v, %v, want a redirect with the state", res.StatusCode, back, err)
	}

	token, err := cfg.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	token.Expiry = iss.Now().AddDate(0, 0, -1) // so that it is refreshed
	refreshed, err := cfg.TokenSource(t.Context(), token).Token()
	if err != nil {
		t.Fatal(err)
	}
	for name, access := range map[string]string{"exchanged": token.AccessToken, "refreshed": refreshed.AccessToken} {
		claims, err := v.Validate(t.Context(), access)
		if err != nil || claims.Subject != "auth0|alice" || !claims.HasPermission("orders:read") {
			t.Errorf("%s: Validate = %+v, %v, want Alice, who may read orders", name, claims, err)
		}
	}
}
