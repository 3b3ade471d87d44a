// Package seriestest holds the modules for metrics to one list of figures. The
// test of each plays the same events to it, and compares what it shows.
package seriestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

// A Figure is what both modules show, each by a name of its own. Labels are
// Prometheus's, with the attributes of OpenTelemetry.
type Figure struct {
	Prometheus, OpenTelemetry string
	Labels                    map[string]string
}

var (
	byKeys   = map[string]string{"issuer": "rsguard.issuer"}
	byServer = map[string]string{"server": "rsguard.server"}
	byName   = map[string]string{"name": "rsguard.name"}
)

// Figures are all that both modules show. Of a histogram, the number of values
// is compared.
var Figures = []Figure{
	{"rsguard_decisions_total", "rsguard.decision.duration", map[string]string{"outcome": "rsguard.outcome", "code": "error.type", "issuer": "rsguard.issuer"}},
	{"rsguard_decision_duration_seconds", "rsguard.decision.duration", map[string]string{"outcome": "rsguard.outcome"}},
	{"rsguard_remembered_total", "rsguard.decision.remembered", nil},
	{"rsguard_unavailable_total", "rsguard.decision.unavailable", map[string]string{"service": "rsguard.service"}},
	{"rsguard_faults_total", "rsguard.decision.faults", nil},
	{"rsguard_report_only_total", "rsguard.decision.report_only", map[string]string{"code": "error.type"}},
	{"rsguard_compared_total", "rsguard.decision.compared", nil},
	{"rsguard_differences_total", "rsguard.decision.difference", map[string]string{"rejected_by": "rsguard.rejected_by"}},
	{"rsguard_keys_state", "rsguard.keys.state", map[string]string{"issuer": "rsguard.issuer", "state": "rsguard.state"}},
	{"rsguard_keys_age_seconds", "rsguard.keys.age", byKeys},
	{"rsguard_keys", "rsguard.keys.count", byKeys},
	{"rsguard_keys_fetches_total", "rsguard.keys.fetches", byKeys},
	{"rsguard_keys_failures", "rsguard.keys.failures", byKeys},
	{"rsguard_introspection_up", "rsguard.introspection.up", byServer},
	{"rsguard_introspection_calls_total", "rsguard.introspection.calls", byServer},
	{"rsguard_introspection_running", "rsguard.introspection.running", byServer},
	{"rsguard_introspection_failures", "rsguard.introspection.failures", byServer},
	{"rsguard_requests_total", "rsguard.request.duration", map[string]string{"part": "rsguard.part", "name": "rsguard.name", "request": "rsguard.request", "outcome": "rsguard.outcome"}},
	{"rsguard_requests_running", "rsguard.request.running", map[string]string{"part": "rsguard.part", "name": "rsguard.name", "request": "rsguard.request"}},
	{"rsguard_request_duration_seconds", "rsguard.request.duration", map[string]string{"part": "rsguard.part", "request": "rsguard.request"}},
	{"rsguard_state_changes_total", "rsguard.state.changes", map[string]string{"part": "rsguard.part", "name": "rsguard.name", "state": "rsguard.state"}},
	{"rsguard_key_changes_total", "rsguard.keys.changes", map[string]string{"name": "rsguard.name", "change": "rsguard.change"}},
	{"rsguard_unknown_keys_total", "rsguard.keys.unknown", byName},
	{"rsguard_feed_late", "rsguard.feed.late", byName},
}

// An Observer is what a module makes.
type Observer interface {
	Observe(ctx context.Context, e middleware.Event)
	ObserveIO(ctx context.Context, e observe.Event)
}

// Parts are what a Config of a module has: keys that were fetched, and an
// introspection endpoint that has not answered.
type Parts struct {
	Caches        map[string]*jwks.Cache
	Introspectors map[string]*introspection.Introspector
}

// NewParts returns Parts that reach no network.
func NewParts(ctx context.Context) (Parts, error) {
	now := func() time.Time { return time.Unix(1_900_000_000, 0) }
	client := &http.Client{Transport: transport{}}
	discard := slog.New(slog.DiscardHandler)
	keys, err := jwks.NewCache(jwks.Config{URL: "https://issuer.example/keys", Client: client, Logger: discard, Now: now})
	if err != nil {
		return Parts{}, err
	}
	if err := keys.Refresh(ctx); err != nil {
		return Parts{}, err
	}
	asks, err := introspection.New(introspection.Config{
		Issuer: "https://issuer.example", Endpoint: "https://issuer.example/introspect", Audiences: []string{"api"},
		ClientID: "api", Auth: introspection.ClientSecretBasic("secret"), Client: client, Logger: discard, Now: now,
	})
	if err != nil {
		return Parts{}, err
	}
	if _, err := asks.Validate(ctx, "opaque"); err == nil {
		return Parts{}, errors.New("a token was accepted without an answer")
	}
	return Parts{map[string]*jwks.Cache{"tenant": keys}, map[string]*introspection.Introspector{"hydra": asks}}, nil
}

type transport struct{}

func (transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/introspect") {
		return nil, errors.New("no connection")
	}
	const keys = `{"keys":[{"kid":"1","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	return &http.Response{StatusCode: 200, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(keys)), Request: r}, nil
}

// Play tells o one of each thing that can be told.
func Play(ctx context.Context, o Observer) {
	const a = "https://a.example/"
	for _, e := range []middleware.Event{
		{Outcome: middleware.Accepted, Issuer: a},
		{Outcome: middleware.Accepted, Issuer: a, Remembered: true},
		{Outcome: middleware.Accepted, Issuer: a, ReportOnly: true, Compared: true},
		{Outcome: middleware.Accepted, Issuer: a, Compared: true, Differs: true},
		{Outcome: middleware.Anonymous},
		{Outcome: middleware.Rejected, Code: validator.CodeMissing},
		{Outcome: middleware.Rejected, Code: validator.CodeIssuer, Issuer: "other"},
		{Outcome: middleware.Rejected, Code: validator.CodeScope, Issuer: a, Remembered: true},
		{Outcome: middleware.Rejected, Code: validator.CodeScope, Issuer: a, ReportOnly: true, Compared: true, Differs: true},
		{Outcome: middleware.Rejected, Code: validator.CodeUnavailable, Issuer: a, Service: "keys"},
		{Outcome: middleware.Abandoned, Code: validator.CodeUnavailable, Issuer: a, Service: "keys"},
		{Outcome: middleware.Rejected, Code: validator.CodeInternal, Issuer: a},
	} {
		e.Duration = time.Millisecond
		o.Observe(ctx, e)
	}
	end := func(outcome observe.Outcome) observe.Event {
		return observe.Event{Part: observe.Keys, Kind: observe.RequestEnded, Name: a, Request: observe.KeySet, Outcome: outcome, Duration: time.Second}
	}
	begin := observe.Event{Part: observe.Keys, Kind: observe.RequestBegan, Name: a, Request: observe.KeySet}
	for _, e := range []observe.Event{
		begin, end(observe.OK), begin, end(observe.NotModified), begin, end(observe.Timeout), begin,
		{Part: observe.Replays, Kind: observe.RequestBegan, Name: "orders:", Request: observe.AddProof},
		{Part: observe.Replays, Kind: observe.RequestEnded, Name: "orders:", Request: observe.AddProof, Outcome: observe.Canceled},
		{Part: observe.Keys, Kind: observe.StateChanged, Name: a, State: "EXPIRED", Failing: true},
		{Part: observe.Keys, Kind: observe.KeysChanged, Name: a, Added: []string{"1", "2"}, Withdrawn: []string{"0"}},
		{Part: observe.Keys, Kind: observe.UnknownKeys, Name: a, Count: 3},
		{Part: observe.Revocation, Kind: observe.RequestBegan, Name: "new", Request: observe.Feed},
		{Part: observe.Revocation, Kind: observe.StateChanged, Name: "late", State: "late", Failing: true},
		{Part: observe.Revocation, Kind: observe.RequestBegan, Name: "late", Request: observe.Feed},
		{Part: observe.Revocation, Kind: observe.StateChanged, Name: "back", State: "late", Failing: true},
		{Part: observe.Revocation, Kind: observe.StateChanged, Name: "back", State: "current"},
	} {
		o.ObserveIO(ctx, e)
	}
}

// Name is the name of a value of f in [Diff].
func (f Figure) Name(label func(string) string) string {
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(f.Labels)) {
		labels = append(labels, fmt.Sprintf("%s=%q", name, label(name)))
	}
	return f.Prometheus + "{" + strings.Join(labels, ",") + "}"
}

// Diff returns a line for each difference between got and what a module must
// show of NewParts and Play.
func Diff(got map[string]float64) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if value, ok := got[name]; !ok || value != want[name] {
			lines = append(lines, fmt.Sprintf("%s = %v, %t, want %v", name, value, ok, want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			lines = append(lines, fmt.Sprintf("%s = %v, want no such figure", name, got[name]))
		}
	}
	return lines
}
