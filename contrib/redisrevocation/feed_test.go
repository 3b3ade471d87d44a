package redisrevocation_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/rsguard/rsguard/contrib/redisrevocation"
	"github.com/rsguard/rsguard/internal/redisserver"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/readiness"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

const issuer = "https://login.example.com/"

func newClient(t testing.TB, addr string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// A replica is a List with its Feed.
type replica struct {
	list *revocation.List
	feed *redisrevocation.Feed
	stop func()
}

func start(t testing.TB, cfg redisrevocation.Config, capacity int) *replica {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	feed, err := redisrevocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	list, err := revocation.New(revocation.Config{Feed: feed, Capacity: capacity})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := feed.Run(ctx, list); !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want that of the context", err)
		}
	}()
	r := &replica{list, feed, sync.OnceFunc(func() { cancel(); <-done })}
	t.Cleanup(r.stop)
	return r
}

// code is that of the decision about a token with this jti.
func (r *replica) code(jti string) validator.Code {
	return validator.CodeOf(r.list.Check(context.Background(), &validator.Claims{Issuer: issuer, ID: jti, ExpiresAt: time.Now().Add(time.Hour)}))
}

// until waits until the decision is want, and returns how long that took.
func (r *replica) until(t testing.TB, jti string, want validator.Code) time.Duration {
	t.Helper()
	return eventually(t, fmt.Sprintf("the code of %s is %q", jti, want), func() bool { return r.code(jti) == want })
}

// probe asks package readiness, with Current as one of its checks.
func (r *replica) probe(t testing.TB, want int) {
	t.Helper()
	ready, err := readiness.New(readiness.Config{
		Checks: map[string]func(context.Context) error{"revocation feed": func(context.Context) error { return r.feed.Current() }},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	ready.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if w.Code != want {
		t.Errorf("GET /readyz = %d %q, want %d", w.Code, w.Body, want)
	}
}

func eventually(t testing.TB, what string, condition func() bool) time.Duration {
	t.Helper()
	began, most := time.Now(), 2*time.Minute
	if testing.Short() {
		most = 30 * time.Second // where many faults are tried
	}
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for !condition() {
		if <-tick.C; time.Since(began) > most {
			t.Fatalf("never: %s", what)
		}
	}
	return time.Since(began)
}

func rule(jti string) revocation.Rule { return revocation.Rule{Issuer: issuer, ID: jti} }

// revoke tries again after an error, as callers have to. A busy machine may take
// longer than Timeout.
func (r *replica) revoke(t testing.TB, jti string) {
	t.Helper()
	eventually(t, fmt.Sprintf("Revoke(%s) succeeds", jti), func() bool { return r.list.Revoke(t.Context(), rule(jti)) == nil })
}

// reach revokes n tokens, one after the other, and logs how long each took until
// it was rejected by another replica. As callers have to, it tries again after
// an error. For a while after an outage, the client returns errors of its dials
// from before.
func (r *replica) reach(t testing.TB, other *replica, name string, n int, when string) {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		jti := fmt.Sprintf("%s-%d", name, i)
		began := time.Now()
		r.revoke(t, jti)
		other.until(t, jti, validator.CodeRevoked)
		took[i] = time.Since(began)
	}
	t.Logf("from Revoke to refusal%s: %s", when, percentiles(took))
}

func percentiles(d []time.Duration) string {
	slices.Sort(d)
	return fmt.Sprintf("p50 %v, p99 %v, most %v of %d", d[len(d)/2].Round(time.Microsecond), d[len(d)*99/100].Round(time.Microsecond), d[len(d)-1].Round(time.Microsecond), len(d))
}

// A rule of one replica is in force on the other, and on one that starts later.
func TestReplicas(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	a := start(t, redisrevocation.Config{Client: newClient(t, s.Addr())}, 0)
	b := start(t, redisrevocation.Config{Client: newClient(t, s.Addr())}, 0)
	a.until(t, "good", "")
	b.until(t, "good", "")
	a.reach(t, b, "t", 200, "")
	if code := b.code("good"); code != "" {
		t.Errorf("code of another token = %q, want none", code)
	}
	c := start(t, redisrevocation.Config{Client: newClient(t, s.Addr())}, 0)
	// It decides about nothing before it has all rules.
	if code := c.code("t-199"); code != validator.CodeUnavailable && code != validator.CodeRevoked {
		t.Errorf("code at the start = %q, want %q", code, validator.CodeUnavailable)
	}
	c.until(t, "good", "")
	for i := range 200 {
		if code := c.code(fmt.Sprint("t-", i)); code != validator.CodeRevoked {
			t.Errorf("code of t-%d on a new replica = %q, want %q", i, code, validator.CodeRevoked)
		}
	}
	before := time.Now().Add(-time.Hour).Truncate(time.Second)
	// Every value arrives.
	whole := revocation.Rule{Issuer: issuer, ID: "a", Subject: "b\x00\"é", SessionID: "c", ClientID: "d", OrgID: "e", IssuedBefore: before, Until: time.Now().Add(time.Hour).Truncate(time.Second)}
	if err := a.list.Revoke(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	claims := &validator.Claims{Issuer: issuer, ID: "a", Subject: whole.Subject, SessionID: "c", ClientID: "d", OrgID: "e", IssuedAt: before, ExpiresAt: time.Now().Add(time.Hour)}
	var got *revocation.Rule
	eventually(t, "a rule with all values", func() bool {
		got, _ = c.list.Revoked(t.Context(), claims)
		return got != nil
	})
	if !got.IssuedBefore.Equal(before) || !got.Until.Equal(whole.Until) {
		t.Errorf("rule = %v, want %v", got, whole)
	}
	if status := c.feed.Status(); status.Late || status.Err != nil || status.Skipped != 0 || status.Kept < 201 {
		t.Errorf("Status() = %+v, want all well", status)
	}
}

// Redis is killed and loses all. What was revoked stays so, a replica that starts
// afterwards knows of it, and nothing honest is rejected for good.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, reject := range []bool{false, true} {
		t.Run(fmt.Sprint("RejectIfLate ", reject), func(t *testing.T) {
			t.Parallel()
			s := redisserver.New(t)
			log, told := new(logged), new(logged)
			cfg := func() redisrevocation.Config {
				return redisrevocation.Config{
					Client: newClient(t, s.Addr()), MaxLag: 500 * time.Millisecond, Timeout: 300 * time.Millisecond,
					RejectIfLate: reject, Logger: slog.New(slog.NewTextHandler(log, nil)),
				}
			}
			observed := cfg()
			observed.Observe = func(_ context.Context, e observe.Event) {
				if e.Kind != observe.RequestBegan {
					_, _ = fmt.Fprintf(told, "%s %s %s %s %s %t\n", e.Part, e.Name, e.Request, e.Outcome, e.State, e.Failing)
				}
			}
			a, b := start(t, cfg(), 0), start(t, observed, 0)
			a.until(t, "good", "")
			b.until(t, "good", "")
			a.revoke(t, "before")
			b.until(t, "before", validator.CodeRevoked)

			// In flight.
			errs := make(chan error, 100)
			for i := range cap(errs) {
				go func() { errs <- a.list.Revoke(context.Background(), rule(fmt.Sprint("flight-", i))) }()
				if i == cap(errs)/2 {
					s.Kill()
				}
			}
			for range cap(errs) {
				<-errs
			}
			if err := a.list.Revoke(t.Context(), rule("during")); err == nil {
				t.Error("Revoke() without Redis = nil")
			}
			if code := a.code("during"); code != validator.CodeRevoked {
				t.Errorf("code where it was revoked = %q, want %q", code, validator.CodeRevoked)
			}
			eventually(t, "b says that it is late", func() bool { return b.feed.Status().Late })
			if code := b.code("before"); code != validator.CodeRevoked {
				t.Errorf("code of what was revoked before = %q, want %q", code, validator.CodeRevoked)
			}
			want := map[bool]validator.Code{true: validator.CodeUnavailable}[reject]
			if code := b.code("good"); code != want {
				t.Errorf("code of a good token = %q, want %q", code, want)
			}
			// A late feed takes no instance out of service that serves requests.
			b.probe(t, map[bool]int{true: 503, false: 200}[reject])
			eventually(t, "a line says so", func() bool { return strings.Contains(log.String(), "the revocation feed is late") })
			eventually(t, "Observe is told", func() bool { return strings.Contains(told.String(), "revocation rsguard:revocation:   late true\n") })
			if got := told.String(); !strings.Contains(got, "feed ok ") || !strings.Contains(got, "feed failed ") && !strings.Contains(got, "feed timeout ") {
				t.Errorf("Observe was told %q, want requests that have succeeded, and some that have not", got)
			}

			began := time.Now()
			s.Restart()
			for i := range cap(errs) {
				b.until(t, fmt.Sprint("flight-", i), validator.CodeRevoked)
			}
			b.until(t, "during", validator.CodeRevoked)
			t.Logf("all is in force %v after the start", time.Since(began).Round(time.Millisecond))
			b.until(t, "good", "")
			c := start(t, cfg(), 0)
			c.until(t, "good", "")
			c.until(t, "before", validator.CodeRevoked)
			c.until(t, "during", validator.CodeRevoked)
			eventually(t, "b is back", func() bool { return !b.feed.Status().Late })
			b.probe(t, 200)
			eventually(t, "Observe is told", func() bool {
				return strings.Contains(told.String(), "revocation rsguard:revocation:   current false\n")
			})
			eventually(t, "a line says so", func() bool { return strings.Contains(log.String(), "the revocation feed is back") })
			a.reach(t, b, "after", 100, " after it was killed")
		})
	}
}

// frozen is how long Redis hangs. It is short by default.
var frozen = flag.Duration("frozen", 0, "how long Redis hangs in TestFrozen, at least")

// Redis hangs and goes on.
func TestFrozen(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	cfg := func() redisrevocation.Config {
		return redisrevocation.Config{Client: newClient(t, s.Addr()), MaxLag: 400 * time.Millisecond, Timeout: 300 * time.Millisecond}
	}
	a, b := start(t, cfg(), 0), start(t, cfg(), 0)
	a.until(t, "good", "")
	b.until(t, "good", "")
	s.Freeze()
	if err := a.list.Revoke(t.Context(), rule("during")); err == nil {
		t.Error("Revoke() = nil while Redis hangs")
	}
	hung := time.Now()
	eventually(t, "b says that it is late", func() bool { return b.feed.Status().Late && time.Since(hung) >= *frozen })
	if code := b.code("good"); code != "" {
		t.Errorf("code of a good token = %q, want none", code)
	}
	began := time.Now()
	s.Resume()
	a.revoke(t, "during")
	b.until(t, "during", validator.CodeRevoked)
	t.Logf("in force %v after it goes on", time.Since(began).Round(time.Millisecond))
	eventually(t, "b is back", func() bool { return !b.feed.Status().Late })
	a.reach(t, b, "later", 100, " after it was frozen")
}

// The other server takes over, and has not got the last rule that was stored.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := redisserver.New(t)
	_, port, _ := net.SplitHostPort(primary.Addr())
	other := redisserver.New(t, "--replicaof", "127.0.0.1", port)
	var addr atomic.Pointer[string]
	first, second := primary.Addr(), other.Addr()
	addr.Store(&first)
	client := func() *redis.Client {
		c := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, MaxRetries: -1, Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, *addr.Load())
		}})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	cfg := func() redisrevocation.Config {
		return redisrevocation.Config{Client: client(), MaxLag: time.Second, Timeout: 500 * time.Millisecond}
	}
	a, b := start(t, cfg(), 0), start(t, cfg(), 0)
	a.until(t, "good", "")
	b.until(t, "good", "")
	a.revoke(t, "both")
	direct := newClient(t, second)
	eventually(t, "it is replicated", func() bool {
		n, err := direct.XLen(t.Context(), "{rsguard:revocation:}stream").Result()
		return err == nil && n == 2
	})
	if err := direct.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	a.revoke(t, "lost") // the primary says yes, and dies
	b.until(t, "lost", validator.CodeRevoked)
	began := time.Now()
	addr.Store(&second)
	primary.Kill()
	a.revoke(t, "after")
	b.until(t, "after", validator.CodeRevoked)
	t.Logf("in force %v after the failover", time.Since(began).Round(time.Millisecond))
	a.reach(t, b, "later", 100, " after the failover")
	eventually(t, "the lost rule is stored again", func() bool {
		members, err := direct.ZRange(t.Context(), "{rsguard:revocation:}rules", 0, -1).Result()
		return err == nil && strings.Contains(strings.Join(members, " "), `"lost"`)
	})
	c := start(t, cfg(), 0)
	c.until(t, "good", "")
	for _, jti := range []string{"both", "lost", "after"} {
		c.until(t, jti, validator.CodeRevoked)
	}
}

// The keys are deleted or evicted, one at a time or both, or the stream is cut.
func TestDeleted(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	for i, loss := range []string{
		`redis.call('DEL', KEYS[1])`, `redis.call('DEL', KEYS[2])`, `redis.call('DEL', KEYS[1], KEYS[2])`,
		// The rule is in the stream for no time, and another one comes after it.
		`redis.call('ZADD', KEYS[1], 'inf', ARGV[1]) redis.call('XTRIM', KEYS[2], 'MAXLEN', 0) redis.call('XADD', KEYS[2], '*', 'x', '')`,
	} {
		cfg := func() redisrevocation.Config {
			return redisrevocation.Config{Client: newClient(t, s.Addr()), Prefix: fmt.Sprint("p", i), MaxLag: 400 * time.Millisecond}
		}
		a, b := start(t, cfg(), 0), start(t, cfg(), 0)
		a.until(t, "good", "")
		b.until(t, "good", "")
		a.revoke(t, "before")
		b.until(t, "before", validator.CodeRevoked)
		record := fmt.Sprintf(`{"iss":%q,"jti":"cut","until":%d}`, issuer, time.Now().Add(time.Hour).Unix())
		keys := []string{fmt.Sprintf("{p%d}rules", i), fmt.Sprintf("{p%d}stream", i)}
		if err := newClient(t, s.Addr()).Eval(t.Context(), loss, keys, record).Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		a.revoke(t, "after")
		b.until(t, "after", validator.CodeRevoked)
		if strings.Contains(loss, "XTRIM") {
			b.until(t, "cut", validator.CodeRevoked)
		}
		eventually(t, "a new replica knows the rules", func() bool {
			c := start(t, cfg(), 0)
			defer c.stop()
			c.until(t, "good", "")
			return c.code("before") == validator.CodeRevoked && c.code("after") == validator.CodeRevoked
		})
	}
}

// maxBytes is what Redis may need for a rule of 100 bytes, with its part of the
// stream.
const maxBytes = 500

// The rules of a burst that is longer than the stream all arrive, and what they
// take is bounded.
func TestBurst(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	client := newClient(t, s.Addr())
	cfg := func() redisrevocation.Config {
		return redisrevocation.Config{Client: newClient(t, s.Addr()), Timeout: 10 * time.Second, MaxLag: time.Minute, Resend: 1000}
	}
	a, b := start(t, cfg(), 0), start(t, cfg(), 0)
	a.until(t, "good", "")
	b.until(t, "good", "")
	used := func() (n int) {
		info, err := client.Info(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, "\nused_memory:")
		if _, err := fmt.Sscan(rest, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const rules, workers = 20_000, 16
	before, began := used(), time.Now()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < rules; i += workers {
				if err := a.list.Revoke(context.Background(), rule(fmt.Sprint("JeNVZcXHdwWjVbJ8iMbHf-", i))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	published := time.Since(began)
	eventually(t, "all rules arrive", func() bool { return b.list.Status().Rules == rules })
	each := (used() - before) / rules
	t.Logf("%d rules: %.0f a second, %d bytes of Redis each, all there %v after the last", rules, rules/published.Seconds(), each, (time.Since(began) - published).Round(time.Millisecond))
	if each > maxBytes {
		t.Errorf("a rule takes %d bytes of Redis, want %d at most", each, maxBytes)
	}
	if n, err := client.XLen(t.Context(), "{rsguard:revocation:}stream").Result(); err != nil || n > 11_000 {
		t.Errorf("the stream has %d entries, %v, want about 10,000", n, err)
	}
	if got := b.feed.Status().Kept; got != 1000 {
		t.Errorf("Status().Kept = %d, want 1000", got)
	}
}

// A replica whose List is too small says so, and what can't be read is skipped.
func TestFullAndMalformed(t *testing.T) {
	t.Parallel()
	s := redisserver.New(t)
	log := new(logged)
	a := start(t, redisrevocation.Config{Client: newClient(t, s.Addr())}, 0)
	b := start(t, redisrevocation.Config{Client: newClient(t, s.Addr()), RejectIfLate: true, Logger: slog.New(slog.NewTextHandler(log, nil))}, 2)
	b.until(t, "good", "")
	client := newClient(t, s.Addr())
	for _, text := range []string{"", "{", `{"iss":"i","until":1,"more":1}`, `{"iss":"i","until":1}`, `{"iss":"i","jti":"1","until":99999999999}{}`, `{"until":99999999999,"jti":"1"}`} {
		if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: "{rsguard:revocation:}stream", Values: []string{"r", text}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		a.revoke(t, fmt.Sprint(i))
		b.until(t, fmt.Sprint(i), validator.CodeRevoked)
	}
	if status := b.feed.Status(); status.Skipped != 6 || status.Late {
		t.Errorf("Status() = %+v, want 6 skipped, and not late", status)
	}
	a.revoke(t, "2")
	b.until(t, "good", validator.CodeUnavailable)
	if !strings.Contains(log.String(), "a revocation was not applied") {
		t.Errorf("log = %s, want a line", log)
	}
}

func TestNotRun(t *testing.T) {
	t.Parallel()
	if _, err := redisrevocation.New(redisrevocation.Config{MaxLag: 1, Timeout: -1, Resend: 1 << 30}); err == nil ||
		!strings.Contains(err.Error(), "Client is nil") || !strings.Contains(err.Error(), "MaxLag") || !strings.Contains(err.Error(), "Timeout") || !strings.Contains(err.Error(), "Resend") {
		t.Errorf("New() = %v, want four faults", err)
	}
	if _, err := redisrevocation.New(redisrevocation.Config{Client: redis.NewClient(&redis.Options{})}); err == nil || !strings.Contains(err.Error(), "ContextTimeoutEnabled") {
		t.Errorf("New() = %v, want a fault of the client", err)
	}
	now := time.Now()
	var at atomic.Pointer[time.Time]
	at.Store(&now)
	dead := redis.NewClient(&redis.Options{ContextTimeoutEnabled: true, MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no Redis here, and \"s3cret\"")
	}})
	t.Cleanup(func() { _ = dead.Close() })
	cfg := redisrevocation.Config{Client: dead, Now: func() time.Time { return *at.Load() }, Logger: slog.New(slog.DiscardHandler)}
	feed, err := redisrevocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if feed.Current() == nil || !feed.Status().Late {
		t.Error("a Feed that doesn't run is current")
	}
	if feed.Run(t.Context(), nil) == nil {
		t.Error("Run(nil) = nil")
	}
	// At the start, it waits for the rules no longer than MaxLag.
	r := start(t, cfg, 0)
	eventually(t, "it has tried", func() bool {
		err := r.feed.Status().Err
		return err != nil && strings.Contains(err.Error(), "no Redis here")
	})
	for _, tt := range []struct {
		after time.Duration
		want  validator.Code
	}{{0, validator.CodeUnavailable}, {redisrevocation.DefaultMaxLag - 1, validator.CodeUnavailable}, {redisrevocation.DefaultMaxLag, ""}} {
		later := now.Add(tt.after)
		at.Store(&later)
		if code := r.code("good"); code != tt.want {
			t.Errorf("code %v after the start = %q, want %q", tt.after, code, tt.want)
		}
	}
	var zero redisrevocation.Feed
	if zero.Current() == nil || zero.Publish(t.Context(), rule("1")) == nil || zero.Run(t.Context(), r.list) == nil || !zero.Status().Late {
		t.Error("the zero Feed works")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, r.feed); !strings.HasPrefix(text, "redisrevocation.Config{") || strings.Contains(text, "0x") {
			t.Errorf("Sprintf(%s) = %s", verb, text)
		}
	}
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
