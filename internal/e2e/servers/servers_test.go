package servers_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const (
	audience = mockissuer.DefaultAudience
	scope    = "orders:read"
)

// patience is longer than the keys of get-jwks are kept. keyfunc fetches for an
// unknown key once in five minutes, so that waiting for it would change nothing.
const (
	patience        = 75 * time.Second
	keyfuncPatience = 15 * time.Second
)

// A server is a row of the table in docs/conformance.md.
type server struct {
	name     string
	packages []string // of Node or Go, the first with its version in the name
	target   conform.Target
	handler  func(ctx context.Context, issuer string) (http.Handler, error) // nil for Node and Apache
}

// apache is the server that Debian has. Its versions change with Debian's, so
// its row has only their beginnings.
const apache = "`mod_oauth2` 3.3, `httpd` 2.4, of Debian 12"

var servers = []server{
	{"express-oauth2-jwt-bearer", []string{"express-oauth2-jwt-bearer", "express"}, conform.Target{DPoP: true}, nil},
	{"jose", []string{"jose", "express"}, conform.Target{}, nil},
	{"oauth4webapi", []string{"oauth4webapi"}, conform.Target{Profile: conform.ProfileRFC9068, DPoP: true}, nil},
	{"@fastify/jwt", []string{"@fastify/jwt", "get-jwks", "fastify"}, conform.Target{}, nil},
	{"go-jwt-middleware", []string{"github.com/auth0/go-jwt-middleware/v3"}, conform.Target{}, goJWTMiddleware},
	{"echo-jwt", []string{"github.com/labstack/echo-jwt/v4", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}, conform.Target{Patience: keyfuncPatience}, echoJWT},
	{"gin-jwt", []string{"github.com/appleboy/gin-jwt/v3", "github.com/golang-jwt/jwt/v5", "github.com/MicahParks/keyfunc/v3"}, conform.Target{Patience: keyfuncPatience}, ginJWT},
	{"go-oidc", []string{"github.com/coreos/go-oidc/v3"}, conform.Target{}, goOIDC},
	{"apache", nil, conform.Target{}, nil},
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultWriter = io.Discard
	// They wait for the servers' caches of keys most of the time, all at once.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(len(servers))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestServers prints the rows of the table. A server that accepts no good
// token, or stops to, would have rejected the bad ones for another reason, so
// that its counts would say nothing.
func TestServers(t *testing.T) {
	page, err := os.ReadFile("../../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	rows := make([]string, len(servers))
	t.Run("all", func(t *testing.T) {
		for i, s := range servers {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				title := s.title(t)
				report := s.run(t)
				if report.Fault != "" {
					t.Error(report.Fault)
				}
				row := "| " + title + " |"
				for _, level := range conform.Levels() {
					n := report.Count(level)
					row += fmt.Sprintf(" %d of %d |", n.Passed, n.Passed+n.Failed)
				}
				if n := report.Count(conform.Must); n.Passed < 50 {
					t.Errorf("%s passes %d cases of the level must, want 50 or more: it is not set up well", s.name, n.Passed)
				}
				if !strings.Contains(string(page), "| "+title+" |") {
					t.Errorf("docs/conformance.md has no row for %s", title)
				}
				mu.Lock()
				defer mu.Unlock()
				rows[i] = row
				t.Logf("%d requests in %v", report.Requests, report.Took.Round(time.Second))
			})
		}
	})
	t.Logf("passed of tried\n| server | must | should | may |\n|---|---|---|---|\n%s", strings.Join(rows, "\n"))
}

// run runs the cases but the slow ones.
func (s server) run(t *testing.T) *conform.Report {
	t.Helper()
	iss := testutil.NewIssuer(t, mockissuer.Demo())
	target := s.target
	target.Scope = scope
	target.Patience = cmp.Or(target.Patience, patience)
	switch {
	case s.name == "apache":
		target.URL = startApache(t, iss.URL)
	case s.handler == nil:
		target.URL = startNode(t, s.name, iss.URL)
	default:
		h, err := s.handler(t.Context(), iss.URL)
		if err != nil {
			t.Fatal(err)
		}
		api := httptest.NewServer(h)
		t.Cleanup(api.Close)
		target.URL = api.URL + "/orders"
	}
	runner, err := conform.New(target, iss.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := runner.Wait(ctx, nil); err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if folder := os.Getenv("REPORTS"); folder != "" {
		file, err := os.Create(filepath.Join(folder, strings.ReplaceAll(s.name, "/", "-")+".json"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := report.WriteJSON(file); err != nil {
			t.Fatal(err)
		}
	}
	return report
}

// startNode runs server.mjs until the test ends, and returns its URL. Without
// npm the test is skipped.
func startNode(t *testing.T, name, issuer string) (url string) {
	t.Helper()
	install(t)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "node", "server.mjs", name, issuer, audience, scope)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "NODE_ENV=production")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http://127.0.0.1:") {
		t.Fatalf("node server.mjs %s said %q, %v, want its URL", name, line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return strings.TrimSpace(line)
}

var installing sync.Mutex

func install(t *testing.T) {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the servers for Node are not tried: %v", err)
		}
	}
	if _, err := os.Stat("node/node_modules/oauth4webapi"); err == nil {
		return
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = "node"
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("the servers for Node cannot be installed: %v\n%s", err, out)
	}
}

// title names the packages of s with their versions.
func (s server) title(t *testing.T) string {
	t.Helper()
	if s.name == "apache" {
		return apache
	}
	versions := make(map[string]string)
	if s.handler == nil {
		text, err := os.ReadFile("node/package.json")
		if err != nil {
			t.Fatal(err)
		}
		var about struct{ Dependencies map[string]string }
		if err := json.Unmarshal(text, &about); err != nil {
			t.Fatal(err)
		}
		versions = about.Dependencies
	} else {
		// A test binary does not know the versions of its modules.
		text, err := os.ReadFile("go.mod")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > 1 {
				versions[fields[0]] = strings.TrimPrefix(fields[1], "v")
			}
		}
	}
	var names []string
	for _, name := range s.packages {
		if versions[name] == "" {
			t.Fatalf("the version of %s is not known", name)
		}
		short := name
		if parts := strings.Split(name, "/"); parts[0] == "github.com" {
			short = parts[2]
		}
		if short == "jwt" {
			short = "golang-jwt"
		}
		names = append(names, "`"+short+"` "+versions[name])
	}
	return strings.Join(names, ", ")
}
