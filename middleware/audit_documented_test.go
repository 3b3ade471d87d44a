package middleware_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// The record in docs/operations.md is what a JSONHandler writes, in the same
// order. The name of the key and the duration are any.
func TestAudit_documented(t *testing.T) {
	t.Parallel()

	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, documented, _ := strings.Cut(string(page), "\n## Records\n")
	_, documented, _ = strings.Cut(documented, "```json\n")
	documented, _, ok := strings.Cut(documented, "```")
	if !ok {
		t.Fatal("docs/operations.md has no record under Records")
	}

	cfg := mockissuer.Demo()
	cfg.URL = "https://tenant.example.com/"
	iss := testutil.NewIssuer(t, cfg)
	v, err := validator.New(iss.Config(audience))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	auth := newAuth(t, middleware.Config{
		Validator: v,
		Observe:   middleware.Audit(middleware.AuditConfig{Logger: logger, TokenKey: []byte("the key of the example")}),
	})
	mux := http.NewServeMux()
	mux.Handle("POST /payments", auth.Handler(new(spy)))
	r := httptest.NewRequest(http.MethodPost, "/payments", nil)
	r.Header.Set("Authorization", "Bearer "+iss.Token(testutil.Claims{"sub": "auth0|1", "client_id": "shop", "jti": "t1"}))
	mux.ServeHTTP(httptest.NewRecorder(), r)

	same := func(record string) string {
		for _, any := range []struct{ pattern, value string }{
			{`"time":"[^"]+"`, `"time":"2026-01-02T15:04:05.999999999Z"`}, {`"kid":"[^"]+"`, `"kid":"k1"`}, {`"duration":\d+`, `"duration":2100`},
		} {
			record = regexp.MustCompile(any.pattern).ReplaceAllString(record, any.value)
		}
		return record
	}
	if diff := cmp.Diff(same(log.String()), same(documented)); diff != "" {
		t.Errorf("the record in docs/operations.md (-written +documented):\n%s", diff)
	}
}
