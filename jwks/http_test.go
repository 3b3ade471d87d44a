package jwks_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// These tests are on real connections, with the clock that is on the wall. A
// busy machine may stop them for seconds at any point. So Timeout is short where
// the server is to exhaust it, and otherwise so long that it never decides.

func realCache(t *testing.T, url string, change func(*jwks.Config)) *jwks.Cache {
	t.Helper()
	cfg := jwks.Config{URL: url, Timeout: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	c, err := jwks.NewCache(cfg)
	if err != nil {
		t.Fatalf("NewCache(%+v) error = %v", cfg, err)
	}
	return c
}

func patient(*jwks.Config) {}

func short(cfg *jwks.Config) { cfg.Timeout = 300 * time.Millisecond }

// Everything that a server can do beside answering is over in time, and says
// why.
func TestCache_hostileServer(t *testing.T) {
	t.Parallel()
	evil := set(jwk("1"))
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		io.WriteString(w, evil)
	}))
	t.Cleanup(other.Close)

	var sent atomic.Int64
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		change  func(*jwks.Config)
		reason  string
	}{
		{"redirect to another host", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}, patient, fmt.Sprintf("302 Found to host %q, and redirects are not followed", strings.TrimPrefix(other.URL, "http://"))},
		{"permanent redirect, with a client that follows", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusPermanentRedirect)
		}, func(cfg *jwks.Config) {
			cfg.Client = &http.Client{
				Transport:     http.DefaultTransport,
				CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
			}
		}, fmt.Sprintf("308 Permanent Redirect to host %q, and redirects are not followed", strings.TrimPrefix(other.URL, "http://"))},
		{"redirect to itself", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set" {
				elsewhere.Add(1)
				io.WriteString(w, evil)
			}
			http.Redirect(w, r, "/set", http.StatusSeeOther)
		}, patient, "303 See Other"},
		{"1 GiB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(1<<30))
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for range 1 << 14 {
				n, err := w.Write(chunk)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}, patient, "over 1 MiB"},
		{"1 MiB and a byte", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, evil+strings.Repeat(" ", 1<<20-len(evil)+1))
		}, patient, "over 1 MiB"},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
			if err != nil {
				return
			}
			defer z.Close()
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for range 1 << 6 {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
		}, patient, "over 1 MiB"},
		{"broken gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, evil)
		}, patient, "gzip"},
		{"a byte at a time", func(w http.ResponseWriter, r *http.Request) {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					io.WriteString(w, " ")
					http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					return
				}
			}
		}, short, "no complete answer in time"},
		{"a header at a time", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(conn, "X: 1\r\n"); err != nil {
					return
				}
			}
		}, short, "no complete answer in time"},
		{"endless header", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(conn, "X: "+strings.Repeat("1", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, patient, "headers exceeded 65536 bytes"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, short, "no complete answer in time"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, patient, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			c := realCache(t, server.URL, tt.change)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := c.Keys(ctx, "1")
			t.Logf("refused: %v", err)
			if !errors.Is(err, jwks.ErrUnavailable) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("Keys(1) error = %v, want ErrUnavailable with %q", err, tt.reason)
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere.Load() > 0 {
			t.Errorf("%d redirects were followed, want none", elsewhere.Load())
		}
		t.Logf("%d bytes of 1 GiB were sent", sent.Load())
		if sent.Load() > 32<<20 { // socket buffers take some
			t.Errorf("%d bytes of 1 GiB were sent, want the connection closed after 1 MiB", sent.Load())
		}
	})
}

// A big set with a big body is fine, compressed too.
func TestCache_largestBody(t *testing.T) {
	t.Parallel()
	body := set(jwk("1"))
	body += strings.Repeat(" ", 1<<20-len(body))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, body)
	}))
	t.Cleanup(server.Close)
	mustFind(t, realCache(t, server.URL, patient), "1")
}

// The whole way over TLS, with a client of the user's, which is left as it was.
func TestCache_TLS(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // one client is going to refuse the certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/keys")
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept"); !strings.HasPrefix(got, "application/jwk-set+json") {
			t.Errorf("Accept is %q, want a key set's type", got)
		}
		if got := r.Header.Get("Authorization") + r.Header.Get("Cookie"); got != "" {
			t.Errorf("the request has credentials: %q", got)
		}
		io.WriteString(w, set(jwk("1")))
	})
	client := server.Client()
	mustFind(t, realCache(t, "", func(cfg *jwks.Config) { cfg.Issuer, cfg.Client = server.URL, client }), "1")
	if client.CheckRedirect != nil {
		t.Error("NewCache changed the user's client")
	}

	// Without the server's certificate there are no keys.
	got := lookup(t.Context(), realCache(t, "", func(cfg *jwks.Config) { cfg.Issuer = server.URL }), "1")
	if !errors.Is(got.err, jwks.ErrUnavailable) || !strings.Contains(got.err.Error(), "certificate") {
		t.Errorf("Keys(1) with an unknown certificate: %v, want ErrUnavailable", got.err)
	}
}

// The Cache's own client leaves no connection open, for there would be
// goroutines behind it.
func TestCache_closesConnections(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, set(jwk("1")))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	mustFind(t, realCache(t, server.URL, patient), "1")
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("the connection is still open, want it closed with the answer")
	}
}
