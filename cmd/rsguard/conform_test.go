package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// An api is configured with what rsguard conform prints, as soon as it has
// printed it.
type api struct {
	t        *testing.T
	audience string
	caFile   string
	log      io.Writer

	mu   sync.Mutex
	said bytes.Buffer
	next http.Handler
}

var issuerLine = regexp.MustCompile(`OAUTH_ISSUER=(\S+)`)

func (a *api) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.said.Write(p)
	if found := issuerLine.FindSubmatch(a.said.Bytes()); a.next == nil && found != nil {
		a.next = a.guarded(string(found[1]))
	}
	return len(p), nil
}

func (a *api) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.said.String()
}

func (a *api) guarded(issuer string) http.Handler {
	client := http.DefaultClient
	if a.caFile != "" {
		text, err := os.ReadFile(a.caFile)
		if err != nil {
			a.t.Error(err)
			return nil
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig.RootCAs = pool
		client = &http.Client{Transport: transport}
	}
	cache, err := jwks.NewCache(jwks.Config{Issuer: issuer, Client: client})
	if err != nil {
		a.t.Error(err)
		return nil
	}
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{a.audience}, Keys: cache})
	if err != nil {
		a.t.Error(err)
		return nil
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		a.t.Error(err)
		return nil
	}
	return auth.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	next := a.next
	a.mu.Unlock()
	if a.log != nil {
		_, _ = io.WriteString(a.log, r.Header.Get("Authorization")+"\n")
	}
	if next == nil {
		http.Error(w, "not yet", http.StatusServiceUnavailable)
		return
	}
	next.ServeHTTP(w, r)
}

// conformTo runs rsguard conform against a.
func conformTo(t *testing.T, a *api, args ...string) (code int, errOut string) {
	t.Helper()
	a.t = t
	if a.audience == "" {
		a.audience = mockissuer.DefaultAudience
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	var stderr bytes.Buffer
	args = append([]string{"conform", "-issuer-addr", "127.0.0.1:0"}, append(args, server.URL+"/orders")...)
	code = run(t.Context(), args, strings.NewReader(""), a, &stderr)
	return code, stderr.String()
}

func TestConform(t *testing.T) {
	t.Parallel()

	file := filepath.Join(t.TempDir(), "report.json")
	a := new(api)
	code, errOut := conformTo(t, a, "-fail-on", "may", "-report", file)
	if code != 0 || errOut != "" {
		t.Fatalf("rsguard conform = %d, %q, want 0 for an API behind this library\n%s", code, errOut, a)
	}
	for _, want := range []string{"Spring, application.yml:", "jwt_authn", "AddJwtBearer", "validator.New(", "requests one after the other", "report in " + file} {
		if !strings.Contains(a.String(), want) {
			t.Errorf("rsguard conform says %q, want %q in it", a, want)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	report, err := conform.ReadReport(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if n := report.Count(conform.Must); n.Passed < 80 || n.Failed != 0 {
		t.Errorf("counts of must = %+v, want 80 or more passed and none failed", n)
	}
}

// An API that accepts tokens for another audience is told, once, and not again
// if a baseline has it.
func TestConform_failures(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.json"), filepath.Join(dir, "second.xml")
	logFile := filepath.Join(dir, "api.log")
	log, err := os.Create(logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	page := filepath.Join(dir, "second.html")
	only := []string{"-only", "good,audience,leak", "-log", logFile}

	code, errOut := conformTo(t, &api{log: log}, append(only, "-report", first)...)
	if code != exitFailures || errOut != "" {
		t.Fatalf("rsguard conform of an API that logs tokens = %d, %q, want %d", code, errOut, exitFailures)
	}
	a := &api{log: log}
	code, errOut = conformTo(t, a, append(only, "-baseline", first, "-report", second, "-report", page)...)
	if code != 0 || errOut != "" || !strings.Contains(a.String(), "SHOULD leak/log (known)") {
		t.Errorf("rsguard conform with the failure in its baseline = %d, %q, %s, want 0", code, errOut, a)
	}
	b := new(api) // which has been mended
	code, errOut = conformTo(t, b, append(only, "-baseline", first)...)
	if code != 0 || errOut != "" || !strings.Contains(b.String(), "mended since the baseline: leak/log") {
		t.Errorf("rsguard conform after the failure was mended = %d, %q, %s, want 0", code, errOut, b)
	}

	for _, name := range []string{first, second, page} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`[\w-]{20}\.[\w-]{20,}\.[\w-]{20,}`).Find(text); found != nil {
			t.Errorf("%s has a token: %s", name, found[:20])
		}
	}
}

func TestConform_tls(t *testing.T) {
	t.Parallel()

	ca := filepath.Join(t.TempDir(), "ca.pem")
	a := &api{caFile: ca}
	code, errOut := conformTo(t, a, "-issuer-tls", "-issuer-ca", ca, "-only", "good,time")
	if code != 0 || errOut != "" || !strings.Contains(a.String(), "OAUTH_ISSUER=https://127.0.0.1:") {
		t.Errorf("rsguard conform -issuer-tls = %d, %q, want 0\n%s", code, errOut, a)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	if block, rest := pem.Decode(text); block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Errorf("%s = %q, want one certificate and no key", ca, text)
	}
}

// With -hold, a failure can be repeated as long as the issuer runs.
func TestConform_hold(t *testing.T) {
	t.Parallel()

	lax := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(lax.Close)
	ctx, interrupt := context.WithCancel(t.Context())
	t.Cleanup(interrupt)
	out, in := io.Pipe()
	var said, errOut bytes.Buffer
	done := make(chan int)
	go func() {
		args := []string{"conform", "-issuer-addr", "127.0.0.1:0", "-only", "audience/another", "-hold", lax.URL + "/orders"}
		done <- run(ctx, args, nil, in, &errOut)
		_ = in.Close()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "The mock issuer runs") {
			issuer := issuerLine.FindSubmatch(said.Bytes())
			res, err := http.Get(string(issuer[1]) + ".well-known/jwks.json")
			if err != nil {
				t.Fatalf("the issuer does not run: %v", err)
			}
			_ = res.Body.Close()
			interrupt()
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with run
	if code := <-done; code != exitFailures || errOut.Len() > 0 {
		t.Errorf("rsguard conform -hold = %d, %q, want %d", code, errOut.String(), exitFailures)
	}
	repeat := regexp.MustCompile(`(?m)^# audience/another\nTOKEN='ey[\w.-]+'\ncurl -i -H "Authorization: Bearer \$TOKEN" 'http://127`)
	if !repeat.Match(said.Bytes()) {
		t.Errorf("rsguard conform -hold says %s, want a command line with a token", &said)
	}
}

// A run that is interrupted reports the cases so far.
func TestConform_interrupted(t *testing.T) {
	t.Parallel()

	ctx, interrupt := context.WithCancel(t.Context())
	t.Cleanup(interrupt)
	requests := 0
	lax := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if requests++; requests == 10 {
			interrupt()
		}
	}))
	t.Cleanup(lax.Close)
	file := filepath.Join(t.TempDir(), "report.json")
	var out, errOut bytes.Buffer
	code := run(ctx, []string{"conform", "-issuer-addr", "127.0.0.1:0", "-report", file, lax.URL}, nil, &out, &errOut)
	if code != exitNotTried || !strings.Contains(out.String(), "The run was stopped.") {
		t.Errorf("rsguard conform, interrupted = %d, %s, want %d", code, &out, exitNotTried)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"good/plain"`) {
		t.Errorf("the report = %s, %v, want the cases so far", text, err)
	}
}

// What can't be tried has an exit code of its own.
func TestConform_notTried(t *testing.T) {
	t.Parallel()

	a := &api{audience: "https://other.example.com"}
	if code, errOut := conformTo(t, a, "-wait", "100ms"); code != exitNotTried || !strings.Contains(errOut, "did not accept a good token: 401") {
		t.Errorf("rsguard conform of an API for another audience = %d, %q, want %d", code, errOut, exitNotTried)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, stderr bytes.Buffer
	code := run(ctx, []string{"conform", "-issuer-addr", "127.0.0.1:0", "http://127.0.0.1:1/"}, nil, &out, &stderr)
	if code != exitNotTried {
		t.Errorf("rsguard conform, interrupted = %d, want %d", code, exitNotTried)
	}
}

func TestConform_commandLine(t *testing.T) {
	t.Parallel()

	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const url = "http://127.0.0.1:1/"
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "URL of the API is missing"},
		{[]string{"-issuer-addr", ":0", url}, 2, "not a loopback address"},
		{[]string{"-issuer-addr", "x", url}, 2, "not an address"},
		{[]string{"-algorithm", "HS256", url}, 2, "-algorithm"},
		{[]string{"-fail-on", "x", url}, 2, "-fail-on"},
		{[]string{"-report", "x.pdf", url}, 2, ".html"},
		{[]string{"-header", "x", url}, 2, "-header"},
		{[]string{"-header", "Authorization: x", "-issuer-addr", "127.0.0.1:0", url}, 2, "fields of the cases"},
		{[]string{"-profile", "x", "-issuer-addr", "127.0.0.1:0", url}, 2, "no profile"},
		{[]string{"-only", "x", "-issuer-addr", "127.0.0.1:0", url}, 2, "no case"},
		{[]string{"-mtls", "-issuer-addr", "127.0.0.1:0", url}, 2, "https"},
		{[]string{"-issuer-addr", "127.0.0.1:0", "ftp://x"}, 2, "URL of the API"},
		{[]string{"-baseline", bad, url}, 3, "no results"},
		{[]string{"-baseline", bad + "x", url}, 3, "no such file"},
		{[]string{"-log", bad + "x", "-issuer-addr", "127.0.0.1:0", url}, 3, "-log: "},
		{[]string{"-report", bad + "x/report.html", "-issuer-addr", "127.0.0.1:0", url}, 3, "-report: "},
		{[]string{"-api-ca", bad, url}, 3, "no certificate in PEM"},
		{[]string{"-issuer-addr", taken.Addr().String(), url}, 3, "address already in use"},
		{[]string{"-list", "-only", "time"}, 0, ""},
	} {
		code, out, errOut := command(t, "", append([]string{"conform"}, tt.args...)...)
		if code != tt.code || !strings.Contains(errOut, tt.says) {
			t.Errorf("rsguard conform %q = %d, %q, want %d and %q", tt.args, code, errOut, tt.code, tt.says)
		}
		if code == 0 && !strings.Contains(out, "time/expired") {
			t.Errorf("rsguard conform %q prints %q, want the cases", tt.args, out)
		}
	}
	_, out, _ := command(t, "", "conform", "-list", "-dpop", "-scope", "a", "-slow")
	if n := strings.Count(out, "\n"); n < 200 {
		t.Errorf("rsguard conform -list prints %d cases, want 200 or more", n)
	}
}
