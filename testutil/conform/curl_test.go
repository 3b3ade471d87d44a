package conform_test

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
)

// A seen is what an API sees of a request.
type seen struct {
	method, uri, proto, body string
	header                   http.Header
	certificate              string // the client's
}

// compared are the fields that a case chooses.
var compared = []string{"Authorization", "Content-Type", "X-Tenant"}

// The command line of each failure sends what the case has sent.
func TestResult_Command(t *testing.T) {
	t.Parallel()

	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		name   string
		target conform.Target
		tls    bool
		least  int
	}{
		{"GET", conform.Target{Header: http.Header{"X-Tenant": {`it's "a" $b`}}, DPoP: true, Only: []string{"request", "challenge", "form", "dpop", "http2"}}, false, 60},
		{"POST", conform.Target{Method: http.MethodPost, Body: `{"it's":"@x"}`, Only: []string{"request", "time", "http2"}}, false, 20},
		{"TLS", conform.Target{MTLS: true, Only: []string{"mtls", "time", "http2"}}, true, 15},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var last seen
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				last = seen{r.Method, r.URL.RequestURI(), r.Proto, string(body), r.Header, certificateOf(r)}
				if last.certificate != "" && strings.Contains(payloadOf(r), last.certificate) {
					w.WriteHeader(http.StatusForbidden) // so that the good one fails too
				}
				if r.Header.Get("Authorization") == "" {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`) // so that challenges fail
					w.WriteHeader(http.StatusForbidden)
				}
			}))
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			if tt.tls {
				server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
				server.Config.Protocols.SetHTTP2(true)
				server.StartTLS()
				tt.target.RootCAs = x509.NewCertPool()
				tt.target.RootCAs.AddCert(server.Certificate())
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			iss := testutil.NewIssuer(t)
			tt.target.URL, tt.target.FollowsClock, tt.target.Scope = server.URL+"/orders?a=b&c=%20d", true, scope
			runner, err := conform.New(tt.target, iss.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			tried, certified := 0, 0
			_, err = runner.Run(t.Context(), func(result conform.Result) {
				if result.Outcome != conform.Failed || result.Group() == "rotation" || result.Group() == "outage" || len(result.Sent) == 0 {
					return
				}
				tried++
				mu.Lock()
				want := last
				mu.Unlock()
				command := result.Command()
				shell := exec.CommandContext(t.Context(), "/bin/sh")
				shell.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
				shell.Stdin = strings.NewReader(strings.Replace(command, "curl -i", curl+" -s", 1))
				if out, err := shell.CombinedOutput(); err != nil {
					t.Errorf("%s: %v, %s\n%.2000s", result.ID, err, out, command)
				}
				mu.Lock()
				got := last
				mu.Unlock()
				if got.method != want.method || got.uri != want.uri || got.body != want.body || got.proto != want.proto || got.certificate != want.certificate {
					t.Errorf("%s: curl sends %s %s %s %q with the certificate %q, want %s %s %s %q with %q\n%s", result.ID, got.method, got.uri, got.proto, got.body, got.certificate,
						want.method, want.uri, want.proto, want.body, want.certificate, command)
				}
				for _, name := range compared {
					if !slices.Equal(got.header[name], want.header[name]) {
						t.Errorf("%s: curl sends %s: %q, want %q\n%s", result.ID, name, got.header[name], want.header[name], command)
					}
				}
				if len(got.header["Dpop"]) != len(want.header["Dpop"]) {
					t.Errorf("%s: curl sends %d proofs, want %d\n%s", result.ID, len(got.header["Dpop"]), len(want.header["Dpop"]), command)
				}
				if strings.Contains(result.Curl, "-----BEGIN") || strings.Contains(result.Curl, "--cert") != (want.certificate != "") {
					t.Errorf("%s: Curl = %s, want the certificate's file named: %t", result.ID, result.Curl, want.certificate != "")
				}
				if want.certificate != "" {
					certified++
				}
				if token := cmp.Or(strings.TrimPrefix(want.header.Get("Authorization"), "Bearer "), "."); len(token) > 100 && strings.Contains(result.Curl, token) {
					t.Errorf("%s: Curl = %q, want no token in it", result.ID, result.Curl)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if tt.tls && certified != 2 {
				t.Errorf("%d command lines with a certificate were tried, want that of the good one and that of another", certified)
			}
			if tried < tt.least {
				t.Errorf("%d command lines were tried, want %d or more", tried, tt.least)
			}
		})
	}
}

// certificateOf returns the x5t#S256 of the client's certificate, if there is
// one.
func certificateOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// payloadOf returns the claims of a token, if there is one.
func payloadOf(r *http.Request) string {
	parts := strings.Split(r.Header.Get("Authorization"), ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	return string(payload)
}

// The key of a certificate that the caller has set is in no command line.
func TestResult_Command_callersKey(t *testing.T) {
	t.Parallel()

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	own := testutil.ClientCertificate(t)
	target := conform.Target{URL: server.URL + "/orders", FollowsClock: true, MTLS: true, Certificate: &own, RootCAs: x509.NewCertPool(), Only: []string{"mtls/good"}}
	target.RootCAs.AddCert(server.Certificate())
	runner, err := conform.New(target, testutil.NewIssuer(t).Issuer)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil || len(report.Results) != 1 || report.Results[0].Outcome != conform.Failed {
		t.Fatalf("Run() = %+v, %v, want one failure", report, err)
	}
	command := report.Results[0].Command()
	if strings.Contains(command, "PRIVATE KEY") || strings.Contains(command, "\nCERT=") || !strings.Contains(command, `--cert "$CERT" --key "$KEY"`) || !strings.Contains(command, "CACERT=$(mktemp)") {
		t.Errorf("Command() = %s\nwant the options, and neither the certificate nor its key", command)
	}
}
