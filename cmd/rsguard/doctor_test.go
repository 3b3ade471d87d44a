package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// finds runs doctor, and checks its exit code and that a line of what it prints
// has all of the words. If it must find something, what follows is what to do.
func finds(t *testing.T, name string, code int, words []string, remedy string, args ...string) {
	t.Helper()
	got, out, errOut := command(t, "", append([]string{"doctor"}, args...)...)
	if got != code || errOut != "" {
		t.Errorf("rsguard doctor, %s = %d, %q, want %d; it prints\n%s", name, got, errOut, code, out)
		return
	}
	lines := strings.Split(out, "\n")
	for i, line := range lines {
		has := true
		for _, word := range words {
			has = has && strings.Contains(line, word)
		}
		if has && (remedy == "" || i+1 < len(lines) && strings.Contains(lines[i+1], "what to do: ") && strings.Contains(lines[i+1], remedy)) {
			return
		}
	}
	t.Errorf("rsguard doctor, %s: no line has %q with what to do %q; it prints\n%s", name, words, remedy, out)
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctor_good(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	args := []string{"-issuer", iss.URL, "-audience", mockissuer.DefaultAudience}
	finds(t, "metadata", 0, []string{"good", "metadata", "/.well-known/openid-configuration: 200"}, "", args...)
	finds(t, "key set", 0, []string{"good", "key set", "/.well-known/jwks.json: 200"}, "", args...)
	finds(t, "keys", 0, []string{"good", "keys", "1 key for RS256"}, "", args...)
	finds(t, "clock", 0, []string{"good", "clock"}, "", args...)
	finds(t, "plain http", 0, []string{"consider", "TLS", "there is none"}, "use https", args...)
	finds(t, "audience", 0, []string{"good", "audience", mockissuer.DefaultAudience}, "", args...)
	finds(t, "sum", 0, []string{"nothing must be changed, 1 to consider"}, "", args...)
	finds(t, "metadata elsewhere", 0, []string{"good", "metadata"}, "",
		append(args, "-metadata", iss.URL+".well-known/oauth-authorization-server")...)
	finds(t, "a key set", 0, []string{"good", "key set"}, "", append(args, "-jwks", iss.URL+".well-known/jwks.json")...)
	finds(t, "fallback", 0, []string{"good", "keys", "they are the issuer's"}, "", append(args, "-fallback", iss.URL+".well-known/jwks.json")...)
	finds(t, "introspection", 0, []string{"good", "answer", "is not active"}, "", append(args,
		"-introspection", iss.URL+"oauth2/introspect", "-client-id", "demo-client", "-client-secret-file", secretFile(t, "demo-secret"))...)
	finds(t, "introspection, discovered, by form", 0, []string{"good", "answer", "is not active"}, "", append(args,
		"-client-id", "demo-client", "-client-secret-file", secretFile(t, "demo-secret"), "-client-secret-post")...)
}

// Every fault that the mock issuer can switch on is found, at each endpoint that
// a service asks, and the line after it says what to do.
func TestDoctor_faults(t *testing.T) {
	t.Parallel()
	introspectionOnly := map[mockissuer.FaultKind]bool{
		mockissuer.FaultActiveString: true, mockissuer.FaultDuplicateMember: true, mockissuer.FaultOtherToken: true,
	}
	// What to do, by the kind of the fault, unless the endpoint has its own.
	remedies := map[mockissuer.FaultKind]string{
		mockissuer.FaultStatus:      "is down",
		mockissuer.FaultDelay:       "see what keeps",
		mockissuer.FaultHang:        "see what keeps",
		mockissuer.FaultDrop:        "is up and can be reached",
		mockissuer.FaultEmptySet:    "by hand",
		mockissuer.FaultPage:        "a page of HTML",
		mockissuer.FaultHugeBody:    "to the right document",
		mockissuer.FaultCutShort:    "the document is incomplete",
		mockissuer.FaultRedirect:    `to "https://redirected.invalid/"`,
		mockissuer.FaultWrongIssuer: `set -issuer to "https://somebody-else.example.com/"`,

		mockissuer.FaultActiveString:    "by hand",
		mockissuer.FaultDuplicateMember: "by hand",
		mockissuer.FaultOtherToken:      "don't use this endpoint",
	}
	subjects := map[mockissuer.Endpoint]string{
		mockissuer.EndpointDiscovery: "metadata", mockissuer.EndpointMetadata: "metadata",
		mockissuer.EndpointKeySet: "key set", mockissuer.EndpointIntrospection: "answer",
	}
	tried := 0
	for _, kind := range mockissuer.FaultKinds() {
		for endpoint, subject := range subjects {
			atIntrospection := endpoint == mockissuer.EndpointIntrospection
			switch {
			case introspectionOnly[kind] && !atIntrospection:
				continue // the issuer has no such fault
			case kind == mockissuer.FaultWrongIssuer && endpoint == mockissuer.EndpointKeySet:
				continue // a key set names no issuer, and has the metadata's answer
			case kind == mockissuer.FaultEmptySet && atIntrospection:
				continue // an answer without "active", like FaultCutShort
			}
			remedy := remedies[kind]
			if remedy == "" {
				t.Errorf("the fault %q is not in the table: say what a person must do about it", kind)
				continue
			}
			if kind == mockissuer.FaultWrongIssuer && atIntrospection {
				remedy = "set -introspection to the endpoint of"
			}
			tried++
			name := fmt.Sprintf("%s at %s", kind, endpoint)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				iss := testutil.NewIssuer(t)
				if endpoint == mockissuer.EndpointMetadata { // which is asked if the first address has nothing
					iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 404, Endpoint: mockissuer.EndpointDiscovery})
				}
				args := []string{"-issuer", iss.URL, "-audience", mockissuer.DefaultAudience, "-timeout", "1s"}
				if atIntrospection {
					args = append(args, "-introspection", iss.URL+"oauth2/introspect", "-client-id", "demo-client", "-client-secret-file", secretFile(t, "demo-secret"))
				}
				iss.Fail(mockissuer.Fault{Kind: kind, Endpoint: endpoint, Delay: time.Hour})
				code, level := 1, "change"
				if endpoint == mockissuer.EndpointDiscovery && secondHelps(kind) {
					code, level = 0, "consider"
				}
				finds(t, name, code, []string{level, subject}, remedy, args...)
			})
		}
	}
	if tried < 35 {
		t.Errorf("%d faults were tried, want 35 at least", tried)
	}
}

// secondHelps reports whether the second address of the metadata is asked after
// a fault at the first.
func secondHelps(kind mockissuer.FaultKind) bool {
	switch kind {
	case mockissuer.FaultEmptySet, mockissuer.FaultPage, mockissuer.FaultCutShort, mockissuer.FaultRedirect, mockissuer.FaultWrongIssuer:
		return true
	}
	return false
}

func TestDoctor_statuses(t *testing.T) {
	t.Parallel()
	for status, remedy := range map[int]string{
		401: "without credentials", 403: "without credentials", 404: "there is nothing at this one", 429: "limits them",
		500: "is down", 503: "is down",
	} {
		iss := testutil.NewIssuer(t)
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: status})
		finds(t, fmt.Sprint(status), 1, []string{"change", "key set", fmt.Sprint(": ", status)}, remedy,
			"-issuer", iss.URL, "-audience", mockissuer.DefaultAudience)
	}
}

func TestDoctor_down(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	iss.SetDown(true)
	finds(t, "an issuer that is down", 1, []string{"change", "metadata"}, "is up and can be reached", "-issuer", iss.URL, "-audience", "a")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	finds(t, "a port without a server", 1, []string{"change", "metadata", "refused"}, "the port", "-issuer", "http://"+l.Addr().String()+"/", "-audience", "a")
	finds(t, "a host without an address", 1, []string{"change", "metadata"}, "", "-issuer", "https://no-such-host.invalid/", "-audience", "a")
}

// The edge is the accepted difference, and a second for what a Date leaves out.
func TestDoctor_clock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ahead time.Duration
		flags []string
		code  int
		level string
	}{
		{0, nil, 0, "good"},
		{8 * time.Second, nil, 0, "good"},
		{20 * time.Second, nil, 0, "consider"},
		{-20 * time.Second, nil, 0, "consider"},
		{40 * time.Second, nil, 1, "change"},
		{-40 * time.Second, nil, 1, "change"},
		{40 * time.Second, []string{"-leeway", "2m"}, 0, "good"},
		{8 * time.Second, []string{"-leeway", "-1s"}, 1, "change"},
		{48 * time.Hour, nil, 1, "change"},
	} {
		iss := testutil.NewIssuer(t)
		iss.Advance(tt.ahead)
		remedy := ""
		if tt.level != "good" {
			remedy = "NTP"
		}
		finds(t, fmt.Sprintf("%v ahead with %q", tt.ahead, tt.flags), tt.code, []string{tt.level, "clock"}, remedy,
			append(tt.flags, "-issuer", iss.URL, "-audience", "a")...)
	}
}

func TestDoctor_algorithms(t *testing.T) {
	t.Parallel()
	cfg := mockissuer.Demo()
	cfg.Algorithms = []string{"ES256", "RS256"}
	iss := testutil.NewIssuer(t, cfg)
	base := []string{"-issuer", iss.URL, "-audience", "a"}
	finds(t, "one of two", 0, []string{"consider", "keys for ES256 too"}, "add it with -algorithm", base...)
	finds(t, "both", 0, []string{"good", "1 key for ES256"}, "", append(base, "-algorithm", "RS256", "-algorithm", "ES256")...)
	finds(t, "one that has no key", 1, []string{"change", "no key for EdDSA", "RS256", "ES256"}, "have it sign by EdDSA", append(base, "-algorithm", "EdDSA")...)
	finds(t, "one of the same type of key", 1, []string{"change", "no key for ES384"}, "", append(base, "-algorithm", "ES384")...)
	finds(t, "none", 1, []string{"change", "settings", "none"}, "", append(base, "-algorithm", "none")...)
}

func TestDoctor_names(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	finds(t, "an issuer without its slash", 1, []string{"change", "metadata", "the slash at the end"},
		"set -issuer to \""+iss.URL+"\"", "-issuer", strings.TrimSuffix(iss.URL, "/"), "-audience", "a")
	other := testutil.NewIssuer(t)
	finds(t, "two issuers", 0, []string{"consider", "keys", "are not domains of one tenant"}, "NewMux", "-issuer", iss.URL, "-issuer", other.URL, "-audience", "a")
	finds(t, "two issuers with one key set", 0, []string{"consider", "keys", "each can sign tokens of the others"}, "leave out -jwks",
		"-issuer", iss.URL, "-issuer", other.URL, "-audience", "a", "-jwks", iss.URL+".well-known/jwks.json")

	// A tenant with a custom domain, which the client's Host header chooses.
	cfg := mockissuer.Demo()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	cfg.URL = "http://127.0.0.1:" + port + "/"
	cfg.Domains = []string{"http://localhost:" + port + "/"}
	tenant := testutil.NewIssuer(t, cfg)
	server := &http.Server{Handler: tenant.Issuer, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	finds(t, "a tenant and its domain", 0, []string{"good", "keys", "the same keys"}, "", "-issuer", cfg.URL, "-issuer", cfg.Domains[0], "-audience", "a")

	d := &examiner{settings: settings{Issuers: []string{"https://t.eu.auth0.com"}}}
	d.names(d.Issuers[0])
	if text := d.report.text(); !strings.Contains(text, `set -issuer to "https://t.eu.auth0.com/"`) || !strings.Contains(text, "custom domain") {
		t.Errorf("names(https://t.eu.auth0.com) = %q, want its slash and its custom domain", text)
	}
}

func TestDoctor_audiences(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	for _, tt := range []struct {
		audience string
		code     int
		words    []string
		remedy   string
	}{
		{"https://api.example.com", 0, []string{"good", "audience"}, ""},
		{"https://api.example.com/", 0, []string{"good", "audience"}, ""},
		{"https://t.eu.auth0.com/userinfo", 1, []string{"change", "an API of the issuer itself"}, "register this API"},
		{"https://t.eu.auth0.com/api/v2/", 1, []string{"change", "an API of the issuer itself"}, "register this API"},
		{"https://graph.microsoft.com", 1, []string{"change", "Microsoft Graph"}, "api://ID/.default"},
		{"account", 1, []string{"change", "Keycloak's own"}, "mapper"},
		{"accounts", 0, []string{"good", "audience"}, ""},
		{"api://default", 0, []string{"consider", "Okta"}, "of its own"},
		{"AbCdEfGhIjKlMnOpQrStUvWxYz012345", 0, []string{"consider", "a client ID"}, "the API's own identifier"},
		{"AbCdEfGhIjKlMnOpQrStUvWxYz01234", 0, []string{"good", "audience"}, ""},
		{iss.URL, 1, []string{"change", "it is the issuer"}, "the API's identifier"},
		{strings.TrimSuffix(iss.URL, "/"), 1, []string{"change", "it is the issuer"}, "the API's identifier"},
	} {
		finds(t, tt.audience, tt.code, tt.words, tt.remedy, "-issuer", iss.URL, "-audience", tt.audience)
	}
	finds(t, "two that differ by a slash", 0, []string{"consider", "the slash at the end"}, "leave out", "-issuer", iss.URL, "-audience", "https://a", "-audience", "https://a/")
}

func TestDoctor_fallback(t *testing.T) {
	t.Parallel()
	iss, other := testutil.NewIssuer(t), testutil.NewIssuer(t)
	args := []string{"-issuer", iss.URL, "-audience", "a", "-fallback"}
	finds(t, "a copy with other keys", 1, []string{"change", "it lacks 1 key"}, "update the copy", append(args, other.URL+".well-known/jwks.json")...)
	finds(t, "a copy with other keys", 1, []string{"change", "that the issuer has not"}, "withdrawn", append(args, other.URL+".well-known/jwks.json")...)
	finds(t, "no copy", 1, []string{"change", "key set", "404"}, "there is nothing at this one", append(args, other.URL+"nowhere")...)
}

func TestDoctor_introspection(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	args := []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "demo-client", "-client-secret-file"}
	finds(t, "a wrong secret", 1, []string{"change", "credentials", "401"}, "correct -client-id and the secret", append(args, secretFile(t, "wrong"))...)
	finds(t, "no endpoint", 1, []string{"change", "answer", "404"}, "set -introspection", append(args, secretFile(t, "demo-secret"), "-introspection", iss.URL+"nowhere")...)
	if code, out, errOut := command(t, "", append([]string{"doctor"}, append(args, secretFile(t, ""))...)...); code != 1 || !strings.Contains(errOut, "is empty") {
		t.Errorf("rsguard doctor, an empty secret = %d, %q, %q, want 1 and that it is empty", code, out, errOut)
	}
	_, out, _ := command(t, "", append([]string{"doctor"}, append(args, secretFile(t, "demo-secret"))...)...)
	if strings.Contains(out, "demo-secret") {
		t.Errorf("rsguard doctor shows the secret: %s", out)
	}
}

func TestDoctor_tls(t *testing.T) {
	t.Parallel()
	cfg := mockissuer.Demo()
	handler := http.NewServeMux()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	cfg.URL = server.URL + "/"
	iss := testutil.NewIssuer(t, cfg)
	handler.Handle("/", iss.Issuer)

	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-issuer", cfg.URL, "-audience", "a"}
	finds(t, "an authority that is trusted", 0, []string{"good", "TLS 1.3", "ends on"}, "", append(args, "-ca", ca)...)
	finds(t, "nothing to do", 0, []string{"nothing must be changed"}, "", append(args, "-ca", ca)...)
	finds(t, "an authority that is not", 1, []string{"change", "metadata"}, "trust the authority", args...)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	finds(t, "another name", 1, []string{"change", "metadata"}, "use a host name of the certificate", "-issuer", "https://localhost:"+port+"/", "-audience", "a", "-ca", ca)
	plain := testutil.NewIssuer(t)
	finds(t, "no TLS", 1, []string{"change", "metadata"}, "", "-issuer", strings.Replace(plain.URL, "http:", "https:", 1), "-audience", "a")

	// By the time the certificate has nearly ended, and has.
	d := &examiner{now: func() time.Time { return server.Certificate().NotAfter.Add(-endsSoon + time.Hour) }}
	d.tls([]exchange{{url: cfg.URL, res: &http.Response{TLS: &tls.ConnectionState{Version: tls.VersionTLS12, PeerCertificates: []*x509.Certificate{server.Certificate()}}}}})
	if text := d.report.text(); !strings.Contains(text, "consider") || !strings.Contains(text, "renew it") {
		t.Errorf("tls() of a certificate that ends in 13 days = %q, want what to do", text)
	}
}

func TestDoctor_config(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "doctor.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write(fmt.Sprintf("issuers: [%q]\naudiences: [https://api.example.com]\nalgorithms: [RS256]\nleeway: 1m\nintrospection:\n  client_id: demo-client\n  client_secret_file: %q\n",
		iss.URL, secretFile(t, "demo-secret")))
	finds(t, "a file", 0, []string{"clocks may differ by 1m"}, "", "-config", file)
	finds(t, "a file's introspection", 0, []string{"good", "answer"}, "", "-config", file)
	finds(t, "a flag over the file's", 0, []string{"clocks may differ by 2m"}, "", "-config", file, "-leeway", "2m")
	finds(t, "a flag beside the file's", 0, []string{"good", `"b"`}, "", "-config", file, "-audience", "b")

	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"nothing", nil, "-issuer is missing"},
		{"no audience", []string{"-issuer", iss.URL}, "-audience is missing"},
		{"an argument", []string{"x"}, "unexpected argument"},
		{"a shared secret", []string{"-issuer", iss.URL, "-audience", "a", "-algorithm", "HS256"}, "shared secret"},
		{"half of the credentials", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x"}, "both"},
		{"no client", []string{"-issuer", iss.URL, "-audience", "a", "-client-secret-file", "x"}, "both"},
		{"a secret and a key", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-secret-file", "x", "-client-key-file", "y"}, "exclude"},
		{"a secret and a certificate", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-secret-file", "x", "-client-certificate-file", "y"}, "exclude"},
		{"a certificate without its key", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-certificate-file", "y"}, "needs its key"},
		{"a kid of nothing", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-secret-file", "x", "-client-key-id", "k"}, "-client-key-id"},
		{"a kid of a certificate", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-certificate-file", "x", "-client-key-file", "y", "-client-key-id", "k"}, "-client-key-id"},
		{"a form without a secret", []string{"-issuer", iss.URL, "-audience", "a", "-client-id", "x", "-client-key-file", "y", "-client-secret-post"}, "-client-secret-post"},
		{"two addresses", []string{"-issuer", iss.URL, "-audience", "a", "-jwks", iss.URL, "-metadata", iss.URL}, "exclude"},
		{"a negative timeout", []string{"-issuer", iss.URL, "-audience", "a", "-timeout", "-1s"}, "negative"},
		{"a member that is none", []string{"-config", write("issuer: x\n")}, "issuer"},
		{"a duration without a unit", []string{"-config", write("leeway: 30\n")}, "duration"},
		{"two documents", []string{"-config", write("issuers: []\n---\nissuers: []\n")}, "second YAML document"},
	} {
		code, out, errOut := command(t, "", append([]string{"doctor"}, tt.args...)...)
		if code != 2 || !strings.Contains(errOut, tt.says) || out != "" {
			t.Errorf("rsguard doctor, %s = %d, %q, %q, want 2 and %q", tt.name, code, out, errOut, tt.says)
		}
	}
	if code, _, errOut := command(t, "", "doctor", "-config", "nowhere.yaml"); code != 1 || !strings.Contains(errOut, "nowhere.yaml") {
		t.Errorf("rsguard doctor -config nowhere.yaml = %d, %q, want 1 and its name", code, errOut)
	}
}

// A configuration that validator.New rejects is found without the issuer.
func TestDoctor_settings(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"http on another host": {"-issuer", "http://issuer.invalid/", "-audience", "a"},
		"too much leeway":      {"-issuer", "https://issuer.invalid/", "-audience", "a", "-leeway", "1h"},
		"no URL":               {"-issuer", "issuer", "-audience", "a"},
	} {
		finds(t, name, 1, []string{"change", "settings"}, "the service would not start", args...)
	}
}

// What an issuer sends can't steer the terminal.
func TestReport_printable(t *testing.T) {
	t.Parallel()
	var r report
	r.begin("x\x1b[2J")
	r.add(change, "keys", "a\nb\x1b]0;c\a", "d\re\u202e")
	if text := r.text(); strings.ContainsAny(text, "\x1b\a\r\u202e") || strings.Count(text, "\n") != 4 {
		t.Errorf("text() = %q, want nothing that a terminal acts on", text)
	}
}

// What a URL of the settings has in it for its server alone is not shown.
func TestDoctor_secrets(t *testing.T) {
	t.Parallel()
	iss := testutil.NewIssuer(t)
	host := strings.TrimSuffix(strings.TrimPrefix(iss.URL, "http://"), "/")
	for _, flag := range []string{"-issuer", "-jwks", "-metadata", "-fallback", "-introspection"} {
		for _, url := range []string{
			"http://user:hunter2@" + host + "/keys", "http://user:hunter2@" + host, "http://hunter2@" + host + "?a=b",
			"http://" + host + "/nowhere?code=hunter2", "http://" + host + "?code=hunter2#x", "https://" + host + "/?a=1&code=hunter2",
		} {
			args := []string{"doctor", "-issuer", iss.URL, "-audience", "a", flag, url}
			if flag == "-issuer" {
				args = []string{"doctor", "-issuer", url, "-audience", "a"}
			}
			if flag == "-introspection" {
				args = append(args, "-client-id", "demo-client", "-client-secret-file", secretFile(t, "demo-secret"))
			}
			code, out, errOut := command(t, "", args...)
			if code != 1 || errOut != "" || strings.Contains(out, "hunter2") {
				t.Errorf("rsguard %q = %d, %q, want 1 and no hunter2 in\n%s", args[1:], code, errOut, out)
			}
		}
	}
}

// The file in the documentation has every member, and no others.
func TestDoctor_documented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	var s settings
	if err := parseYAML([]byte(block), &s); !ok || err != nil {
		t.Fatalf("parseYAML(docs/doctor.md) = %v, want a file that is understood", err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[settings](), reflect.TypeFor[introspectionSettings]()} {
		for field := range typ.Fields() {
			if name := field.Tag.Get("yaml"); !strings.Contains(block, name+":") {
				t.Errorf("docs/doctor.md has no member %s", name)
			}
		}
	}
}
