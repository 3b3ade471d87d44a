package mockissuer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// FuzzTokenEndpoint checks that every response is JSON that must not be stored.
// It has either a token, for a client with its secret, or an error. The issuer
// never fails.
func FuzzTokenEndpoint(f *testing.F) {
	cfg := mockissuer.Demo()
	cfg.URL = tenant
	cfg.Algorithms = []string{"ES256"}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(formType, machine.form(), "", "")
	f.Add(jsonType, `{"grant_type":"client_credentials","client_id":"demo-client","client_secret":"demo-secret"}`, "", "")
	f.Add(formType, "grant_type=refresh_token&client_id=demo-app&refresh_token=x", "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=", "")
	f.Add(formType, machine.form(), "", "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYifX0.e30.AA")

	f.Fuzz(func(t *testing.T, contentType, body, authorization, proof string) {
		req := httptest.NewRequest(http.MethodPost, tenant+"oauth/token", strings.NewReader(body))
		req.Header.Set("Content-Type", contentType)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		if proof != "" {
			req.Header.Set("DPoP", proof)
		}
		rec := httptest.NewRecorder()
		iss.ServeHTTP(rec, req)

		var answer struct {
			Error       string `json:"error"`
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil || rec.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %q, %v, want JSON that is not kept", rec.Code, rec.Body, err)
		}
		switch rec.Code {
		case http.StatusOK:
			secret := strings.Contains(body, "secret") || authorization != ""
			if answer.AccessToken == "" || answer.Error != "" || !secret && !strings.Contains(body, `\u`) && !strings.Contains(body, "%") {
				t.Errorf("200 %q for %q, want a token for a secret", rec.Body, body)
			}
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
			if answer.Error == "" || answer.AccessToken != "" {
				t.Errorf("%d %q, want an error and no token", rec.Code, rec.Body)
			}
		default:
			t.Errorf("%d %q, want 200, 400, 401 or 403", rec.Code, rec.Body)
		}
	})
}
