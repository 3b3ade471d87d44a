package revocation_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// An endless body counts what is read of it, and ends after a megabyte, so that
// the test does.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 1<<20 {
		return 0, errors.New("far too much was read")
	}
	for i := range p {
		p[i] = 'a'
	}
	e.read += len(p)
	return len(p), nil
}

func (*endless) Close() error { return nil }

// No receiver reads more of a stranger's body than a signal can have.
func TestReceivers_endlessBody(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	keycloak, err := revocation.NewKeycloakReceiver(revocation.KeycloakConfig{Sender: iss.Config(client), List: new(recorder), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, contentType string
		handler           http.Handler
	}{
		{"LogoutReceiver", "application/x-www-form-urlencoded", newLogoutReceiver(t, iss, new(recorder), nil)},
		{"EventReceiver", "application/secevent+jwt", newEventReceiver(t, iss, new(recorder), nil)},
		{"KeycloakReceiver", "", keycloak},
	} {
		body := new(endless)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.Reader(body))
		req.Header.Set("Content-Type", tt.contentType)
		w := httptest.NewRecorder()
		tt.handler.ServeHTTP(w, req)
		if most := validator.DefaultMaxTokenSize + 16<<10; w.Code != http.StatusBadRequest || body.read > most {
			t.Errorf("%s: an endless body = %d after %d bytes, want 400 after %d at most", tt.name, w.Code, body.read, most)
		}
	}
}
