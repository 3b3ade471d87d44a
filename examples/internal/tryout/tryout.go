// Package tryout tests the examples, each of which is the same small API on
// another framework.
package tryout

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil"
)

// API runs an example with two mock issuers and tests what its documentation
// promises.
func API(t *testing.T, run func(ctx context.Context, args []string, out io.Writer) error) {
	t.Helper()

	const audience = "https://orders.example.com"
	one, two, stranger := testutil.NewIssuer(t), testutil.NewIssuer(t), testutil.NewIssuer(t)
	url := Start(t, run, "-issuer", one.URL+" "+two.URL, "-audience", audience, "-addr", "127.0.0.1:0")
	reading := testutil.Claims{"aud": audience, "sub": "alice", "scope": "orders:read"}
	writing := testutil.Claims{"aud": audience, "scope": "orders:read orders:write"}

	for _, tt := range []struct {
		name, method, path, token string
		status                    int
		challenge, body           string
	}{
		{"health", "GET", "/health", "", 200, "", ""},
		{"list without a token", "GET", "/orders", "", 401, `Bearer`, ""},
		{"list", "GET", "/orders", one.Token(reading), 200, "", `"alice"`},
		{"list with the other issuer's", "GET", "/orders", two.Token(reading), 200, "", `"alice"`},
		{"list with a stranger's", "GET", "/orders", stranger.Token(reading), 401, `Bearer error="invalid_token"`, ""},
		{"list with another API's", "GET", "/orders", one.Token(testutil.Claims{"aud": "https://x.example.com"}), 401, `Bearer error="invalid_token"`, ""},
		{"create", "POST", "/orders", one.Token(writing), 201, "", ""},
		{"create without the scope", "POST", "/orders", one.Token(reading), 403, `Bearer error="insufficient_scope", scope="orders:write"`, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.token != "" {
			req.Header.Set("Authorization", "Bearer "+tt.token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		challenge := res.Header.Get("WWW-Authenticate")
		if res.StatusCode != tt.status || challenge != tt.challenge || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: %s %s = %d, challenge %q, body %q, want %d, %q, %q",
				tt.name, tt.method, tt.path, res.StatusCode, challenge, body, tt.status, tt.challenge, tt.body)
		}
	}

	if err := run(t.Context(), []string{"-issuer", "http://tenant.example.com/"}, io.Discard); err == nil {
		t.Error("run with an issuer off loopback without TLS: error = nil, want one")
	}
	if err := run(t.Context(), []string{"-issuer", ""}, io.Discard); err == nil {
		t.Error("run without an issuer: error = nil, want one")
	}
}

// Start runs an example until the test ends, and returns the URL that its first
// line of output names.
func Start(t *testing.T, run func(ctx context.Context, args []string, out io.Writer) error, args ...string) (url string) {
	t.Helper()

	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, args, write)
		_ = write.CloseWithError(io.ErrUnexpectedEOF)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		_ = read.Close()
		if err := <-ended; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("run(%q) = %v, want no error", args, err)
		}
	})

	line, err := bufio.NewReader(read).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), " on ")
	if err != nil || !ok {
		t.Fatalf("run(%q) said %q, %v, want where it listens", args, line, err)
	}
	return url
}
