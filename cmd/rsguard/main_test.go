package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// command runs rsguard to its end, and returns its exit code and what it wrote.
func command(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(in), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// output is written by one goroutine and read by another.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	ready chan struct{} // closed when the curl line is there
	once  sync.Once
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if bytes.Contains(p, []byte("A token:")) {
		o.once.Do(func() { close(o.ready) })
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startIssuer runs rsguard issuer until stop is called or the test ends. Its
// page is at url.
func startIssuer(t *testing.T, args ...string) (url string, out, errOut *output, stop func()) {
	t.Helper()
	out, errOut = &output{ready: make(chan struct{})}, &output{ready: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"issuer", "-addr", "127.0.0.1:0"}, args...), strings.NewReader(""), out, errOut)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("rsguard issuer %q ended with %d: %s", args, code, errOut)
		}
	})
	select {
	case <-out.ready:
	case code := <-ended:
		t.Fatalf("rsguard issuer %q ended at once with %d: %s", args, code, errOut)
	}
	t.Cleanup(stop)
	return strings.Fields(out.String())[1], out, errOut, stop
}

func ask(t *testing.T, method, url string, header http.Header, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "usage:"},
		{[]string{"nothing"}, 2, `no command "nothing"`},
		{[]string{strings.Repeat("x", 400)}, 2, "no command of that name (400 bytes)"},
		{[]string{"issuer", "-x"}, 2, "not defined"},
		{[]string{"issuer", "extra"}, 2, "extra"},
		{[]string{"issuer", "-addr", "127.0.0.1"}, 2, "not an address with a port"},
		{[]string{"issuer", "-addr", "0.0.0.0:0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", ":0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", "[::]:0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", "192.0.2.1:0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", "localhost.example.com:0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", "127.0.0.1.example.com:0"}, 2, "not a loopback address"},
		{[]string{"issuer", "-addr", "0.0.0.0:0", "-insecure-listen-anywhere"}, 2, "-url"},
		{[]string{"issuer", "-addr", "127.0.0.1:0", "-url", "x"}, 1, "not the URL of an issuer"},
		{[]string{"issuer", "-addr", "127.0.0.1:0", "-url", "http://evil.example.com/"}, 2, "neither https nor http on a loopback host"},
		{[]string{"issuer", "-addr", "127.0.0.1:0", "-url", "http://192.0.2.1:9650/"}, 2, "neither https nor http on a loopback host"},
		{[]string{"issuer", "-addr", "127.0.0.1:0", "-url", "http://localhost.example.com/"}, 2, "neither https nor http on a loopback host"},
		{[]string{"issuer", "-profile", "nokia"}, 2, `-profile "nokia" is none of auth0, rfc9068, okta,`},
		{[]string{"issuer", "-config", "nowhere.yaml"}, 1, "nowhere.yaml"},
		{[]string{"explain", "token"}, 2, "-issuer is missing"},
		{[]string{"explain", "-issuer", "https://x.example.com/", "token"}, 2, "-audience is missing"},
		{[]string{"explain", "-issuer", "https://x.example.com/", "-audience", "a", "-algorithm", "none", "token"}, 2, "none"},
		{[]string{"explain", "-issuer", "https://x.example.com/", "-audience", "a"}, 1, "no token"},
		{[]string{"explain", "-issuer", "https://x.example.com/", "-audience", "a", "one", "two"}, 2, "2 arguments beside the flags"},
	} {
		code, _, errOut := command(t, "", tt.args...)
		if code != tt.code || !strings.Contains(errOut, tt.says) {
			t.Errorf("rsguard %q = %d, %q, want %d and %q", tt.args, code, errOut, tt.code, tt.says)
		}
	}
}

// TestHelp asks for help in each way: it is an answer and no mistake.
func TestHelp(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"help"}, "usage:"},
		{[]string{"-h"}, "usage:"},
		{[]string{"--help"}, "usage:"},
		{[]string{"issuer", "-h"}, "-insecure-listen-anywhere"},
		{[]string{"issuer", "-h"}, "keycloak"},
		{[]string{"explain", "--help"}, "standard input"},
		{[]string{"version"}, "rsguard "},
	} {
		code, out, errOut := command(t, "", tt.args...)
		if code != 0 || !strings.Contains(out, tt.says) || errOut != "" {
			t.Errorf("rsguard %q = %d, %q, %q, want 0 and %q", tt.args, code, out, errOut, tt.says)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()

	iss, other := testutil.NewIssuer(t), testutil.NewIssuer(t)
	good := iss.Token(nil)
	signature := good[strings.LastIndexByte(good, '.')+1:]
	for _, tt := range []struct {
		name, token string
		code        int
		says        string
	}{
		{"good", good, 0, "accepted"},
		{"good, as a header", "Authorization: Bearer " + good + "\r\n", 0, "accepted"},
		{"expired", iss.Token(testutil.Claims{"exp": 1}), 1, "token_expired"},
		{"opaque", "L0ngOpaqueToken", 1, "this is an opaque token, not a JWT: have the client ask for a token for this API"},
		{"of another issuer that is accepted", other.Token(nil), 0, "accepted"},
		{"of another issuer, in the first's name", other.Token(testutil.Claims{"iss": iss.URL}), 1, "unknown_key"},
		{"for another audience", iss.Token(testutil.Claims{"aud": "x"}), 1, "wrong_audience"},
	} {
		flags := []string{"explain", "-issuer", iss.URL, "-issuer", other.URL, "-audience", mockissuer.DefaultAudience}
		for where, args := range map[string][]string{"as an argument": append(flags, tt.token), "on standard input": flags} {
			code, out, errOut := command(t, tt.token, args...)
			if code != tt.code || !strings.Contains(out, tt.says) || errOut != "" {
				t.Errorf("rsguard explain, %s %s = %d, %q, %q, want %d and %q", tt.name, where, code, out, errOut, tt.code, tt.says)
			}
			if strings.Contains(out, signature) || strings.Contains(out, tt.token) {
				t.Errorf("rsguard explain, %s %s, shows the token or its signature: %q", tt.name, where, out)
			}
		}
	}
}
