package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// isDone reports whether ctx is done, and the code of its cause.
func isDone(ctx context.Context) (validator.Code, bool) {
	if ctx.Err() == nil {
		return "", false
	}
	return validator.CodeOf(context.Cause(ctx)), true
}

// A watch ends by the rules that reject the next request, and by no others.
func TestWatch_rules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rule revocation.Rule // of issuer, unless it has one
		want bool
	}{
		{"jti", revocation.Rule{ID: "t-1"}, true},
		{"another jti", revocation.Rule{ID: "t-2"}, false},
		{"sid", revocation.Rule{SessionID: "s-1"}, true},
		{"another sid", revocation.Rule{SessionID: "s-2"}, false},
		{"sub", revocation.Rule{Subject: "anna", IssuedBefore: t0}, true},
		{"sub, from before the token", revocation.Rule{Subject: "anna", IssuedBefore: t0.Add(-time.Hour - time.Second)}, false},
		{"sub, the token's second", revocation.Rule{Subject: "anna", IssuedBefore: t0.Add(-time.Hour)}, true},
		{"another sub", revocation.Rule{Subject: "bert", IssuedBefore: t0}, false},
		{"sub of another issuer", revocation.Rule{Issuer: "https://other.example.com/", Subject: "anna", IssuedBefore: t0}, false},
		{"client", revocation.Rule{ClientID: "app", IssuedBefore: t0}, true},
		{"another client", revocation.Rule{ClientID: "shop", IssuedBefore: t0}, false},
		{"organization", revocation.Rule{OrgID: "org_1", IssuedBefore: t0}, true},
		{"another organization", revocation.Rule{OrgID: "org_2", IssuedBefore: t0}, false},
		{"the actor's sub", revocation.Rule{Actor: "agent", IssuedBefore: t0}, true},
		{"the actor's client", revocation.Rule{Actor: "robot", IssuedBefore: t0}, true},
		{"an earlier actor", revocation.Rule{Actor: "earlier", IssuedBefore: t0}, false},
		{"the issuer", revocation.Rule{IssuedBefore: t0}, true},
		{"another issuer", revocation.Rule{Issuer: "https://other.example.com/", IssuedBefore: t0}, false},
		{"sub and client", revocation.Rule{Subject: "anna", ClientID: "app", IssuedBefore: t0}, true},
		{"sub and another client", revocation.Rule{Subject: "anna", ClientID: "shop", IssuedBefore: t0}, false},
		{"another sub and client", revocation.Rule{Subject: "bert", ClientID: "app", IssuedBefore: t0}, false},
		{"a text in another place", revocation.Rule{SessionID: "t-1"}, false},
		{"a rule that has ended", revocation.Rule{ID: "t-1", Until: t0.Add(-10 * time.Minute)}, false},
	} {
		l, _ := newList(t, revocation.Config{})
		c := claims(t, whole+hour)
		watched, err := l.WatchContext(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		channel := l.Watch(t.Context(), c)
		rule := tt.rule
		if rule.Issuer == "" {
			rule.Issuer = issuer
		}
		if err := l.Revoke(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
		code, done := isDone(watched)
		if done != tt.want || done && code != validator.CodeRevoked {
			t.Errorf("%s: after Revoke(), done = %t with %q, want %t with %q", tt.name, done, code, tt.want, validator.CodeRevoked)
		}
		select {
		case <-channel:
			done = true
		default:
			done = false
		}
		if done != tt.want {
			t.Errorf("%s: after Revoke(), the channel is closed: %t, want %t", tt.name, done, tt.want)
		}
		if rule, err := l.Revoked(t.Context(), c); (rule != nil) != tt.want || err != nil {
			t.Errorf("%s: Revoked() = %v, %v, so the watch and the next request disagree", tt.name, rule, err)
		}
		want := 2
		if tt.want {
			want = 0
		}
		if got := l.Status().Watches; got != want {
			t.Errorf("%s: Status().Watches = %d, want %d", tt.name, got, want)
		}
	}
}

// A rule that another replica has published ends watches too, and one that is
// known already doesn't look for any.
func TestWatch_apply(t *testing.T) {
	t.Parallel()
	l, _ := newList(t, revocation.Config{})
	rule := revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: t0.Add(-2 * time.Hour), Until: t0.Add(time.Hour)}
	for range 2 {
		if err := l.Apply(rule); err != nil {
			t.Fatal(err)
		}
	}
	watched, err := l.WatchContext(t.Context(), claims(t, whole+hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(rule); err != nil {
		t.Fatal(err)
	}
	if code, done := isDone(watched); done {
		t.Errorf("after a rule from before the token: done with %q, want it to go on", code)
	}
	rule.IssuedBefore = t0 // the same rule, by which more is revoked
	if err := l.Apply(rule); err != nil {
		t.Fatal(err)
	}
	if code, _ := isDone(watched); code != validator.CodeRevoked {
		t.Errorf("after Apply(): code = %q, want %q", code, validator.CodeRevoked)
	}
}

// What is not accepted at the beginning is not watched.
func TestWatch_atOnce(t *testing.T) {
	t.Parallel()
	late := &lateFeed{err: errors.New("late")}
	for _, tt := range []struct {
		name string
		cfg  revocation.Config
		at   time.Time
		want validator.Code
	}{
		{"a revoked token", revocation.Config{}, t0, validator.CodeRevoked},
		{"an expired token", revocation.Config{}, t0.Add(23*time.Hour + validator.DefaultLeeway), validator.CodeExpired},
		{"a late feed", revocation.Config{Feed: late}, t0, validator.CodeUnavailable},
		{"a panic of the feed", revocation.Config{Feed: &lateFeed{panics: true}}, t0, validator.CodeInternal},
		{"no time", revocation.Config{}, time.Time{}, validator.CodeUnavailable},
	} {
		l, c := newList(t, tt.cfg)
		if tt.want == validator.CodeRevoked {
			if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, ID: "t-1"}); err != nil {
				t.Fatal(err)
			}
		}
		c.set(tt.at)
		token := claims(t, whole+hour)
		if _, err := l.WatchContext(t.Context(), token); validator.CodeOf(err) != tt.want {
			t.Errorf("WatchContext(%s) = %v, want %q", tt.name, err, tt.want)
		}
		select {
		case <-l.Watch(t.Context(), token):
		default:
			t.Errorf("Watch(%s): the channel is open, want it closed", tt.name)
		}
		if n := l.Status().Watches; n != 0 {
			t.Errorf("%s: %d are watched, want none", tt.name, n)
		}
	}
	if _, err := new(revocation.List).WatchContext(t.Context(), claims(t, whole)); validator.CodeOf(err) != validator.CodeUnavailable {
		t.Errorf("WatchContext() of a List that New has not made = %v, want %q", err, validator.CodeUnavailable)
	}
}

// A lateFeed is a Feed whose Current fails or panics.
type lateFeed struct {
	mu     sync.Mutex
	err    error
	panics bool
}

func (*lateFeed) Publish(context.Context, revocation.Rule) error { return nil }

func (f *lateFeed) Current() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.panics {
		panic("a fault of the feed")
	}
	return f.err
}

func (f *lateFeed) set(err error, panics bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.panics = err, panics
}

// Watches are bounded, and a place is free again once a context is done.
func TestWatch_full(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := revocation.New(revocation.Config{MaxWatches: 2})
		if err != nil {
			t.Fatal(err)
		}
		c := living(t, time.Hour)
		first, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, ctx := range []context.Context{first, t.Context()} {
			if _, err := l.WatchContext(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.WatchContext(t.Context(), c); validator.CodeOf(err) != validator.CodeUnavailable {
			t.Errorf("WatchContext() of a third = %v, want %q", err, validator.CodeUnavailable)
		}
		cancel()
		synctest.Wait()
		if _, err := l.WatchContext(t.Context(), c); err != nil {
			t.Errorf("WatchContext() after one has ended = %v, want none", err)
		}
		if _, err := l.WatchContext(first, c); err != nil {
			t.Errorf("WatchContext() of a context that is done = %v, want none, since nothing is watched", err)
		}
		if n := l.Status().Watches; n != 2 {
			t.Errorf("%d are watched, want 2", n)
		}
	})
}

// living returns the claims of a token that is valid for d by the system's time.
func living(t testing.TB, d time.Duration) *validator.Claims {
	t.Helper()
	now := time.Now()
	c, err := validator.NewClaims(fmt.Appendf(nil, `{"iss":%q,"sub":"anna","iat":%d,"exp":%d}`, issuer, now.Unix(), now.Add(d).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A watch lasts as long as the Validator accepts the token, to the second.
func TestWatch_expiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := revocation.New(revocation.Config{})
		if err != nil {
			t.Fatal(err)
		}
		// In an order in which the timer has to be set forward.
		for _, d := range []time.Duration{time.Hour, time.Minute, 90 * time.Second, 2 * time.Minute, 20 * time.Second} {
			c := living(t, d)
			watched, err := l.WatchContext(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				<-watched.Done()
				code, _ := isDone(watched)
				if got, want := time.Now().Round(0), c.AcceptedUntil(); !got.Equal(want) || code != validator.CodeExpired {
					t.Errorf("the watch of a token of %v ends at %v with %q, want %v and %q", d, got, code, want, validator.CodeExpired)
				}
			}()
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(2 * time.Hour)
		if n := l.Status().Watches; n != 0 {
			t.Errorf("%d are watched, want none", n)
		}
	})
}

// If the clock steps, the end of a token is noticed within a second.
func TestWatch_clockSteps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		step  time.Duration
		after time.Duration // until the token ends, by the runtime's clock
	}{
		{"not at all", 0, time.Hour},
		{"forward, past the end", 2 * time.Hour, time.Second},
		{"forward, before the end", 30 * time.Minute, 30 * time.Minute},
		{"back", -time.Hour, 2 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			var step atomic.Int64
			var reads atomic.Int64
			l, err := revocation.New(revocation.Config{Now: func() time.Time {
				reads.Add(1)
				return time.Now().Add(time.Duration(step.Load()))
			}})
			if err != nil {
				t.Fatal(err)
			}
			watched, err := l.WatchContext(t.Context(), living(t, time.Hour-validator.DefaultLeeway))
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			step.Store(int64(tt.step))
			<-watched.Done()
			if took := time.Since(begun); took != tt.after {
				t.Errorf("%s: the watch has ended after %v, want %v", tt.name, took, tt.after)
			}
			// Nothing is left running.
			synctest.Wait()
			reads.Store(0)
			time.Sleep(time.Hour)
			if n := reads.Load(); n > 1 {
				t.Errorf("%s: the clock was read %d times in an hour without a watch, want once at most", tt.name, n)
			}
			// And it begins again.
			again, err := l.WatchContext(t.Context(), living(t, tt.step+time.Minute-validator.DefaultLeeway))
			if err != nil {
				t.Fatal(err)
			}
			begun = time.Now()
			<-again.Done()
			if took := time.Since(begun); took != time.Minute {
				t.Errorf("%s: the second watch has ended after %v, want a minute", tt.name, took)
			}
		})
	}
}

// A watch ends within a second if tokens must not be accepted any more because
// the feed is late, and if a function of the Config panics.
func TestWatch_outage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(*lateFeed, *atomic.Int32)
		want validator.Code
	}{
		{"a late feed", func(f *lateFeed, _ *atomic.Int32) { f.set(errors.New("late"), false) }, validator.CodeUnavailable},
		{"a feed that panics", func(f *lateFeed, _ *atomic.Int32) { f.set(nil, true) }, validator.CodeInternal},
		{"a clock that panics", func(_ *lateFeed, c *atomic.Int32) { c.Store(1) }, validator.CodeInternal},
		{"a clock without a time", func(_ *lateFeed, c *atomic.Int32) { c.Store(2) }, validator.CodeUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			feed, clock := new(lateFeed), new(atomic.Int32)
			l, err := revocation.New(revocation.Config{Feed: feed, Now: func() time.Time {
				switch clock.Load() {
				case 1:
					panic("a fault of the clock")
				case 2:
					return time.Time{}
				}
				return time.Now()
			}})
			if err != nil {
				t.Fatal(err)
			}
			var all []context.Context
			for range 3 {
				watched, err := l.WatchContext(t.Context(), living(t, time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, watched)
			}
			time.Sleep(10*time.Minute + time.Millisecond)
			tt.fail(feed, clock)
			time.Sleep(time.Second)
			synctest.Wait()
			for _, watched := range all {
				if code, _ := isDone(watched); code != tt.want {
					t.Errorf("%s: code = %q, want %q", tt.name, code, tt.want)
				}
			}
			if _, err := l.WatchContext(t.Context(), living(t, time.Hour)); validator.CodeOf(err) != tt.want {
				t.Errorf("%s: WatchContext() = %v, want %q", tt.name, err, tt.want)
			}
			feed.set(nil, false)
			clock.Store(0)
			if _, err := l.WatchContext(t.Context(), living(t, time.Hour)); err != nil {
				t.Errorf("%s: WatchContext() after it = %v, want none", tt.name, err)
			}
		})
	}
}

// A panic while one watch is looked at doesn't save the others from the rule.
func TestWatch_panicDuringRevoke(t *testing.T) {
	t.Parallel()
	feed := new(lateFeed)
	l, _ := newList(t, revocation.Config{Feed: feed})
	old, err := l.WatchContext(t.Context(), claims(t, whole+hour))
	if err != nil {
		t.Fatal(err)
	}
	young, err := l.WatchContext(t.Context(), claims(t, `"sub":"anna","iat":1772366460`)) // a minute after t0
	if err != nil {
		t.Fatal(err)
	}
	feed.set(nil, true)
	// young is not revoked, so that its question comes to the feed.
	if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: t0}); err != nil {
		t.Fatal(err)
	}
	if code, _ := isDone(old); code != validator.CodeRevoked {
		t.Errorf("the revoked token: code = %q, want %q", code, validator.CodeRevoked)
	}
	if code, _ := isDone(young); code != validator.CodeInternal {
		t.Errorf("the token that can't be decided about: code = %q, want %q", code, validator.CodeInternal)
	}
}

// A rule that arrives while a token begins to be watched is not missed.
func TestWatch_revokeMeanwhile(t *testing.T) {
	t.Parallel()
	for i := range 300 {
		l, _ := newList(t, revocation.Config{})
		var wg sync.WaitGroup
		begin := make(chan struct{})
		watches := make(chan context.Context, 8)
		for range cap(watches) {
			c := claims(t, whole+hour)
			wg.Go(func() {
				<-begin
				watched, err := l.WatchContext(t.Context(), c)
				if err == nil {
					watches <- watched
				} else if validator.CodeOf(err) != validator.CodeRevoked {
					t.Errorf("WatchContext() = %v", err)
				}
			})
		}
		wg.Go(func() {
			<-begin
			if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: t0}); err != nil {
				t.Error(err)
			}
		})
		close(begin)
		wg.Wait()
		close(watches)
		for watched := range watches {
			if code, _ := isDone(watched); code != validator.CodeRevoked {
				t.Fatalf("round %d: a watch goes on after Revoke() has returned", i)
			}
		}
		if n := l.Status().Watches; n != 0 {
			t.Fatalf("round %d: %d are watched, want none", i, n)
		}
	}
}

// Whatever ends a watch first, the others don't disturb it, and nothing is left.
func TestWatch_concurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, err := revocation.New(revocation.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			c := living(t, time.Duration(i%7)*time.Second)
			go func() {
				_, _ = l.WatchContext(ctx, c)
			}()
			go func() {
				time.Sleep(time.Duration(i%5) * 10 * time.Second)
				cancel()
			}()
			go func() {
				time.Sleep(time.Duration(i%3) * 10 * time.Second)
				_ = l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: time.Now()})
			}()
		}
		time.Sleep(10 * time.Minute)
		if n := l.Status().Watches; n != 0 {
			t.Errorf("%d are watched, want none", n)
		}
	})
}

// A watch has no goroutine.
func TestWatch_goroutines(t *testing.T) { //nolint:paralleltest // it counts goroutines
	l, _ := newList(t, revocation.Config{})
	c := claims(t, whole+hour)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 10_000 {
		if _, err := l.WatchContext(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if n := runtime.NumGoroutine() - before; n > 5 {
		t.Errorf("10000 watches have %d goroutines, want none", n)
	}
	if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, IssuedBefore: t0}); err != nil {
		t.Fatal(err)
	}
	if n := l.Status().Watches; n != 0 {
		t.Errorf("%d are watched after all were revoked, want none", n)
	}
}
