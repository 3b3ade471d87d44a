package vectors_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/rsguard/rsguard/adapters/echoauth"
	"github.com/rsguard/rsguard/adapters/ginauth"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// isolationRequests go through the three frameworks together.
const isolationRequests = 100_000

// The claims of one request never reach another: not through what the
// frameworks pool, nor through what the Validator remembers, nor through a
// request that failed in between.
func TestIsolation(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	const users = 1200
	tokens := userTokens(users)
	auth := isolationAuth(t)

	handlers := isolationHandlers(auth)
	var next, accepted, refused atomic.Int64
	var workers sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= isolationRequests {
					return
				}
				user := i * 7919 % users // neighbours in time are not neighbours in the list
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				want := http.StatusOK
				switch i % 10 {
				case 3: // no client
					want = http.StatusUnauthorized
				case 6: // with another user's signature
					other := tokens[(user+1)%users]
					r.Header.Set("Authorization", "Bearer "+tokens[user][:len(tokens[user])-86]+other[len(other)-86:])
					want = http.StatusUnauthorized
				default:
					r.Header.Set("Authorization", "Bearer "+tokens[user])
				}
				r.Header.Set("X-User", userName(user))

				w := httptest.NewRecorder()
				handlers[i%len(handlers)].ServeHTTP(w, r)
				if w.Code != want {
					t.Errorf("request %d of %s: status = %d, want %d", i, userName(user), w.Code, want)
					return
				}
				if want == http.StatusOK {
					accepted.Add(1)
					if w.Body.String() != userName(user) {
						t.Errorf("request %d of %s was served as %q", i, userName(user), w.Body)
						return
					}
				} else {
					refused.Add(1)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d requests of %d users: %d served, %d refused", isolationRequests, users, accepted.Load(), refused.Load())
}

func userName(i int) string { return fmt.Sprintf("auth0|user-%06d", i) }

var isolationKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))

func userTokens(n int) []string {
	tokens := make([]string, n)
	encode := base64.RawURLEncoding.EncodeToString
	header := encode([]byte(`{"alg":"EdDSA","kid":"ed"}`))
	for i := range tokens {
		payload := fmt.Sprintf(`{"iss":"https://tenant.example.com/","aud":"https://api.example.com","exp":1767229200,"sub":%q,"scope":"user:%d"}`, userName(i), i)
		input := header + "." + encode([]byte(payload))
		tokens[i] = input + "." + encode(ed25519.Sign(isolationKey, []byte(input)))
	}
	return tokens
}

func isolationAuth(t *testing.T) *middleware.Authenticator {
	v, err := validator.New(validator.Config{
		Issuers:    []string{"https://tenant.example.com/"},
		Audiences:  []string{"https://api.example.com"},
		Keys:       jwks.Set{{ID: "ed", Public: isolationKey.Public()}},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		CacheSize:  1000, // fewer than there are users: some are remembered, some are not
		Now:        func() time.Time { return time.Unix(1767225600, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// isolationHandlers answer with the user's name, if all that can be asked for
// the claims agrees on it.
func isolationHandlers(auth *middleware.Authenticator) []http.Handler {
	who := func(r *http.Request, own *validator.Claims) string {
		first, ok := middleware.ClaimsFromContext(r.Context())
		if !ok {
			return "nobody"
		}
		subject := first.Subject
		runtime.Gosched() // let others in between
		second, err := middleware.ClaimsAs[struct {
			Subject string `json:"sub"`
			Scope   string `json:"scope"`
		}](r.Context())
		if err != nil {
			return err.Error()
		}
		if own.Subject != subject || second.Subject != subject || r.Header.Get("X-User") != subject || !first.HasScope(second.Scope) {
			return "a mixture"
		}
		return subject
	}

	e := echo.New()
	e.GET("/", func(c echo.Context) error {
		claims, _ := echoauth.Claims(c)
		return c.String(http.StatusOK, who(c.Request(), claims))
	}, echoauth.New(auth))
	g := gin.New()
	g.GET("/", ginauth.New(auth), func(c *gin.Context) {
		claims, _ := ginauth.Claims(c)
		c.String(http.StatusOK, who(c.Request, claims))
	})
	plain := auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		_, _ = w.Write([]byte(who(r, claims)))
	}))
	return []http.Handler{plain, e, g}
}
