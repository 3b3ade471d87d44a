package promguard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rsguard/rsguard/internal/series/seriestest"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/revocation"
	guardtest "github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// program returns the path of one of Prometheus's programs. It skips the test if
// it is not installed.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// The alerts fire when they should, on promtool's clock.
func TestAlerts(t *testing.T) {
	t.Parallel()

	promtool := program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Each alert has its section in the runbook, and a test. Each section is an
// alert's.
func TestAlerts_runbook(t *testing.T) {
	t.Parallel()

	alerts, tests, runbook := read(t, "alerts.yaml"), read(t, "alerts_test.yaml"), read(t, "../../docs/operations.md")
	names := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(alerts, -1)
	if len(names) < 8 {
		t.Fatalf("%d alerts, want 8 at least", len(names))
	}
	for _, name := range names {
		if !strings.Contains(runbook, "\n### "+name[1]+"\n") {
			t.Errorf("docs/operations.md has no section %s", name[1])
		}
		if !strings.Contains(alerts, "docs/operations.md#"+strings.ToLower(name[1])+"\n") {
			t.Errorf("%s names no runbook", name[1])
		}
		if !strings.Contains(tests, "alertname: "+name[1]+"\n") {
			t.Errorf("alerts_test.yaml doesn't test that %s fires", name[1])
		}
	}
	_, sections, _ := strings.Cut(runbook, "\n## Alerts\n")
	sections, _, _ = strings.Cut(sections, "\n## ")
	headings := regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(sections, -1)
	for _, heading := range headings {
		if !strings.Contains(alerts, "- alert: "+heading[1]+"\n") {
			t.Errorf("docs/operations.md has a section %q, and there is no such alert", heading[1])
		}
	}
	if len(headings) != len(names) {
		t.Errorf("docs/operations.md has %d sections for %d alerts", len(headings), len(names))
	}
}

// The program in operations.md is the one of the example, which is built.
func TestExample_documented(t *testing.T) {
	t.Parallel()

	_, block, _ := strings.Cut(read(t, "../../docs/operations.md"), "```\ncfg := ")
	block, _, ok := strings.Cut("cfg := "+block, "```")
	var lines strings.Builder
	for line := range strings.Lines(block) {
		if line != "\n" {
			line = "\t" + line
		}
		lines.WriteString(line)
	}
	if !ok || !strings.Contains(read(t, "example_test.go"), lines.String()) {
		t.Errorf("docs/operations.md has a program that is not in example_test.go:\n%s", block)
	}
}

// What operations.md names is there: metrics, labels of the alerts, and fields.
func TestAlerts_metrics(t *testing.T) {
	t.Parallel()

	shown := make(map[string]bool)
	for _, f := range seriestest.Figures {
		shown[f.Prometheus] = true
	}
	for _, file := range []string{"alerts.yaml", "dashboard.json", "../../docs/operations.md"} {
		for _, name := range regexp.MustCompile(`\brsguard_[a-z_]+`).FindAllString(read(t, file), -1) {
			if base := strings.TrimSuffix(name, "_bucket"); !shown[base] {
				t.Errorf("%s names %s, which is not shown", file, name)
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A real server scrapes the metrics, evaluates each query of the dashboard, and
// fires alerts when the issuer is taken down.
func TestPrometheus(t *testing.T) {
	path := program(t, "prometheus")

	a := newAPI(t, nil)
	registry := prometheus.NewRegistry()
	registry.MustRegister(a.metrics)
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	p := startPrometheus(t, path, server.URL)

	good := a.iss.Token(guardtest.Claims{"scope": "orders:read"})
	traffic := func() {
		a.serve(good)
		a.serve("a.b.c")
		for _, e := range []middleware.Event{
			{Outcome: middleware.Rejected, Code: validator.CodeUnavailable, Service: "replay store"},
			{Outcome: middleware.Rejected, Code: validator.CodeScope, ReportOnly: true, Compared: true, Differs: true},
		} {
			a.metrics.Observe(t.Context(), e)
		}
		if err := a.keys.Refresh(t.Context()); err != nil && !a.iss.Down() {
			t.Errorf("Refresh() error = %v", err)
		}
		a.metrics.ObserveIO(t.Context(), observe.Event{Part: observe.Replays, Name: "orders:", Kind: observe.RequestEnded, Request: observe.AddProof, Outcome: observe.Timeout})
		a.metrics.ObserveIO(t.Context(), observe.Event{Part: observe.Keys, Name: "tenant", Kind: observe.UnknownKeys, Count: 3})
	}
	feed := startFeed(t, a)

	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Fatalf("dashboard.json has %d panels: %v", len(dashboard.Panels), err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			query := strings.ReplaceAll(target.Expr, "$__rate_interval", "10s")
			p.until(panel.Title, func() bool {
				traffic()
				return p.query(query) > 0 || strings.Contains(query, "introspection") // which this API has none of
			})
		}
	}

	if p.firing("RsguardIssuerDown") {
		t.Error("RsguardIssuerDown fires while the issuer is up")
	}
	a.iss.SetDown(true)
	if err := a.keys.Refresh(t.Context()); err == nil {
		t.Fatal("Refresh() error = nil while the issuer is down")
	}
	p.until("RsguardIssuerDown", func() bool { return p.firing("RsguardIssuerDown") })
	if got := a.serve(good); got != 200 {
		t.Errorf("a good token while the issuer is down: status %d, want 200", got)
	}
	if p.firing("RsguardRevocationFeedLate") {
		t.Error("RsguardRevocationFeedLate fires while the transmitter is up")
	}
	feed.down.Store(true)
	p.until("RsguardRevocationFeedLate", func() bool { return p.firing("RsguardRevocationFeedLate") })
	feed.down.Store(false)
	p.until("the end of RsguardRevocationFeedLate", func() bool { return !p.firing("RsguardRevocationFeedLate") })
	p.until("RsguardUnavailable", func() bool { traffic(); return p.firing("RsguardUnavailable") })
	a.iss.SetDown(false)
	if err := a.keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.until("the end of RsguardIssuerDown", func() bool { return !p.firing("RsguardIssuerDown") })
}

// A feed is a transmitter of security events, which a poller asks.
type feed struct{ down atomic.Bool }

func startFeed(t *testing.T, a *api) *feed {
	t.Helper()
	f := new(feed)
	transmitter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if f.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"sets":{}}`))
	}))
	t.Cleanup(transmitter.Close)
	list, err := revocation.New(revocation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := revocation.NewEventReceiver(revocation.EventConfig{Sender: a.iss.Config("events"), List: list, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	poller, err := revocation.NewEventPoller(revocation.PollConfig{
		Receiver: receiver, URL: transmitter.URL, ReturnImmediately: true, Interval: 100 * time.Millisecond, Observe: a.metrics.ObserveIO,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = poller.Poll(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return f
}

// A prometheusServer is one of a test's own, on loopback.
type prometheusServer struct {
	t   *testing.T
	url string
	log *bytes.Buffer
}

// startPrometheus starts one that scrapes target each second, with alerts.yaml
// on a faster clock.
func startPrometheus(t *testing.T, path, target string) *prometheusServer {
	t.Helper()
	dir := t.TempDir()
	alerts := read(t, "alerts.yaml")
	alerts = regexp.MustCompile(`for: \d+[mh]`).ReplaceAllString(alerts, "for: 1s")
	alerts = strings.NewReplacer("[5m]", "[10s]", "[1h]", "[10s]", "offset 5m", "offset 10s").Replace(alerts)
	config := fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: api
    static_configs: [{targets: [%q]}]
    metrics_path: /
`, strings.TrimPrefix(target, "http://"))
	for name, text := range map[string]string{"alerts.yaml": alerts, "prometheus.yml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := &prometheusServer{t: t, url: "http://" + addr, log: new(bytes.Buffer)}
	cmd := exec.Command(path, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--web.listen-address="+addr, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus's log:\n%s", p.log)
		}
	})
	p.until("prometheus is ready", func() bool { return p.get("/-/ready", nil) == nil })
	p.until("the rules are loaded", func() bool {
		var rules struct {
			Data struct{ Groups []struct{ Rules []any } }
		}
		return p.get("/api/v1/rules", &rules) == nil && len(rules.Data.Groups) == 1 && len(rules.Data.Groups[0].Rules) >= 8
	})
	return p
}

// until asks four times a second until is reports true.
func (p *prometheusServer) until(what string, is func() bool) {
	p.t.Helper()
	ticks := time.NewTicker(250 * time.Millisecond)
	defer ticks.Stop()
	for range 240 {
		if is() {
			return
		}
		<-ticks.C
	}
	p.t.Fatalf("%s: not within a minute", what)
}

func (p *prometheusServer) get(path string, into any) error {
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// query returns the number of series in the answer.
func (p *prometheusServer) query(query string) int {
	p.t.Helper()
	var answer struct{ Data struct{ Result []any } }
	if err := p.get("/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return len(answer.Data.Result)
}

// firing reports whether an alert fires.
func (p *prometheusServer) firing(name string) bool {
	p.t.Helper()
	return p.query(fmt.Sprintf("ALERTS{alertname=%q, alertstate=\"firing\"}", name)) > 0
}
