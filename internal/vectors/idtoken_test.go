package vectors_test

import (
	"testing"
	"time"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/validator"
)

func loadIDTokens(tb testing.TB) []vectors.File {
	tb.Helper()
	return vectors.Read(tb, dir+"/idtoken")
}

// checkIDToken asks Verify, and Explain, which must agree.
func checkIDToken(t *testing.T, file vectors.File, v vectors.Vector) {
	t.Helper()
	servers := requests.ServersOf(file, v)
	verifier, err := idtoken.New(idTokenConfig(t, v, servers[0]))
	if err != nil {
		t.Fatalf("New(%+v) error = %v", v.Config, err)
	}
	expected := expectedOf(v.Config.IDToken)
	claims, err := verifier.Verify(t.Context(), v.Token, expected)
	checkText(t, err)
	if got := verdict(err); got != v.Want {
		t.Errorf("Verify: got %s (%v), want %s: %s", got, err, v.Want, v.Why)
	}
	if (claims != nil) != (v.Want == vectors.Accept) {
		t.Errorf("Verify: claims = %v, want them if, and only if, there is no error", claims)
	}
	if report := verifier.Explain(t.Context(), v.Token, expected); verdict(report.Err) != v.Want {
		t.Errorf("Explain: got %s, want %s: %s\n%v", verdict(report.Err), v.Want, v.Why, report)
	}
	checkIDTokenFetches(t, v, servers[0])

	// An API has another name than a client, and accepts no ID token.
	api := v
	api.Config.IDToken, api.Config.Audiences, api.Config.Secret = nil, []string{"https://other-api.example.com"}, ""
	if _, err := requests.ValidatorOf(t, api, servers, true).Validate(t.Context(), v.Token); err == nil {
		t.Error("Validate, as an API: error = nil, want one for an ID token")
	}
}

// checkIDTokenFetches allows one fetch of the keys, one more for the sake of an
// unknown key, and none for what is not an ID token of this login.
func checkIDTokenFetches(t *testing.T, v vectors.Vector, server *requests.Server) {
	t.Helper()
	n := server.Fetches.Load()
	switch v.Want {
	case vectors.Accept:
		if want := map[bool]int64{false: 1}[v.Config.Secret != ""]; n != want {
			t.Errorf("the keys were fetched %d times, want %d", n, want)
		}
	case "token_malformed", "algorithm_not_allowed", "wrong_type", "wrong_issuer", "wrong_audience":
		if n != 0 {
			t.Errorf("the keys were fetched %d times for a token that is refused as %s, want none", n, v.Want)
		}
	default:
		if limit := map[bool]int64{false: 1, true: 2}[v.Want == "unknown_key"]; n > limit {
			t.Errorf("the keys were fetched %d times, want %d at most", n, limit)
		}
	}
}

func idTokenConfig(t *testing.T, v vectors.Vector, server *requests.Server) idtoken.Config {
	t.Helper()
	shared, own := requests.ConfigOf(t, v, v.Config, server), v.Config.IDToken
	if len(v.Config.Audiences) != 1 {
		t.Fatalf("audiences are %q, want the client alone", v.Config.Audiences)
	}
	return idtoken.Config{
		Issuers: shared.Issuers, ClientID: v.Config.Audiences[0], Keys: shared.Keys, Secret: shared.Secret, Algorithms: shared.Algorithms,
		TrustedAudiences: own.TrustedAudiences, AuthorizedParties: own.AuthorizedParties, InsecureNoAuthorizedParty: own.NoAuthorizedParty,
		Leeway: shared.Leeway, MaxTokenAge: time.Duration(own.MaxTokenAgeSeconds) * time.Second, MaxTokenSize: shared.MaxTokenSize,
		InsecureSkipTypeCheck: shared.InsecureSkipTypeCheck, Now: shared.Now,
	}
}

func expectedOf(own *vectors.IDToken) idtoken.Expected {
	expected := idtoken.Expected{
		Nonce: own.Nonce, InsecureNoNonce: own.NoNonce, AccessToken: own.AccessToken, Code: own.Code, FromAuthorizationEndpoint: own.FrontChannel,
		MaxAge: time.Duration(own.MaxAgeSeconds) * time.Second, ACR: own.ACR, Organization: own.Organization,
	}
	if p := own.Previous; p != nil {
		expected.Previous = &idtoken.Claims{
			Issuer: p.Issuer, Subject: p.Subject, Audience: p.Audience, AuthorizedParty: p.AuthorizedParty, Nonce: p.Nonce,
		}
		if p.AuthTime != 0 {
			expected.Previous.AuthTime = time.Unix(p.AuthTime, 0)
		}
	}
	return expected
}

// The same token is an ID token of one client, and of no other.
func TestIDTokenOfAnotherClient(t *testing.T) {
	t.Parallel()
	accepted := 0
	for _, file := range loadIDTokens(t) {
		for _, v := range file.Vectors {
			if v.Want != vectors.Accept {
				continue
			}
			accepted++
			cfg := idTokenConfig(t, v, requests.ServersOf(file, v)[0])
			cfg.ClientID += "2"
			verifier, err := idtoken.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(t.Context(), v.Token, expectedOf(v.Config.IDToken)); validator.CodeOf(err) != validator.CodeAudience {
				t.Errorf("%s: %s: Verify by another client: error = %v, want code %q", file.Name, v.Name, err, validator.CodeAudience)
			}
		}
	}
	if accepted < 50 {
		t.Errorf("%d vectors are accepted, want 50 at least", accepted)
	}
}
