package observing_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/observe"
)

func TestTeller_nil(t *testing.T) {
	ctx := t.Context()
	for name, teller := range map[string]*observing.Teller{"nil": nil, "without Observe": {Now: time.Now}} {
		allocs := testing.AllocsPerRun(100, func() {
			r := teller.Begin(ctx, observe.KeySet, "https://a.example/keys")
			r.End(ctx, observe.OK, 200, 1)
			teller.Tell(ctx, observe.Event{Kind: observe.UnknownKeys, Count: 1})
		})
		if allocs != 0 || teller.On() {
			t.Errorf("%s: %v allocations, On() = %t, want 0, false", name, allocs, teller.On())
		}
	}
}

func TestTeller_Begin_host(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://a.example/keys?secret=1": "a.example",
		"http://[::1]:8080":               "[::1]:8080",
		"https://user:secret@a.example/":  "a.example",
		"127.0.0.1:6379":                  "127.0.0.1:6379",
		"":                                "",
		"https://a.example:bad/?secret=1": "",
		"https://" + strings.Repeat("a", 300) + "/": strings.Repeat("a", 256) + "…",
	} {
		var got []observe.Event
		teller := &observing.Teller{
			Now: time.Now, Part: observe.Keys, Name: strings.Repeat("n", 300),
			Observe: func(_ context.Context, e observe.Event) { got = append(got, e) },
		}
		r := teller.Begin(t.Context(), observe.KeySet, address)
		r.End(t.Context(), observe.OK, 200, 1)
		if len(got) != 2 || got[0].Host != want || got[1].Host != want || len(got[1].Name) != 256+len("…") {
			t.Errorf("Begin(%.40q): events = %v, want two with host %.40q", address, got, want)
		}
	}
}

// A clock that was set back makes no negative duration.
func TestRequest_End_clock(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var last observe.Event
	teller := &observing.Teller{
		Now:     func() time.Time { return now },
		Observe: func(_ context.Context, e observe.Event) { last = e },
	}
	for step, want := range map[time.Duration]time.Duration{time.Second: time.Second, 0: 0, -time.Hour: 0} {
		r := teller.Begin(t.Context(), observe.KeySet, "")
		now = now.Add(step)
		r.End(t.Context(), observe.OK, 200, 1)
		if last.Duration != want {
			t.Errorf("Duration after the clock went by %v = %v, want %v", step, last.Duration, want)
		}
	}
}
