package frameworks_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/docs/frameworks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// The blocks of the page are the code that is tested, word for word.
func TestREADME(t *testing.T) {
	t.Parallel()

	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			sources = append(sources, string(source))
		}
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 6 {
		t.Errorf("README.md has %d blocks, want 6", len(blocks))
	}
	for _, block := range blocks {
		found := false
		for _, source := range sources {
			found = found || strings.HasSuffix(source, "\n"+string(block[1]))
		}
		if !found {
			t.Errorf("no file ends with this block of README.md:\n%s", block[1])
		}
	}
}

func health(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func orders(w http.ResponseWriter, r *http.Request) {
	if _, ok := middleware.ClaimsFromContext(r.Context()); !ok {
		w.WriteHeader(http.StatusTeapot)
	}
}

// A server is the one of oapi-codegen.
type server struct{}

func (server) GetHealth(w http.ResponseWriter, r *http.Request)  { health(w, r) }
func (server) ListOrders(w http.ResponseWriter, r *http.Request) { orders(w, r) }

// A handler is the one of ogen.
type handler struct{ t *testing.T }

func (handler) GetHealth(context.Context) error { return nil }

func (h handler) ListOrders(ctx context.Context) error {
	if _, ok := middleware.ClaimsFromContext(ctx); !ok {
		h.t.Error("ListOrders was called without claims")
	}
	return nil
}

func TestRouters(t *testing.T) {
	t.Parallel()

	iss := testutil.NewIssuer(t)
	v, err := validator.New(iss.Config("https://api.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ogen, err := frameworks.Ogen(auth, handler{t})
	if err != nil {
		t.Fatal(err)
	}
	good := iss.Token(testutil.Claims{"scope": "orders:read"})
	for name, router := range map[string]http.Handler{
		"chi":          frameworks.Chi(auth, health, orders),
		"gorilla/mux":  frameworks.Gorilla(auth, health, orders),
		"httprouter":   frameworks.HTTPRouter(auth, health, orders),
		"ServeMux":     frameworks.ServeMux(auth, health, orders),
		"oapi-codegen": frameworks.OapiCodegen(auth, server{}),
		"ogen":         ogen,
	} {
		for _, tt := range []struct {
			path, token string
			want        int
			challenge   string
		}{
			{"/health", "", 200, ""},
			{"/health", "opaque", 200, ""},
			{"/orders", "", 401, `Bearer scope="orders:read"`},
			{"/orders", "opaque", 401, `Bearer error="invalid_token", scope="orders:read"`},
			{"/orders", iss.Token(testutil.Claims{"scope": "other"}), 403, `Bearer error="insufficient_scope", scope="orders:read"`},
			{"/orders", good, 200, ""},
		} {
			r := httptest.NewRequest("GET", tt.path, nil)
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			w := httptest.NewRecorder()
			router.ServeHTTP(w, r)
			if got := w.Header().Get("WWW-Authenticate"); w.Code != tt.want || got != tt.challenge {
				t.Errorf("%s: GET %s with the token %.6q = %d %q, want %d %q", name, tt.path, tt.token, w.Code, got, tt.want, tt.challenge)
			}
		}
	}
}
