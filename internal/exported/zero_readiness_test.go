package exported_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rsguard/rsguard/readiness"
)

func zeroReadiness(t *testing.T) {
	for name, h := range map[string]*readiness.Handler{"Handler{}": new(readiness.Handler), "a nil Handler": nil} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s responds with %d, want 503", name, w.Code)
		}
	}
	if h, err := readiness.New(readiness.Config{}); err == nil || h != nil {
		t.Errorf("New(Config{}) = %v, %v, want an error", h, err)
	}
}
