package conform_test

import (
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
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
		least  int
	}{
		{"GET", conform.Target{Header: http.Header{"X-Tenant": {`it's "a" $b`}}, DPoP: true, Only: []string{"request", "challenge", "form", "dpop", "http2"}}, 60},
		{"POST", conform.Target{Method: http.MethodPost, Body: `{"it's":"@x"}`, Only: []string{"request", "time", "http2"}}, 20},
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
				last = seen{r.Method, r.URL.RequestURI(), r.Proto, string(body), r.Header}
				if r.Header.Get("Authorization") == "" {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`) // so that challenges fail
					w.WriteHeader(http.StatusForbidden)
				}
			}))
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetHTTP1(true)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			t.Cleanup(server.Close)
			iss := testutil.NewIssuer(t)
			tt.target.URL, tt.target.FollowsClock, tt.target.Scope = server.URL+"/orders?a=b&c=%20d", true, scope
			runner, err := conform.New(tt.target, iss.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			tried := 0
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
				shell.Stdin = strings.NewReader(strings.Replace(command, "curl -i", curl+" -s", 1))
				if out, err := shell.CombinedOutput(); err != nil {
					t.Errorf("%s: %v, %s\n%.2000s", result.ID, err, out, command)
				}
				mu.Lock()
				got := last
				mu.Unlock()
				if got.method != want.method || got.uri != want.uri || got.body != want.body || got.proto != want.proto {
					t.Errorf("%s: curl sends %s %s %s %q, want %s %s %s %q\n%s", result.ID, got.method, got.uri, got.proto, got.body, want.method, want.uri, want.proto, want.body, command)
				}
				for _, name := range compared {
					if !slices.Equal(got.header[name], want.header[name]) {
						t.Errorf("%s: curl sends %s: %q, want %q\n%s", result.ID, name, got.header[name], want.header[name], command)
					}
				}
				if len(got.header["Dpop"]) != len(want.header["Dpop"]) {
					t.Errorf("%s: curl sends %d proofs, want %d\n%s", result.ID, len(got.header["Dpop"]), len(want.header["Dpop"]), command)
				}
				if token := cmp.Or(strings.TrimPrefix(want.header.Get("Authorization"), "Bearer "), "."); len(token) > 100 && strings.Contains(result.Curl, token) {
					t.Errorf("%s: Curl = %q, want no token in it", result.ID, result.Curl)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if tried < tt.least {
				t.Errorf("%d command lines were tried, want %d or more", tried, tt.least)
			}
		})
	}
}
