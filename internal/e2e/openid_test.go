package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestOpenIDClient(t *testing.T) {
	t.Parallel()

	needClient(t, "openid-client", "openid-client")

	for _, nonces := range []bool{false, true} {
		cfg := mockissuer.Demo()
		cfg.DPoPNonces = nonces
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		byKey := cfg.Clients[0]
		byKey.ID, byKey.Secret, byKey.PublicKey = "demo-key", "", key.Public()
		cfg.Clients = append(cfg.Clients, byKey)
		tryOpenIDClient(t, testutil.NewIssuer(t, cfg), key)
	}
}

func tryOpenIDClient(t *testing.T, iss *testutil.Issuer, key *ecdsa.PrivateKey) {
	t.Helper()

	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	flow := exec.CommandContext(t.Context(), "node", "flow.mjs", iss.URL, base64.StdEncoding.EncodeToString(secret))
	flow.Dir = "openid-client"
	out, err := flow.Output()
	if err != nil {
		text := ""
		if failed, ok := err.(*exec.ExitError); ok {
			text = string(failed.Stderr)
		}
		t.Fatalf("node flow.mjs: %v\n%s", err, text)
	}

	type byClient struct {
		Token, Type, Scope string
		Active             bool
	}
	var got struct {
		Post, Basic byClient
		WrongSecret struct {
			Status int
			Error  string
		}
		Code      struct{ Token, Subject, Email, Refreshed string }
		Bound     struct{ Token, Type, Thumbprint string }
		BoundCode struct{ Type, Email, Refreshed string }
		Key       byClient
		Exchanged struct{ Token, Type string }
		StepUp    struct {
			Asked, Got, Refreshed string
			Again                 []string
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("node flow.mjs printed %q: %v", out, err)
	}

	v := newValidator(t, iss)
	for name, by := range map[string]byClient{"post": got.Post, "basic": got.Basic} {
		claims, err := v.Validate(t.Context(), by.Token)
		if err != nil || claims.ClientID != "demo-client" || claims.OrgID != "org_demo" || by.Scope != "orders:read" || !by.Active || by.Type != "bearer" {
			t.Errorf("client credentials by %s = %+v, %v, want an active bearer token to read orders in org_demo", name, by, err)
		}
	}
	if got.WrongSecret.Status != 401 || got.WrongSecret.Error != "access_denied" {
		t.Errorf("a wrong secret = %+v, want 401 access_denied", got.WrongSecret)
	}
	for name, token := range map[string]string{"exchanged": got.Code.Token, "refreshed": got.Code.Refreshed} {
		if claims, err := v.Validate(t.Context(), token); err != nil || claims.Subject != "auth0|alice" {
			t.Errorf("authorization code, %s: Validate = %+v, %v, want Alice", name, claims, err)
		}
	}
	if got.Code.Subject != "auth0|alice" || got.Code.Email != "alice@example.com" {
		t.Errorf("ID token and user info = %+v, want Alice", got.Code)
	}

	if claims, err := v.Validate(t.Context(), got.Key.Token); err != nil || claims.ClientID != "demo-key" || got.Key.Scope != "orders:read" {
		t.Errorf("client credentials by private_key_jwt = %+v, %v, want a token to read orders", got.Key, err)
	}
	if claims, err := v.Validate(t.Context(), got.Exchanged.Token); err != nil || claims.Subject != "auth0|alice" || claims.ClientID != "demo-key" ||
		got.Exchanged.Type != "urn:ietf:params:oauth:token-type:access_token" {
		t.Errorf("exchanged = %+v, %v, want Alice's token for demo-key", claims, err)
	}
	if s := got.StepUp; s.Asked == "" || s.Got != s.Asked || s.Refreshed != s.Asked {
		t.Errorf("acr of a login by acr_values = %+v, want the one that was asked for", s)
	}
	if again := got.StepUp.Again; !slices.Equal(again, []string{"invalid_grant", "invalid_grant"}) {
		t.Errorf("a refresh token that is used twice, and the one that came for it = %q, want invalid_grant for both", again)
	}

	if got.Bound.Type != "dpop" || got.BoundCode.Type != "dpop" || got.BoundCode.Refreshed != "dpop" || got.BoundCode.Email != "alice@example.com" {
		t.Errorf("tokens with proofs = %+v, %+v, want bound ones", got.Bound, got.BoundCode)
	}
	if _, err := v.Validate(t.Context(), got.Bound.Token); validator.CodeOf(err) != validator.CodeBinding {
		t.Errorf("Validate(a bound token without a proof) = %v, want code %q", err, validator.CodeBinding)
	}
	proven := validator.ContextWithConfirmation(t.Context(), validator.Confirmation{JKT: got.Bound.Thumbprint})
	if _, err := v.Validate(proven, got.Bound.Token); err != nil {
		t.Errorf("Validate(a bound token with its key proven) = %v, want no error", err)
	}
}
