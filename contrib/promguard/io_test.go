package promguard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rsguard/rsguard/contrib/promguard"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
	guardtest "github.com/rsguard/rsguard/testutil"
)

// A Cache's requests, states, keys and unknown keys are counted.
func TestCollector_ObserveIO(t *testing.T) {
	t.Parallel()

	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	iss := guardtest.NewIssuer(t)
	keys, err := jwks.NewCache(jwks.Config{Issuer: iss.URL, Client: iss.Client(), Observe: metrics.ObserveIO})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := keys.Keys(t.Context(), "made up"); len(found) != 0 || err != nil {
		t.Fatalf("Keys(made up) = %v, %v", found, err)
	}
	if err := keys.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	iss.SetDown(true)
	if err := keys.Refresh(t.Context()); err == nil {
		t.Fatal("Refresh() error = nil while the issuer is down")
	}
	// Keys are told of after the lookup that waits for them has returned.
	deadline := time.After(10 * time.Second)
	for testutil.CollectAndCount(metrics, "rsguard_key_changes_total") == 0 {
		select {
		case <-deadline:
			t.Fatal("no change of keys within 10 s")
		case <-time.After(time.Millisecond):
		}
	}
	for name, want := range map[string]string{
		"rsguard_requests_total": `
# HELP rsguard_requests_total Requests to other services.
# TYPE rsguard_requests_total counter
rsguard_requests_total{name="ISSUER",outcome="not_modified",part="keys",request="key_set"} 1
rsguard_requests_total{name="ISSUER",outcome="ok",part="keys",request="key_set"} 1
rsguard_requests_total{name="ISSUER",outcome="ok",part="keys",request="metadata"} 1
rsguard_requests_total{name="ISSUER",outcome="unreachable",part="keys",request="key_set"} 1
`,
		"rsguard_requests_running": `
# HELP rsguard_requests_running Requests to other services that have not ended.
# TYPE rsguard_requests_running gauge
rsguard_requests_running{name="ISSUER",part="keys",request="key_set"} 0
rsguard_requests_running{name="ISSUER",part="keys",request="metadata"} 0
`,
		"rsguard_unknown_keys_total": `
# HELP rsguard_unknown_keys_total Lookups of key IDs that the issuer does not have.
# TYPE rsguard_unknown_keys_total counter
rsguard_unknown_keys_total{name="ISSUER"} 1
`,
		"rsguard_key_changes_total": `
# HELP rsguard_key_changes_total Keys that the issuer has added or withdrawn.
# TYPE rsguard_key_changes_total counter
rsguard_key_changes_total{change="added",name="ISSUER"} 1
rsguard_key_changes_total{change="withdrawn",name="ISSUER"} 0
`,
	} {
		want = strings.ReplaceAll(want, "ISSUER", iss.URL)
		if err := testutil.CollectAndCompare(metrics, strings.NewReader(want), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := testutil.CollectAndCount(metrics, "rsguard_request_duration_seconds"); n != 2 {
		t.Errorf("%d histograms of requests, want one for each document", n)
	}
}

// A million events of hosts, key IDs and statuses that an issuer makes up add no
// series, and those of parts that are made up few.
func TestCollector_ObserveIO_bounded(t *testing.T) {
	t.Parallel()

	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	events := 1_000_000
	if testing.Short() {
		events = 10_000
	}
	kinds := []observe.Kind{observe.RequestBegan, observe.RequestEnded, observe.StateChanged, observe.KeysChanged, observe.UnknownKeys}
	tell := func(i int, name string) {
		metrics.ObserveIO(t.Context(), observe.Event{
			Part: observe.Keys, Kind: kinds[i%len(kinds)], Name: name, Request: observe.KeySet, Outcome: observe.OK,
			Host: fmt.Sprint(i), Status: i, Bytes: i, State: "FRESH", Added: []string{fmt.Sprint(i)}, Count: 1,
		})
	}
	for i := range kinds {
		tell(i, "tenant")
	}
	want := testutil.CollectAndCount(metrics)
	for i := range events {
		tell(i, "tenant")
	}
	if got := testutil.CollectAndCount(metrics); got != want {
		t.Errorf("%d series after %d events, want %d as before", got, events, want)
	}
	for i := range 50_000 {
		tell(i, fmt.Sprint(i))
	}
	if got, most := testutil.CollectAndCount(metrics), want*101; got > most {
		t.Errorf("%d series after 50,000 tenants, want %d at most", got, most)
	}
}

// A feed has a series as soon as it is used, and is late until it is current.
func TestCollector_ObserveIO_feed(t *testing.T) {
	t.Parallel()

	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		event observe.Event
		want  string
	}{
		{observe.Event{Part: observe.Keys, Name: "tenant", Kind: observe.StateChanged, State: "EXPIRED", Failing: true}, ""},
		{observe.Event{Part: observe.Revocation, Name: "rules:", Kind: observe.RequestBegan, Request: observe.Feed}, "0"},
		{observe.Event{Part: observe.Revocation, Name: "rules:", Kind: observe.StateChanged, State: "late", Failing: true}, "1"},
		{observe.Event{Part: observe.Revocation, Name: "rules:", Kind: observe.RequestBegan, Request: observe.Feed}, "1"},
		{observe.Event{Part: observe.Revocation, Name: "rules:", Kind: observe.StateChanged, State: "current"}, "0"},
	} {
		metrics.ObserveIO(t.Context(), tt.event)
		want := ""
		if tt.want != "" {
			want = "# HELP rsguard_feed_late 1 while revocations may not arrive.\n# TYPE rsguard_feed_late gauge\nrsguard_feed_late{name=\"rules:\"} " + tt.want + "\n"
		}
		if err := testutil.CollectAndCompare(metrics, strings.NewReader(want), "rsguard_feed_late"); err != nil {
			t.Errorf("after %v: %v", tt.event, err)
		}
	}
}

// A replay store's failures have their series before there is one, since
// Prometheus sees no increase in a series that begins with 1.
func TestCollector_ObserveIO_replays(t *testing.T) {
	t.Parallel()

	metrics, err := promguard.New(promguard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e := observe.Event{Part: observe.Replays, Name: "proofs:", Kind: observe.RequestBegan, Request: observe.AddProof}
	metrics.ObserveIO(t.Context(), e)
	e.Kind, e.Outcome = observe.RequestEnded, observe.OK
	metrics.ObserveIO(t.Context(), e)
	if err := testutil.CollectAndCompare(metrics, strings.NewReader(`
# HELP rsguard_requests_total Requests to other services.
# TYPE rsguard_requests_total counter
rsguard_requests_total{name="proofs:",outcome="failed",part="replays",request="add_proof"} 0
rsguard_requests_total{name="proofs:",outcome="ok",part="replays",request="add_proof"} 1
rsguard_requests_total{name="proofs:",outcome="timeout",part="replays",request="add_proof"} 0
rsguard_requests_total{name="proofs:",outcome="unreachable",part="replays",request="add_proof"} 0
`), "rsguard_requests_total"); err != nil {
		t.Error(err)
	}
}
