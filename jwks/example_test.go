package jwks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/rsguard/rsguard/jwks"
)

// keySet is what an issuer might publish.
const keySet = `{"keys":[
	{"kid":"2026-01","kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
	{"kid":"backup","kty":"RSA","use":"enc","e":"AQAB","n":"AQAB"}
]}`

func ExampleNewCache() {
	issuer := newExampleIssuer()
	defer issuer.Close()

	keys, err := jwks.NewCache(jwks.Config{Issuer: issuer.URL})
	if err != nil {
		panic(err) // the configuration is wrong: nothing was fetched yet
	}
	ctx := context.Background()
	if err := keys.Refresh(ctx); err != nil {
		fmt.Println("will try again:", err) // the issuer may come back any moment
	}

	for _, kid := range []string{"2026-01", "made up"} {
		found, err := keys.Keys(ctx, kid)
		fmt.Printf("%s: %d, %v\n", kid, len(found), err)
	}
	// Output:
	// 2026-01: 1, <nil>
	// made up: 0, <nil>
}

// A host that may start while the issuer is out of reach keeps a copy of the
// key set.
func ExampleNewCache_seed() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "jwks.json")
	if err := os.WriteFile(file, []byte(keySet), 0o600); err != nil {
		panic(err)
	}

	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	seed, err := jwks.Parse(data)
	if err != nil {
		panic(err)
	}
	keys, err := jwks.NewCache(jwks.Config{
		URL:    "http://127.0.0.1:9/jwks.json", // no server listens
		Seed:   seed,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	found, err := keys.Keys(context.Background(), "2026-01")
	fmt.Println(len(found), err, keys.Status().State)
	// Output: 1 <nil> EXPIRED
}

// A readiness probe makes the Cache fetch the keys, at most as often as the
// issuer can bear.
func ExampleReady() {
	issuer := newExampleIssuer()
	defer issuer.Close()
	keys, err := jwks.NewCache(jwks.Config{Issuer: issuer.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.Handle("GET /readyz", jwks.Ready(keys))

	fmt.Println(keys.Status().State)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Println(answer.Code, keys.Status().State)
	// Output:
	// EMPTY
	// 200 FRESH
}

// A page for operators. It fetches nothing, so it is not a probe: see [Ready].
func ExampleCache_Status() {
	issuer := newExampleIssuer()
	defer issuer.Close()
	keys, err := jwks.NewCache(jwks.Config{Issuer: issuer.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}

	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := keys.Status()
		json.NewEncoder(w).Encode(map[string]any{
			"state":    status.State,
			"failures": status.Failures,
			"kids":     status.KeyIDs,
		})
	})

	if err := keys.Refresh(context.Background()); err != nil {
		panic(err)
	}
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/keys", nil))
	fmt.Println(answer.Code, answer.Body)
	// Output: 200 {"failures":0,"kids":["2026-01"],"state":"FRESH"}
}

func ExampleParse() {
	keys, err := jwks.Parse([]byte(keySet))
	if err != nil {
		panic(err)
	}
	for _, key := range keys {
		fmt.Printf("%s %s %T\n", key.ID, key.Algorithm, key.Public) // the other is for encryption
	}
	// Output: 2026-01 EdDSA ed25519.PublicKey
}

func newExampleIssuer() *httptest.Server {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/jwks.json")
	})
	mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, keySet)
	})
	return server
}
