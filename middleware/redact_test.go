package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A record costs the same, however many fields a client sends. Each of a
// thousand is quoted by the error, which is the worst that one can do.
func TestConfig_Logger_manyFields(t *testing.T) {
	const most = 1000
	quoted := make([]string, most)
	for i := range quoted {
		quoted[i] = fmt.Sprintf("secret-%08d-secret", i)
	}
	failed := errors.New(strings.Join(quoted, " "))
	cost := func(fields int, cfg middleware.Config) float64 {
		logged := 0
		cfg.Logger = slog.New(recordHandler(func(record slog.Record) { logged++ }))
		guard := newAuth(t, cfg).Guard()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, value := range quoted[:fields] {
			r.Header.Add("Authorization", "Bearer "+value)
			r.Header.Add("DPoP", value)
		}
		const runs = 5
		allocs := testing.AllocsPerRun(runs, func() { guard.Do(make(http.Header), r) })
		if logged != runs+1 {
			t.Errorf("%d fields: %d records of %d requests, want one each", fields, logged, runs+1)
		}
		return allocs
	}
	token := func(*http.Request) (string, error) { return "an-opaque-token-of-the-cookie", nil }
	for name, cfg := range map[string]middleware.Config{
		"the Validator fails": {Token: token, Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, failed })},
		"Token fails":         {Token: func(*http.Request) (string, error) { return "", failed }},
		"Compare fails":       {Token: token, Compare: func(*http.Request) error { return failed }},
	} {
		few, many := cost(1, cfg), cost(most, cfg)
		if many > few {
			t.Errorf("%s: %v allocations with %d fields, %v with one, want no more", name, many, most, few)
		}
	}
}

type recordHandler func(slog.Record)

func (recordHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h recordHandler) Handle(_ context.Context, r slog.Record) error {
	h(r)
	return nil
}
func (h recordHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h recordHandler) WithGroup(string) slog.Handler      { return h }

// What a record has no part of is what matches a regular expression, which is
// easier to read and costs a thousand times as much.
func FuzzWithoutSigned(f *testing.F) {
	signed := regexp.MustCompile(`eyJ[A-Za-z0-9_-]{12,}(\.[A-Za-z0-9_-]*){1,4}`)
	f.Add("a token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl is old")
	f.Add("eyJaaaaaaaaaaaa.eyJaaaaaaaaaaa.eyJaaaaaaaaaaaa.......eyJ")
	f.Add("eyJaaaaaaaaaaa.eyJaaaaaaaaaaaa eyJeyJaaaaaaaaaaaa.")
	f.Add("eyJeyJeyJeyJeyJeyJ+eyJaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, text string) {
		got, want := middleware.WithoutSigned(text), signed.ReplaceAllString(text, "[credentials]")
		if got != want {
			t.Errorf("withoutSigned(%q) = %q, want %q", text, got, want)
		}
	})
}
