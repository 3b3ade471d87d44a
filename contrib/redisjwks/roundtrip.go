package redisjwks

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/wantedkid"
	"github.com/rsguard/rsguard/jwks"
)

// Times that need no option.
const (
	lease      = 2 * time.Second        // after that, a fetch may begin beside one that has not ended
	poll       = 100 * time.Millisecond // between two looks at a fetch in progress, and as much again at random
	spread     = 250 * time.Millisecond // of those that wait for the same moment
	patience   = 5 * time.Second        // of a request without an earlier deadline
	clockSkew  = time.Minute            // between the clocks of two processes
	maxFailure = 30 * time.Second       // how long a failure is remembered, if the issuer asks for it
)

// RoundTrip returns a response of the issuer that this process or another has
// received. A request that can't be shared is sent as it is: one that is not a
// GET, or has credentials, a Range, or no-store in its Cache-Control.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.store == nil {
		return nil, errors.New("redisjwks: the Transport was not made by New")
	}
	if !isShareable(r) {
		return t.cfg.Transport.RoundTrip(r)
	}
	url := r.URL.String()
	q := query{name: t.cfg.Prefix + t.seal.name(url), after: anyTime, maxAge: t.cfg.MaxAge, interval: t.cfg.Interval, keep: t.keep()}
	w := wishOf(r)
	if w.forced && w.kid == "" {
		q.after = fromNow
	}
	start, whole := time.Now(), patience
	if deadline, ok := r.Context().Deadline(); ok {
		whole = min(whole, time.Until(deadline))
	}
	alone, limit := false, whole/10*9
	for time.Since(start) < limit {
		f, err := t.store.begin(r.Context(), q)
		t.noteRedis(err)
		if err != nil {
			alone = true
			break
		}
		if q.after == fromNow {
			q.after = f.after
		}
		good, isGood := t.open(f.good, url, f.goodSeq, t.keep())
		fail, isFail := t.open(f.fail, url, f.failSeq, maxFailure+clockSkew)
		if isGood {
			t.waits.end(q.name, good.Time.Add(whole))
		}
		if isFail {
			t.waits.end(q.name, fail.Time.Add(whole))
		}
		if alone = t.waits.since(q.name, start) > t.cfg.Interval+2*whole; alone {
			limit = whole / 10 * 6 // the rest is for a fetch of its own
		}
		recent := isGood && time.Since(good.Time) < 2*t.cfg.MaxAge+clockSkew
		switch {
		case f.fresh && recent && (!w.forced || q.after >= 0):
			return good.response(r), nil
		case recent && (f.fresh || q.after >= 0) && !f.granted && w.satisfiedBy(good):
			return good.response(r), nil
		case f.fresh && recent:
			q.after = fromNow // only a later one can have the key
			continue
		case f.fresh:
			q.ignoreGood = f.goodSeq
			continue
		case f.failing && isFail && isGood && !w.forced && time.Since(good.Time) < t.cfg.MaxStale:
			return good.response(r), nil
		case f.failing && isFail:
			return fail.failure(r, f.wait)
		case f.failing:
			q.ignoreFail = f.failSeq
			continue
		case f.granted:
			if !isGood {
				good = nil
			}
			late := time.Since(start) > whole/10
			return t.fetch(r, q, f, good, !w.forced, late)
		case recent && !w.forced:
			return good.response(r), nil // another process is at it
		}
		if !f.leased && f.wait > limit-time.Since(start) {
			break // not even the next fetch will have begun
		}
		if err := sleep(r.Context(), f.pause()); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if alone {
		return t.cfg.Transport.RoundTrip(r)
	}
	t.waits.begin(q.name, start)
	return nil, errWaited
}

// errWaited is an error and not a request, because all of the processes have
// waited. The issuer is probably slow or silent, and would get a request of each.
var errWaited = errors.New("redisjwks: other processes are fetching, and have no response yet")

// A wish is what a request wants that the response of any fetch may not be.
type wish struct {
	forced bool   // a response that was requested after it,
	kid    string // or any of the last MaxAge with this key, if it is not empty
	looked int64  // the last fetch whose response lacks the key
}

func wishOf(r *http.Request) *wish {
	if !hasDirective(r.Header, "no-cache") {
		return &wish{}
	}
	return &wish{forced: true, kid: wantedkid.From(r.Context())}
}

// satisfiedBy reports whether a response has the key. No later response could
// tell the caller more, so it need not wait for one.
func (w *wish) satisfiedBy(r *record) bool {
	if w.kid == "" || r.Seq <= w.looked {
		return false
	}
	w.looked = r.Seq
	set, err := jwks.Parse(r.Body)
	return err == nil && slices.ContainsFunc(set, func(k jwks.Key) bool { return k.ID == w.kid })
}

// keep is how long Redis keeps a response.
func (t *Transport) keep() time.Duration { return max(t.cfg.MaxStale, 2*t.cfg.MaxAge+clockSkew) }

// pause returns how long to wait before the next look.
func (f found) pause() time.Duration {
	if f.leased {
		return poll + rand.N(poll) //nolint:gosec // G404: spreading needs no secrecy
	}
	return f.wait + rand.N(spread) //nolint:gosec // G404: spreading needs no secrecy
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetch sends the request for all processes. The response that is held may be
// confirmed by a 304, or used if the issuer fails. A late fetch does not have all
// of the time of its request.
func (t *Transport) fetch(r *http.Request, q query, f found, held *record, mayUseHeld, late bool) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.Header.Del("If-None-Match")
	confirmable := held
	if held != nil && held.Header["Etag"] != "" {
		sent.Header.Set("If-None-Match", held.Header["Etag"])
	} else {
		confirmable = nil // by a 304, which is not asked for
	}
	got := record{URL: r.URL.String(), Seq: f.seq, Time: time.Now().Round(0)}
	res, err := t.cfg.Transport.RoundTrip(sent)
	if err == nil {
		err = got.read(res, confirmable)
	}
	if ended := r.Context().Err(); err != nil && ended != nil && (late || errors.Is(ended, context.Canceled)) {
		return nil, err // the caller has left, or waited before, which says nothing about the issuer
	}
	if err != nil {
		got.Status, got.Body, got.Error = 0, nil, clipped(err.Error())
	}
	e := ending{name: q.name, seq: f.seq, began: f.now, keep: q.keep, blob: t.seal.close(&got)}
	if got.Status != http.StatusOK {
		e.failedFor = max(t.cfg.Interval, got.retryAfter(maxFailure))
		// A silent issuer is left alone for as long as it was silent. If that were
		// shorter, many processes would miss the outcome, and wait in vain again.
		e.failedFor = max(e.failedFor, min(time.Since(got.Time), maxFailure))
	}
	// The others are told even if this request has ended.
	t.noteRedis(t.store.end(context.WithoutCancel(r.Context()), e))
	useHeld := got.Status != http.StatusOK && held != nil && mayUseHeld && time.Since(held.Time) < t.cfg.MaxStale
	t.noteIssuer(useHeld, &got, held)
	switch {
	case useHeld:
		return held.response(r), nil
	case err != nil:
		return nil, err
	case got.Status != http.StatusOK:
		return got.failure(r, e.failedFor)
	}
	return got.firstHand(r), nil
}

// open returns what is stored, if its seal is valid and it is no older than
// that.
func (t *Transport) open(blob []byte, url string, seq int64, oldest time.Duration) (*record, bool) {
	if len(blob) == 0 {
		return nil, false
	}
	r, err := t.seal.open(blob)
	if err == nil && (r.URL != url || r.Seq != seq) {
		err = errors.New("the seal is that of another response")
	}
	if err != nil {
		t.reportSeal(err)
		return nil, false
	}
	age := time.Since(r.Time)
	return r, -clockSkew <= age && age < oldest
}

func isShareable(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != "" || r.Body != nil && r.Body != http.NoBody || r.URL == nil || r.URL.User != nil {
		return false
	}
	for _, name := range []string{"Authorization", "Cookie", "Range"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return !hasDirective(r.Header, "no-store")
}

// hasDirective reports whether a request's Cache-Control has a directive (RFC
// 9111, Section 5.2.1).
func hasDirective(h http.Header, name string) bool {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(directive), name) {
			return true
		}
	}
	return false
}
