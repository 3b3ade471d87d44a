package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A gate is a clock, one of whose readers it holds up. A question about a token
// that a rule names reads it once.
type gate struct {
	reads   atomic.Int64
	at      atomic.Int64 // the read that is held up
	reached chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{reached: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) Now() time.Time {
	if g.reads.Add(1) == g.at.Load() {
		close(g.reached)
		<-g.open
	}
	return t0
}

// A publisher is a Feed that notes what is watched when a rule is published.
type publisher struct {
	list    *revocation.List
	err     error
	watches chan int
}

func (p *publisher) Publish(context.Context, revocation.Rule) error {
	p.watches <- p.list.Status().Watches
	return p.err
}

func (*publisher) Current() error { return nil }

// watchMany watches tokens of user-0, user-1 and so on.
func watchMany(t *testing.T, l *revocation.List, n int) []context.Context {
	t.Helper()
	all := make([]context.Context, n)
	for i := range all {
		watched, err := l.WatchContext(t.Context(), user(t, i))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = watched
	}
	return all
}

// user returns the claims of a token of user-i, which was issued many-i seconds
// before t0.
func user(t *testing.T, i int) *validator.Claims {
	t.Helper()
	return claims(t, fmt.Sprintf(`"sub":"user-%d","client_id":"app","iat":%d`, i, t0.Unix()-many+int64(i)))
}

// everyone is the rule for the tokens of the first n users.
func everyone(n int) revocation.Rule {
	return revocation.Rule{Issuer: issuer, IssuedBefore: t0.Add(time.Duration(n-1-many) * time.Second), Until: t0.Add(24 * time.Hour)}
}

const many = 6000

// held begins many watches, and has a rule applied that names them all. It holds
// up the goroutine that ends them after some.
func held(t *testing.T, cfg revocation.Config, revoke func(*revocation.List) error) (*revocation.List, *gate, []context.Context) {
	t.Helper()
	g := newGate()
	cfg.Now = g.Now
	l, err := revocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := cfg.Feed.(*publisher); ok {
		p.list = l
	}
	all := watchMany(t, l, many)
	g.at.Store(g.reads.Load() + 2000)
	done := make(chan error, 1)
	go func() { done <- revoke(l) }()
	at(t, g.reached, "the clock is read by the goroutine")
	if err := at(t, done, "it does not wait for the goroutine"); err != nil {
		t.Fatal(err)
	}
	return l, g, all
}

// at returns what is in a channel once nothing goes on any more. A test that
// waited for it would wait for ever if a timer goes on.
func at[T any](t *testing.T, c <-chan T, what string) (value T) {
	t.Helper()
	synctest.Wait()
	select {
	case value = <-c:
	default:
		t.Fatalf("never: %s", what)
	}
	return value
}

func rest(t *testing.T, l *revocation.List, all []context.Context) {
	t.Helper()
	synctest.Wait()
	for i, watched := range all {
		if code, _ := isDone(watched); code != validator.CodeRevoked {
			t.Fatalf("the watch of user-%d: code = %q, want %q", i, code, validator.CodeRevoked)
		}
	}
	if n := l.Status().Watches; n != 0 {
		t.Errorf("%d are watched after all were revoked, want none", n)
	}
}

// A Feed is not held up by a rule that ends many watches, and neither is
// anything besides.
func TestWatch_manyInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testManyInTheBackground)
}

func testManyInTheBackground(t *testing.T) {
	l, g, all := held(t, revocation.Config{}, func(l *revocation.List) error { return l.Apply(everyone(many)) })
	if n := l.Status().Watches; n < many-2000 || n >= many {
		t.Errorf("%d are watched while the rest waits, want some of %d ended", n, many)
	}
	other, err := validator.NewClaims(fmt.Appendf(nil, `{"iss":"https://other.example.com/","sub":"anna","jti":"t-9","exp":%d}`, t0.Add(time.Hour).Unix()))
	if err != nil {
		t.Fatal(err)
	}
	watched, err := l.WatchContext(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Revoke(t.Context(), revocation.Rule{Issuer: other.Issuer, ID: other.ID}); err != nil {
		t.Fatal(err)
	}
	if code, _ := isDone(watched); code != validator.CodeRevoked {
		t.Errorf("another watch, meanwhile: code = %q, want %q", code, validator.CodeRevoked)
	}
	if _, err := l.WatchContext(t.Context(), user(t, 1)); validator.CodeOf(err) != validator.CodeRevoked {
		t.Errorf("WatchContext() of a revoked token, meanwhile = %v, want %q", err, validator.CodeRevoked)
	}
	close(g.open)
	rest(t, l, all)
}

// A rule for the same tokens that arrives while the first is carried out is
// carried out too.
func TestWatch_manyTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testManyTwice)
}

func testManyTwice(t *testing.T) {
	// The latest watches are looked at first, and this rule names none of them.
	l, g, all := held(t, revocation.Config{}, func(l *revocation.List) error { return l.Apply(everyone(many / 2)) })
	if code, done := isDone(all[many-1]); done {
		t.Errorf("a watch that the first rule doesn't name is done with %q", code)
	}
	for range 50 {
		if err := l.Apply(everyone(many)); err != nil {
			t.Fatal(err)
		}
	}
	close(g.open)
	rest(t, l, all)
}

// The other replicas needn't wait until all watches of this one have ended, but
// the caller of Revoke does, unless its context is done.
func TestWatch_manyByRevoke(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for _, tt := range []struct {
		name  string
		gives bool // the caller's context is done meanwhile
		want  error
	}{{"with the feed", false, nil}, {"without the feed", false, lost}, {"until the context is done", true, nil}} {
		synctest.Test(t, func(t *testing.T) {
			p := &publisher{err: tt.want, watches: make(chan int, 1)}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			returned := make(chan error, 1)
			l, g, all := held(t, revocation.Config{Feed: p}, func(l *revocation.List) error {
				go func() { returned <- l.Revoke(ctx, everyone(many)) }()
				return nil
			})
			if n := at(t, p.watches, "the rule is published"); n == 0 {
				t.Errorf("%s: none is watched when the rule is published, want some", tt.name)
			}
			synctest.Wait()
			select {
			case err := <-returned:
				t.Errorf("%s: Revoke() = %v before all watches have ended", tt.name, err)
			default:
			}
			if tt.gives {
				cancel()
				if err := at(t, returned, "Revoke() returns"); err != nil {
					t.Errorf("%s: Revoke() = %v, want none, since the rule holds", tt.name, err)
				}
				close(g.open)
			} else {
				close(g.open)
				if err := at(t, returned, "Revoke() returns"); !errors.Is(err, tt.want) {
					t.Errorf("%s: Revoke() = %v, want %v", tt.name, err, tt.want)
				}
				if n := l.Status().Watches; n != 0 {
					t.Errorf("%s: %d are watched after Revoke(), want none", tt.name, n)
				}
			}
			rest(t, l, all)
		})
	}
}
