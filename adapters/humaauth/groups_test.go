package humaauth_test

import (
	stdcontext "context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/rsguard/rsguard/adapters/humaauth"
	"github.com/rsguard/rsguard/validator"
)

// Groups change what their operations require, also those that were made before
// Secure was called.
func TestSecure_groups(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	early := huma.NewGroup(w.api, "/early")
	w.secure(t)
	n := 0
	get := func(api huma.API, path string, security security, hidden bool) {
		n++
		huma.Register(api, huma.Operation{OperationID: fmt.Sprint(n), Method: "GET", Path: path, Security: security, Hidden: hidden}, show)
	}
	get(early, "/a", security{{"oauth": {"a"}}}, false)
	get(early, "/none", nil, false)

	strict := huma.NewGroup(w.api, "/strict")
	strict.UseSimpleModifier(func(op *huma.Operation) { op.Security = security{{"oauth": {"admin"}}} })
	get(strict, "/none", nil, false)
	get(strict, "/public", security{{}}, false)
	get(strict, "/hidden", nil, true)

	inner := huma.NewGroup(huma.NewGroup(w.api, "/v1", "/v2"), "/inner")
	inner.UseMiddleware(humaauth.New(w.api, w.cfg.Schemes["oauth"].Auth, validator.Scopes("b")))
	get(inner, "/a", security{{"oauth": {"a"}}}, false)

	for _, tt := range []struct{ path, scope, want string }{
		{"/early/a", "a", "200 oauth-user"}, {"/early/a", "b", "403 Forbidden"}, {"/early/a", "-", "401 Unauthorized"},
		{"/early/none", "a", "403 Forbidden"},
		{"/strict/none", "a", "403 Forbidden"}, {"/strict/none", "admin", "200 oauth-user"}, {"/strict/none", "-", "401 Unauthorized"},
		{"/strict/public", "-", "401 Unauthorized"}, {"/strict/public", "admin", "200 oauth-user"},
		{"/strict/hidden", "a", "403 Forbidden"}, {"/strict/hidden", "admin", "200 oauth-user"},
		{"/v1/inner/a", "a", "403 Forbidden"}, {"/v2/inner/a", "a b", "200 oauth-user"}, {"/v2/inner/a", "b", "403 Forbidden"}, {"/v1/inner/a", "-", "401 Unauthorized"},
	} {
		if got, _ := w.send(t, tt.path, tt.scope, "-"); got != tt.want {
			t.Errorf("%s with %q = %q, want %q", tt.path, tt.scope, got, tt.want)
		}
	}
}

// Events are an operation like others.
func TestSecure_events(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.secure(t)
	type message struct {
		Subject string `json:"subject"`
	}
	sse.Register(w.api, huma.Operation{OperationID: "events", Method: "GET", Path: "/events", Security: security{{"oauth": {"read"}}}}, map[string]any{"message": message{}},
		func(ctx stdcontext.Context, _ *struct{}, send sse.Sender) {
			claims, _ := humaauth.Claims(ctx)
			_ = send.Data(message{claims.Subject})
		})
	for scope, want := range map[string]string{
		"": "401 [Bearer realm=\"oauth\", scope=\"read\"]", "write": "403 [Bearer realm=\"oauth\", error=\"insufficient_scope\", scope=\"read\"]", "read": "200 []",
	} {
		r := httptest.NewRequest("GET", "/events", nil)
		if scope != "" {
			r.Header.Set("Authorization", "Bearer "+w.tokens["oauth"](scope))
		}
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		if got := fmt.Sprint(rec.Code, " ", rec.Header()["Www-Authenticate"]); got != want || strings.Contains(rec.Body.String(), "oauth-user") != (scope == "read") {
			t.Errorf("GET /events with %q = %s %s, want %s", scope, got, rec.Body, want)
		}
	}
}

// Huma's own routes are none of its operations, and what was registered before
// and is hidden can't be seen.
func TestSecure_notGuarded(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.api.OpenAPI().Security = security{{"oauth": {}}}
	huma.Register(w.api, huma.Operation{Method: "GET", Path: "/hidden", Hidden: true}, show)
	w.secure(t)
	for _, path := range []string{"/openapi.json", "/openapi.yaml", "/docs", "/hidden"} {
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != http.StatusOK {
			t.Errorf("GET %s without a token = %d, want 200", path, rec.Code)
		}
	}
}
