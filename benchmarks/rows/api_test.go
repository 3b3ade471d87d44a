package rows_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/rows"
)

// An API counts only if it is protected, and serves the good token.
func TestAPIs(t *testing.T) {
	t.Parallel()

	issuer := newIssuer(t, "RS256")
	for _, api := range rows.APIs() {
		handler, err := api.Open(t.Context(), issuer)
		if err != nil {
			t.Fatalf("%s: Open() error = %v, want nil", api.Name, err)
		}
		get := func(token string) (status int, body string) {
			r := httptest.NewRequest(http.MethodGet, "/orders", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)

			return w.Code, w.Body.String()
		}
		for range 2 {
			if status, body := get(issuer.Token); status != http.StatusOK || body != "an answer\n" {
				t.Errorf("%s: the good token = %d, %q, want 200 and an answer", api.Name, status, body)
			}
			for what, token := range issuer.Bad {
				if status, _ := get(token); api.Role != rows.Yardstick && status != http.StatusUnauthorized {
					t.Errorf("%s: a token with the wrong %s = %d, want 401", api.Name, what, status)
				}
			}
		}
	}
}
