package clientauth_test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
)

// A token endpoint that an attacker answers for, over real connections, with
// the client that Config has by default.
func TestSource_hostileEndpoint(t *testing.T) {
	t.Parallel()
	var stolen atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
	t.Cleanup(elsewhere.Close)
	redirect := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+"/token", status) }
	}
	for _, tt := range []struct {
		name   string
		serve  http.HandlerFunc
		issuer bool // the metadata is what is hostile
		dpop   bool
		want   clientauth.Code
		most   int64 // requests
	}{
		{"a redirect by 302", redirect(302), false, false, clientauth.CodeRejected, 1},
		{"a redirect by 307, with the body", redirect(307), false, false, clientauth.CodeRejected, 1},
		{"a redirect by 308, with the body", redirect(308), false, false, clientauth.CodeRejected, 1},
		{"metadata that redirect", redirect(302), true, false, clientauth.CodeRejected, 2},
		{"metadata of another issuer", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer":"https://other.example.com","token_endpoint":%q}`, elsewhere.URL)
		}, true, false, clientauth.CodeAnswer, 2},
		{"an endpoint in clear text", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"issuer":"http://%s","token_endpoint":"http://sso.example.com/token"}`, r.Host)
		}, true, false, clientauth.CodeAnswer, 2},
		{"an endpoint by another scheme", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"issuer":"http://%s","token_endpoint":"file:///etc/passwd"}`, r.Host)
		}, true, false, clientauth.CodeAnswer, 2},
		{"a bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			page := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := z.Write(page); err != nil {
					return // the client has had enough
				}
			}
			_ = z.Close()
		}, false, false, clientauth.CodeAnswer, 1},
		{"a header without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 12<<20))
		}, false, false, clientauth.CodeUnavailable, 1},
		{"an answer that drips", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				if _, err := w.Write([]byte(" ")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				select {
				case <-tick.C:
				case <-r.Context().Done():
					return
				}
			}
		}, false, false, clientauth.CodeUnavailable, 1},
		{"a nonce after the other", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("DPoP-Nonce", r.Header.Get("DPoP")[:40])
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"use_dpop_nonce"}`)
		}, false, true, clientauth.CodeRejected, 2},
		{"a nonce that is too long", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("DPoP-Nonce", strings.Repeat("n", 20<<10))
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"use_dpop_nonce"}`)
		}, false, true, clientauth.CodeRejected, 2},
		{"a Bearer token for a key", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, good(60))
		}, false, true, clientauth.CodeAnswer, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				tt.serve(w, r)
			}))
			defer server.Close()
			cfg := (&liar{}).config()
			cfg.Client, cfg.Timeout = nil, time.Minute // on a machine with much to do
			if tt.name == "an answer that drips" {
				cfg.Timeout = time.Second
			}
			cfg.TokenURL = server.URL + "/token"
			if tt.issuer {
				cfg.Issuer, cfg.TokenURL = server.URL, ""
			}
			if tt.dpop {
				cfg.Key = newKey(t, nil)
			}
			start := time.Now()
			_, err := newSource(t, cfg, clientauth.Request{}).Token()
			if got := codeOf(t, err); got != tt.want || len(err.Error()) > 2<<10 {
				t.Errorf("Token() = %.3000v, want code %q and a short text", err, tt.want)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("Token() took %v, want a second at most", took)
			}
			if requests.Load() > tt.most || stolen.Load() > 0 {
				t.Errorf("%d requests, and %d elsewhere, want at most %d and none", requests.Load(), stolen.Load(), tt.most)
			}
		})
	}
}
