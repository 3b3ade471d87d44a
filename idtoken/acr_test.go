package idtoken_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	gold   = "urn:example:gold"
	silver = "urn:example:silver"
)

// tokens are those of a login, or of its renewal.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// post asks the token endpoint of a mock issuer.
func post(t *testing.T, iss *mockissuer.Issuer, form url.Values) (got tokens) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, iss.URL+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := iss.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("POST /oauth/token = %d, %v", res.StatusCode, err)
	}
	return got
}

// signIn signs the demo's user in, by these acr_values if there are any.
func signIn(t *testing.T, iss *mockissuer.Issuer, acrValues string) tokens {
	t.Helper()
	const callback = "http://127.0.0.1/callback"
	visit := url.Values{
		"response_type": {"code"}, "client_id": {"demo-client"}, "redirect_uri": {callback}, "nonce": {nonce},
		"scope": {"openid offline_access orders:read"}, "audience": {mockissuer.DefaultAudience},
	}
	if acrValues != "" {
		visit.Set("acr_values", acrValues)
	}
	browser := iss.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, iss.URL+"authorize?"+visit.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil || !back.Query().Has("code") {
		t.Fatalf("GET /authorize = %d to %v, %v, want a code", res.StatusCode, back, err)
	}
	return post(t, iss, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"},
		"redirect_uri": {callback}, "code": back.Query()["code"],
	})
}

// An issuer returns the first of acr_values that it can do, and the client
// accepts those alone that it has asked for, also in a renewed token.
func TestVerify_acr(t *testing.T) {
	t.Parallel()
	cfg := mockissuer.Demo()
	cfg.URL, cfg.ACRs = issuer, []string{silver, gold}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	body, err := iss.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	logins, err := idtoken.New(idtoken.Config{
		Issuers: []string{issuer}, ClientID: "demo-client", Keys: mustParse(t, body), Now: iss.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		asked string
		want  []string
		acr   string
		code  validator.Code
	}{
		{"", nil, "", ""},
		{"", []string{gold}, "", validator.CodeAuthentication},
		{gold, nil, gold, ""},
		{gold, []string{gold}, gold, ""},
		{gold + " " + silver, []string{gold, silver}, gold, ""},
		{silver + " " + gold, []string{gold, silver}, silver, ""},
		{"urn:example:platinum " + silver, []string{"urn:example:platinum", silver}, silver, ""},
		{silver, []string{gold}, "", validator.CodeAuthentication},
		{"urn:example:platinum", []string{"urn:example:platinum"}, "", validator.CodeAuthentication},
		{strings.ToUpper(gold), []string{strings.ToUpper(gold)}, "", validator.CodeAuthentication},
	} {
		got := signIn(t, iss, tt.asked)
		user, err := logins.Verify(t.Context(), got.ID, idtoken.Expected{Nonce: nonce, AccessToken: got.Access, ACR: tt.want})
		var e *validator.Error
		if validator.CodeOf(err) != tt.code || errors.As(err, &e) && !slices.Equal(e.ACRValues, tt.want) {
			t.Errorf("acr_values %q: Verify(ACR %q) error = %v, want code %q, with these values", tt.asked, tt.want, err, tt.code)
		}
		if err != nil {
			continue
		}
		if user.ACR != tt.acr {
			t.Errorf("acr_values %q: acr = %q, want %q", tt.asked, user.ACR, tt.acr)
		}
		iss.Advance(time.Hour)
		renewed := post(t, iss, url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"}, "refresh_token": {got.Refresh},
		})
		again, err := logins.Verify(t.Context(), renewed.ID, idtoken.Expected{Previous: user, AccessToken: renewed.Access, ACR: tt.want})
		if err != nil || again.ACR != tt.acr {
			t.Errorf("acr_values %q, renewed: Verify() = %+v, %v, want acr %q", tt.asked, again, err, tt.acr)
		}
	}
}

// An API challenges by RFC 9470, the client asks the issuer for what the
// challenge says, and the API accepts the new token.
func TestStepUp(t *testing.T) {
	t.Parallel()
	cfg := mockissuer.Demo()
	cfg.URL, cfg.ACRs = issuer, []string{gold}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	body, err := iss.KeySet()
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers: []string{issuer}, Audiences: []string{mockissuer.DefaultAudience}, Keys: mustParse(t, body), Now: iss.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		t.Fatal(err)
	}
	api := auth.Require(validator.ACR(gold), validator.AuthenticatedWithin(time.Minute))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	call := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w
	}
	refused := call(signIn(t, iss, "").Access)
	challenge := refused.Header().Get("WWW-Authenticate")
	_, values, _ := strings.Cut(challenge, `acr_values="`)
	values, _, found := strings.Cut(values, `"`)
	if refused.Code != http.StatusUnauthorized || !strings.Contains(challenge, "insufficient_user_authentication") || !found {
		t.Fatalf("a login without an acr = %d %s, want 401 with acr_values", refused.Code, challenge)
	}
	token := signIn(t, iss, values).Access
	if w := call(token); w.Code != http.StatusOK {
		t.Errorf("a login by acr_values %q = %d %s, want 200", values, w.Code, w.Header().Get("WWW-Authenticate"))
	}
	iss.Advance(3 * time.Minute)
	if w := call(token); w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("WWW-Authenticate"), `max_age="60"`) {
		t.Errorf("the same login 3 minutes later = %d %s, want 401 with max_age", w.Code, w.Header().Get("WWW-Authenticate"))
	}
}

func mustParse(t *testing.T, body []byte) jwks.Set {
	t.Helper()
	keys, err := jwks.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
