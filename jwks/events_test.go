package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
)

// A watcher collects events.
type watcher struct {
	mu   sync.Mutex
	seen []observe.Event
}

func (w *watcher) observe(_ context.Context, e observe.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, e)
}

func (w *watcher) watch(cfg *jwks.Config) { cfg.Observe = w.observe }

// take returns the events of these kinds, or all, and forgets all.
func (w *watcher) take(kinds ...observe.Kind) []observe.Event {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	if len(kinds) == 0 {
		return seen
	}
	return slices.DeleteFunc(seen, func(e observe.Event) bool { return !slices.Contains(kinds, e.Kind) })
}

// brief writes what identifies an event.
func brief(events []observe.Event) string {
	var all []string
	for _, e := range events {
		text := fmt.Sprint(e.Kind)
		switch e.Kind {
		case observe.RequestBegan:
			text = fmt.Sprintf("begin %s", e.Request)
		case observe.RequestEnded:
			text = fmt.Sprintf("end %s %s", e.Request, e.Outcome)
		case observe.StateChanged:
			text = fmt.Sprintf("%s→%s", e.Was, e.State)
			if e.Failing {
				text += " failing"
			}
			if e.Misconfigured {
				text += " misconfigured"
			}
		case observe.KeysChanged:
			text = fmt.Sprintf("+%s −%s", strings.Join(e.Added, ","), strings.Join(e.Withdrawn, ","))
		case observe.UnknownKeys:
			text = fmt.Sprintf("%d unknown", e.Count)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestConfig_Observe_outcomes(t *testing.T) {
	t.Parallel()
	good := set(jwk("1"))
	for _, tt := range []struct {
		name    string
		change  func(*issuer)
		request observe.Request
		want    observe.Event
	}{
		{"a set", func(i *issuer) { i.set(func() { i.latency = time.Second }) }, observe.KeySet, observe.Event{Outcome: observe.OK, Status: 200, Bytes: len(good), Duration: time.Second}},
		{"500", func(i *issuer) { i.say(response(500, good)) }, observe.KeySet, observe.Event{Outcome: observe.Status, Status: 500}},
		{"404", func(i *issuer) { i.say(response(404, good)) }, observe.KeySet, observe.Event{Outcome: observe.Status, Status: 404}},
		{"a 304 that was not asked for", func(i *issuer) { i.say(response(304, "")) }, observe.KeySet, observe.Event{Outcome: observe.Redirect, Status: 304}},
		{"a redirect", func(i *issuer) { i.say(response(302, "", "Location: https://other.example/")) }, observe.KeySet, observe.Event{Outcome: observe.Redirect, Status: 302}},
		{"HTML", func(i *issuer) { i.say(response(200, "<html>")) }, observe.KeySet, observe.Event{Outcome: observe.Malformed, Status: 200, Bytes: 6}},
		{"an empty set", func(i *issuer) { i.say(response(200, set())) }, observe.KeySet, observe.Event{Outcome: observe.Malformed, Status: 200, Bytes: len(set())}},
		{"no body", func(i *issuer) { i.say(response(200, "")) }, observe.KeySet, observe.Event{Outcome: observe.Malformed, Status: 200}},
		{"1 MiB and a byte", func(i *issuer) { i.say(response(200, good+strings.Repeat(" ", 1<<20+1-len(good)))) }, observe.KeySet, observe.Event{Outcome: observe.TooLarge}},
		{"1 MiB", func(i *issuer) { i.say(response(200, good+strings.Repeat(" ", 1<<20-len(good)))) }, observe.KeySet, observe.Event{Outcome: observe.OK, Status: 200, Bytes: 1 << 20}},
		{"silence", func(i *issuer) { i.set(func() { i.silent = true }) }, observe.KeySet, observe.Event{Outcome: observe.Timeout, Duration: jwks.DefaultTimeout}},
		{"no connection", func(i *issuer) { i.set(func() { i.down = true }) }, observe.KeySet, observe.Event{Outcome: observe.Unreachable}},
		{"a body that is cut short", func(i *issuer) { i.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") }, observe.KeySet, observe.Event{Outcome: observe.Unreachable}},
		{"metadata", func(i *issuer) { i.script(metadata(document, i.answer)) }, observe.Metadata, observe.Event{Outcome: observe.OK, Status: 200, Bytes: len(document)}},
		{"another issuer's metadata", func(i *issuer) { i.say(response(200, `{"issuer":"https://b/"}`)) }, observe.Metadata, observe.Event{Outcome: observe.OtherIssuer, Status: 200, Bytes: 23}},
		{"HTML as metadata", func(i *issuer) { i.say(response(200, "<html>")) }, observe.Metadata, observe.Event{Outcome: observe.Malformed, Status: 200, Bytes: 6}},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(good)
			tt.change(iss)
			w := &watcher{}
			c := iss.cache(t, w.watch, func(cfg *jwks.Config) {
				if tt.request == observe.Metadata {
					byDiscovery(cfg)
				}
			})
			began := time.Now()
			_, _ = c.Keys(t.Context(), "1")
			events := w.take(observe.RequestBegan, observe.RequestEnded)
			if len(events) < 2 {
				t.Fatalf("%s: events = %q, want a request", tt.name, brief(events))
			}
			want := observe.Event{Part: observe.Keys, Kind: observe.RequestBegan, Name: keysURL, Time: began, Request: tt.request, Host: "issuer.example"}
			if tt.request == observe.Metadata {
				want.Name = issuerURL
			}
			checkEvent(t, tt.name, events[0], want)
			want.Kind, want.Outcome, want.Status, want.Bytes, want.Duration = observe.RequestEnded, tt.want.Outcome, tt.want.Status, tt.want.Bytes, tt.want.Duration
			want.Time = began.Add(want.Duration)
			checkEvent(t, tt.name, events[1], want)
		})
	}
}

func checkEvent(t *testing.T, name string, got, want observe.Event) {
	t.Helper()
	if !got.Time.Equal(want.Time) {
		t.Errorf("%s: %s at %v, want %v", name, got.Kind, got.Time, want.Time)
	}
	got.Time, want.Time = time.Time{}, time.Time{}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: event = %v, want %v", name, got, want)
	}
}

func TestConfig_Observe_life(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := jwk("1"), jwk("2")
		iss := newIssuer("")
		serve := func(keys ...string) {
			iss.script(metadata(document, func(*http.Request) string { return response(200, set(keys...), `ETag: "1"`) }))
		}
		serve(one)
		w := &watcher{}
		c := iss.cache(t, byDiscovery, w.watch)
		step := func(name, want string) {
			t.Helper()
			if got := brief(w.take()); got != want {
				t.Errorf("%s: events = %q, want %q", name, got, want)
			}
		}
		step("no lookup", "")
		mustFind(t, c, "1")
		step("the first lookup", "begin metadata; end metadata ok; begin key_set; end key_set ok; EMPTY→FRESH; +1 −")
		mustFind(t, c, "1")
		step("a known key", "")

		serve(one, two)
		mustFind(t, c, "2")
		step("a new key", "begin key_set; end key_set ok; +2 −")

		iss.set(func() { iss.down = true })
		pass(11 * time.Minute)
		mustFind(t, c, "2")
		step("an outage", "FRESH→EXPIRED; begin key_set; end key_set unreachable; EXPIRED→EXPIRED failing")

		iss.set(func() { iss.down = false })
		serve(jwk("2")) // another key with the same name
		pass(10 * time.Minute)
		mustFind(t, c, "2")
		synctest.Wait()
		step("a replaced key", "begin metadata; end metadata ok; begin key_set; end key_set ok; EXPIRED→FRESH; +2 −1,2")

		pass(time.Hour)
		iss.script(metadata(document, func(*http.Request) string { return response(304, "") }))
		mustFind(t, c, "2")
		step("not modified", "FRESH→EXPIRED; begin key_set; end key_set not_modified; EXPIRED→FRESH")
	})
}

// However many unknown keys strangers send, they are few events, and none is
// lost.
func TestConfig_Observe_strangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		w := &watcher{}
		c := iss.cache(t, w.watch)
		mustFind(t, c, "1")
		w.take()
		const lookups = 20_000
		for i := range lookups {
			mustMiss(t, c, fmt.Sprint("made up ", i))
			if i%2_000 == 0 {
				pass(time.Second)
			}
		}
		events, count := w.take(), 0
		for _, e := range events {
			count += e.Count
		}
		if len(events) > 6 { // in ten seconds: one fetch or two, and two counts
			t.Errorf("%d unknown keys in 10 s: %d events, want 6 at most: %s", lookups, len(events), brief(events))
		}
		pass(10 * time.Second)
		mustMiss(t, c, "made up")
		for _, e := range w.take(observe.UnknownKeys) {
			count += e.Count
		}
		if count != lookups+1 || c.Status().Unknown != lookups+1 {
			t.Errorf("events count %d unknown keys, and Status().Unknown = %d, want %d", count, c.Status().Unknown, lookups+1)
		}
	})
}

// The issuer chooses how many keys there are, and their names.
func TestConfig_Observe_manyKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := make([]string, 500)
		for i := range keys {
			keys[i] = jwk(fmt.Sprint(i, strings.Repeat("k", 1000)))
		}
		w := &watcher{}
		c := newIssuer(set(keys...)).cache(t, w.watch)
		_, _ = c.Keys(t.Context(), "")
		events := w.take(observe.KeysChanged)
		if len(events) != 1 || len(events[0].Added) != 100 || len(events[0].Added[99]) > 256+len("…") {
			t.Errorf("500 keys with IDs of 1 KB: events = %.500q, want one with 100 IDs of 256 bytes", brief(events))
		}
	})
}

// A panic in Observe, and in the handler that is told of it, ends nothing.
func TestConfig_Observe_panic(t *testing.T) {
	t.Parallel()
	for _, logger := range []slog.Handler{nil, panickingHandler{}} {
		synctest.Test(t, func(t *testing.T) {
			log := &logbook{}
			iss := newIssuer(set(jwk("1")))
			c := iss.cache(t, func(cfg *jwks.Config) {
				cfg.Logger = log.logger()
				if logger != nil {
					cfg.Logger = slog.New(logger)
				}
				cfg.Observe = func(context.Context, observe.Event) { panic(errors.New("a secret")) }
			})
			mustFind(t, c, "1")
			mustMiss(t, c, "2")
			synctest.Wait()
			lines := log.lines("Config.Observe failed")
			if logger == nil && (len(lines) == 0 || strings.Contains(strings.Join(lines, "\n"), "a secret")) {
				t.Errorf("log = %q, want the panic, without its value", lines)
			}
		})
	}
}

type panickingHandler struct{}

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("the handler") }
func (h panickingHandler) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h panickingHandler) WithGroup(string) slog.Handler           { return h }

// Observe may ask the Cache, because no lock is held.
func TestConfig_Observe_holdsNoLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		var c *jwks.Cache
		asked := 0
		c = iss.cache(t, func(cfg *jwks.Config) {
			cfg.Observe = func(_ context.Context, e observe.Event) {
				asked++
				c.Status()
				_ = c.Unknown("2")
				if e.Kind == observe.StateChanged && len(c.Status().KeyIDs) == 0 {
					t.Errorf("Status() while %s is told has no keys", e.State)
				}
			}
		})
		mustFind(t, c, "1")
		mustMiss(t, c, "2")
		if asked == 0 {
			t.Error("Observe was not called")
		}
	})
}
