// Package observing calls a Config's Observe.
package observing

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/logging"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/observe"
)

// A Teller tells a program's function of what a part does. With a nil Observe
// its methods do nothing, and allocate nothing. No lock may be held when they
// are called.
type Teller struct {
	Observe func(context.Context, observe.Event)
	Logger  *slog.Logger // gets the panics of Observe; if nil, [slog.Default] is used
	Now     func() time.Time
	Part    observe.Part
	Name    string
}

// maxText is the length of the longest text of an event, in bytes.
const maxText = 256

// On reports whether there is a function to tell.
func (t *Teller) On() bool { return t != nil && t.Observe != nil }

// Tell tells of e, whose Part, Name and Time it sets. A panic is contained and
// logged.
func (t *Teller) Tell(ctx context.Context, e observe.Event) {
	if !t.On() {
		return
	}
	e.Part, e.Name, e.Time = t.Part, show.Cut(t.Name, maxText), t.Now()
	t.tell(ctx, e)
}

// tell is apart from Tell, so that without Observe no event escapes to the heap.
func (t *Teller) tell(ctx context.Context, e observe.Event) {
	panicked := fault.Contain(func() { t.Observe(ctx, e) })
	if panicked == nil {
		return
	}
	logging.Write(ctx, t.Logger, slog.LevelError, "Config.Observe failed",
		slog.String("part", string(t.Part)), slog.String("name", t.Name), slog.String("error", panicked.Error()))
}

// A Request is one that has begun.
type Request struct {
	teller  *Teller
	request observe.Request
	host    string
	began   time.Time
}

// Begin tells that a request to a URL, or to a host, has begun.
func (t *Teller) Begin(ctx context.Context, request observe.Request, address string) Request {
	if !t.On() {
		return Request{}
	}
	r := Request{teller: t, request: request, host: show.Cut(hostOf(address), maxText), began: t.Now()}
	t.Tell(ctx, observe.Event{Kind: observe.RequestBegan, Request: request, Host: r.host})
	return r
}

// On reports whether there is a function to tell.
func (r *Request) On() bool { return r.teller != nil }

// End tells that r has ended.
func (r *Request) End(ctx context.Context, outcome observe.Outcome, status, bytes int) {
	if r.teller == nil {
		return
	}
	r.teller.Tell(ctx, observe.Event{
		Kind: observe.RequestEnded, Request: r.request, Host: r.host, Outcome: outcome, Status: status, Bytes: bytes,
		Duration: max(0, r.teller.Now().Sub(r.began)),
	})
}

// hostOf returns the host of a URL, whose path and query may hold secrets. Any
// other address is a host.
func hostOf(address string) string {
	if !strings.Contains(address, "://") {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// IDs returns at most 100 key IDs for an event.
func IDs(ids []string) []string {
	const most = 100
	for i := range ids[:min(len(ids), most)] {
		ids[i] = show.Cut(ids[i], maxText)
	}
	return ids[:min(len(ids), most)]
}
