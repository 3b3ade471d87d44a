package exported_test

import (
	"testing"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// An ID token is accepted neither by a Verifier that New didn't make, nor if
// nothing is expected of it, nor as the renewal of nothing.
func zeroIDToken(t *testing.T) {
	iss := testutil.NewIssuer(t)
	token := iss.Sign(mockissuer.Token{Claims: map[string]any{"aud": "client"}})
	_, err := new(idtoken.Verifier).Verify(t.Context(), token, idtoken.Expected{InsecureNoNonce: true})
	rejects(t, "Verifier{}.Verify()", err)
	if report := new(idtoken.Verifier).Explain(t.Context(), token, idtoken.Expected{InsecureNoNonce: true}); report.Code() == "" {
		t.Errorf("Verifier{}.Explain() = %v", report)
	}

	v, err := idtoken.New(idtoken.Config{Issuers: []string{iss.URL}, ClientID: "client", Keys: iss.Config("client").Keys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token, idtoken.Expected{InsecureNoNonce: true}); err != nil {
		t.Fatalf("Verify() error = %v", err)
	}
	_, err = v.Verify(t.Context(), token, idtoken.Expected{})
	rejects(t, "Verify(Expected{})", err)
	_, err = v.Verify(t.Context(), token, idtoken.Expected{Previous: new(idtoken.Claims)})
	rejects(t, "Verify(Expected{Previous: &Claims{}})", err)
}

func zeroIDTokenClaims(t *testing.T) { zeroIDToken(t) }

func zeroIDTokenConfig(t *testing.T) {
	for _, cfg := range []idtoken.Config{{}, {ClientID: "client"}, {Issuers: []string{"https://sso.example.com"}}} {
		if _, err := idtoken.New(cfg); err == nil {
			t.Errorf("New(%v) error = nil", cfg)
		}
	}
}
