package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func TestConfig_Logger(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("a", 255) + "é" + strings.Repeat("b", 2000)
	for _, tt := range []struct {
		name   string
		err    error
		cancel bool
		want   map[string]any
	}{
		{
			"a client's fault", &validator.Error{Code: validator.CodeSignature, Issuer: "https://issuer.example/", KeyID: "k1", Err: errors.New("x")}, false,
			map[string]any{"level": "INFO", "status": 401.0, "code": "invalid_signature", "issuer": "https://issuer.example/", "kid": "k1", "error": "invalid_signature: x"},
		},
		{
			"a plain error", errors.New("x"), false,
			map[string]any{"level": "INFO", "status": 403.0, "code": "refused", "error": "refused: x"},
		},
		{
			"an outage", &validator.Error{Code: validator.CodeUnavailable, Err: errors.New("x")}, false,
			map[string]any{"level": "WARN", "status": 503.0, "code": "unavailable", "error": "unavailable: x"},
		},
		{
			"an outage behind a deadline", &validator.Error{Code: validator.CodeUnavailable, Err: context.DeadlineExceeded}, false,
			map[string]any{"level": "WARN", "status": 503.0, "code": "unavailable", "error": "unavailable: context deadline exceeded"},
		},
		{
			"keys that are not where the configuration says", &validator.Error{Code: validator.CodeUnavailable, Err: fmt.Errorf("x: %w", errors.Join(jwks.ErrUnavailable, jwks.ErrConfig))}, false,
			map[string]any{"level": "ERROR", "status": 503.0, "code": "unavailable", "error": "unavailable: x: " + jwks.ErrUnavailable.Error() + "\n" + jwks.ErrConfig.Error()},
		},
		{
			"a client that went away", &validator.Error{Code: validator.CodeUnavailable, Err: fmt.Errorf("x: %w", context.Canceled)}, true,
			map[string]any{"level": "DEBUG", "status": 503.0, "code": "unavailable", "error": "unavailable: x: context canceled"},
		},
		{
			"a client that stays, and something else is cancelled", &validator.Error{Code: validator.CodeUnavailable, Err: context.Canceled}, false,
			map[string]any{"level": "WARN", "status": 503.0, "code": "unavailable", "error": "unavailable: context canceled"},
		},
		{
			"a client that went away with a bad token", &validator.Error{Code: validator.CodeExpired}, true,
			map[string]any{"level": "INFO", "status": 401.0, "code": "token_expired", "error": "token_expired"},
		},
		{
			"much text", &validator.Error{Code: validator.Code(long), Issuer: long, KeyID: "a\xff\nlevel=ERROR", Err: errors.New(long)}, false,
			map[string]any{
				"level": "INFO", "status": 403.0, "code": long[:255] + "…", "issuer": long[:255] + "…",
				"kid": "a\ufffd\nlevel=ERROR", "error": (long + ": " + long)[:1024] + "…",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var text, lines strings.Builder
			for _, h := range []slog.Handler{
				slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}),
				slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}),
			} {
				auth := newAuth(t, middleware.Config{
					Logger:    slog.New(h),
					Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, tt.err }),
				})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if tt.cancel {
					cancel()
				}
				r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
				r.Header.Set("Authorization", "Bearer the.whole.token")
				if _, err := do(auth, r); err == nil {
					t.Fatal("Do() error = nil")
				}
			}

			var got map[string]any
			if err := json.Unmarshal([]byte(lines.String()), &got); err != nil {
				t.Fatalf("log = %s, want one record: %v", &lines, err)
			}
			delete(got, "time")
			tt.want["msg"], tt.want["method"] = "token refused", http.MethodGet
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
			for _, log := range []string{text.String(), lines.String()} {
				if strings.Contains(log, "the.whole.token") {
					t.Errorf("log = %s, want no token in it", log)
				}
				if strings.Count(log, "\n") != 1 || !utf8.ValidString(log) {
					t.Errorf("log = %q, want one line of UTF-8", log)
				}
			}
		})
	}
}

// A check knows nothing of the log, and may return one error for all requests.
func TestConfig_Logger_checks(t *testing.T) {
	t.Parallel()

	shared := &validator.Error{Code: validator.CodeScope, Scopes: []string{"a"}}
	own := &validator.Error{Code: validator.CodeScope, Issuer: "https://own.example/"}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"an Error", shared, "code=insufficient_scope issuer=https://issuer.example/ method=GET error=insufficient_scope"},
		{"an Error with an issuer", own, "code=insufficient_scope issuer=https://own.example/ method=GET error=insufficient_scope"},
		{"another error", errors.New("x"), `code=refused issuer=https://issuer.example/ method=GET error="refused: x"`},
		{"an Error in another", fmt.Errorf("x: %w", shared), `code=insufficient_scope issuer=https://issuer.example/ method=GET error="x: insufficient_scope"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log strings.Builder
			auth := newAuth(t, middleware.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			w := serve(auth.Require(refuse(tt.err))(new(spy)), "Bearer anna")
			if !strings.Contains(log.String(), tt.want) || w.Code != 403 {
				t.Errorf("status %d, log = %s\nwant 403, %s in it", w.Code, &log, tt.want)
			}
			if shared.Issuer != "" {
				t.Errorf("the check's error was changed: its Issuer is %q", shared.Issuer)
			}
		})
	}
}

// An error of the caller's own function may quote what the function was given.
func TestConfig_Logger_quotes(t *testing.T) {
	t.Parallel()

	const (
		opaque = "0123456789abcdef" // as short as a secret can be
		signed = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl"
		proof  = "eyJ0eXAiOiJkcG9wK2p3dCJ9.eyJqdGkiOiIxIn0.cHJvb2Y"
	)
	for _, tt := range []struct{ name, credentials, quoted, want string }{
		{"an opaque token", "Bearer " + opaque, "token " + opaque + " is old", "token [credentials] is old"},
		{"an opaque token, quoted", "Bearer " + opaque, fmt.Sprintf("%q", opaque), `"[credentials]"`},
		{"the whole field", "Bearer " + opaque, "bad: Bearer " + opaque, "bad: [credentials]"},
		{"a signed token", "Bearer " + signed, "token " + signed + " is old", "token [credentials] is old"},
		{"what is signed of it", "Bearer " + signed, "of " + signed[:strings.LastIndexByte(signed, '.')], "of [credentials]"},
		{"the beginning of it", "Bearer " + signed, "of " + signed[:30], "of [credentials]"},
		{"a proof", "DPoP " + signed, "proof " + proof + " is old", "proof [credentials] is old"},
		{"another scheme's", "Basic " + opaque, "basic " + opaque, "basic [credentials]"},
		{"behind much text", "Bearer " + opaque, strings.Repeat("x", 1000) + opaque, strings.Repeat("x", 1000) + "[credentials]"},
		{"where the text is cut", "Bearer " + opaque, strings.Repeat("x", 2000) + opaque, strings.Repeat("x", 2000)},
		{"a word", "Bearer refused", "it is refused: why", "it is refused: why"},
		{"names with dots", "Bearer " + opaque, "see key.example.com and eyJ", "see key.example.com and eyJ"},
	} {
		failed := errors.New(tt.quoted)
		accept := func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Subject: "anna"}, nil
		}
		for name, cfg := range map[string]middleware.Config{
			"Validator": {Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) { return nil, failed })},
			"check":     {Validator: validateFunc(accept)},
			"Compare":   {Validator: validateFunc(accept), Compare: func(*http.Request) error { return failed }},
		} {
			var log strings.Builder
			cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
			auth := newAuth(t, cfg)
			var checks []validator.Check
			if name == "check" {
				checks = append(checks, refuse(failed))
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", tt.credentials)
			r.Header.Set("DPoP", proof)
			if _, refusal := auth.Guard(checks...).Do(make(http.Header), r); refusal != nil && !strings.HasPrefix(tt.credentials, "Bearer ") {
				continue // before the function was called
			}
			var record struct{ Error string }
			if err := json.Unmarshal([]byte(log.String()), &record); err != nil {
				t.Fatalf("%s by a %s: log = %s: %v", tt.name, name, &log, err)
			}
			got := strings.TrimPrefix(record.Error, "refused: ")
			if start, isCut := strings.CutSuffix(got, "…"); got != tt.want && !(isCut && strings.HasPrefix(tt.want, start)) {
				t.Errorf("%s by a %s: error = %q, want %q", tt.name, name, got, tt.want)
			}
		}
	}
}

func TestConfig_Logger_levels(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name          string
		level         slog.Level
		authorization []string
		lines         int
	}{
		{"no credentials", slog.LevelInfo, nil, 0},
		{"no credentials, at debug", slog.LevelDebug, nil, 1},
		{"a good token, at debug", slog.LevelDebug, []string{"Bearer anna"}, 0},
		{"a bad token", slog.LevelInfo, []string{"Bearer bad"}, 1},
		{"bad credentials", slog.LevelInfo, []string{"Bearer"}, 1},
		{"a bad token, at warn", slog.LevelWarn, []string{"Bearer bad"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var log strings.Builder
			auth := newAuth(t, middleware.Config{
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: tt.level})),
			})
			serve(auth.Handler(auth.Handler(new(spy))), tt.authorization...)
			if got := strings.Count(log.String(), "\n"); got != tt.lines {
				t.Errorf("log = %q, want %d lines", &log, tt.lines)
			}
		})
	}
}

// The default is looked up when it is needed, since main may set it after its
// routes.
func TestConfig_Logger_default(t *testing.T) {
	auth, err := middleware.New(middleware.Config{Validator: new(subjects)})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	old := slog.Default()
	t.Cleanup(func() { slog.SetDefault(old) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))

	serve(auth.Handler(new(spy)), "Bearer bad")
	if !strings.Contains(log.String(), "code=invalid_signature") {
		t.Errorf("the default logger got %q, want the refusal", &log)
	}
}

// A client that has a token and sends it in a way of its own is answered as one
// that has none. The log says what to change.
func TestConfig_Logger_misplacedTokens(t *testing.T) {
	t.Parallel()

	const (
		jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl"
		bearer = "the client has to send it under the scheme Bearer"
	)
	for _, tt := range []struct {
		field, level, text string
	}{
		{jwt, "INFO", `the Authorization field is a JWT without a scheme: the client has to send \"Bearer\", a space and the token`},
		{"JWT " + jwt, "INFO", "the Authorization field has a JWT under the scheme JWT: " + bearer},
		{"jwt  " + jwt, "INFO", "the Authorization field has a JWT under the scheme JWT: " + bearer},
		{"Token " + jwt, "INFO", "the Authorization field has a JWT under the scheme Token: " + bearer},
		{"DPoP " + jwt, "INFO", "the Authorization field has a token under the scheme DPoP: set Config.DPoP to accept tokens with proofs, or let the client send it under the scheme Bearer"},

		{"", "DEBUG", "there is no Authorization field"},
		{"Basic dTpw", "DEBUG", "the Authorization field has another scheme than is accepted"},
		{"Basic " + jwt, "DEBUG", "the Authorization field has another scheme than is accepted"},
		{"JWT opaque", "DEBUG", "the Authorization field has another scheme than is accepted"},
		{"Token a.b.c", "DEBUG", "the Authorization field has another scheme than is accepted"},
		{"a.b.c", "DEBUG", "the Authorization field has another scheme than is accepted"},
		{jwt + ".x", "DEBUG", "the Authorization field has another scheme than is accepted"},
	} {
		var log strings.Builder
		auth := newAuth(t, middleware.Config{
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		w := serve(auth.Handler(new(spy)), tt.field)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != "Bearer" {
			t.Errorf("Authorization: %s = %d, challenge %q, want 401, Bearer", tt.field, w.Code, got)
		}
		if want := `error="token_missing: ` + tt.text + `"`; !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "level="+tt.level) {
			t.Errorf("Authorization: %s: log = %s\nwant level %s, %s", tt.field, &log, tt.level, want)
		}
		if strings.Contains(log.String(), jwt[:20]) {
			t.Errorf("Authorization: %s: log = %s, want no token in it", tt.field, &log)
		}
	}
}
