package exported_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/revocation"
)

func zeroReceivers(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"LogoutReceiver":   new(revocation.LogoutReceiver),
		"EventReceiver":    new(revocation.EventReceiver),
		"KeycloakReceiver": new(revocation.KeycloakReceiver),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s{}: status = %d, want 503, so that the sender tries again", name, w.Code)
		}
	}
	if err := new(revocation.EventPoller).Poll(t.Context()); err == nil {
		t.Error("EventPoller{}.Poll() error = nil")
	}
	if status := new(revocation.EventPoller).Status(); status.Err == nil {
		t.Error("EventPoller{}.Status() has no error")
	}
	_, err := revocation.NewLogoutReceiver(revocation.LogoutConfig{})
	if err == nil {
		t.Error("NewLogoutReceiver(LogoutConfig{}) error = nil")
	}
	if _, err = revocation.NewEventReceiver(revocation.EventConfig{}); err == nil {
		t.Error("NewEventReceiver(EventConfig{}) error = nil")
	}
	if _, err = revocation.NewKeycloakReceiver(revocation.KeycloakConfig{}); err == nil {
		t.Error("NewKeycloakReceiver(KeycloakConfig{}) error = nil")
	}
	if _, err = revocation.NewEventPoller(revocation.PollConfig{}); err == nil {
		t.Error("NewEventPoller(PollConfig{}) error = nil")
	}
}
