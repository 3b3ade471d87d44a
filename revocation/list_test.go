package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

const issuer = "https://login.example.com/"

// t0 is a whole second.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A clock stands still until it is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func newList(t testing.TB, cfg revocation.Config) (*revocation.List, *clock) {
	t.Helper()
	c := &clock{now: t0}
	cfg.Now = c.Now
	l, err := revocation.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l, c
}

// claims returns those of a token that was issued an hour before t0, with more
// members.
func claims(t testing.TB, members string) *validator.Claims {
	t.Helper()
	if members != "" {
		members = "," + members
	}
	c, err := validator.NewClaims(fmt.Appendf(nil, `{"iss":%q,"exp":%d%s}`, issuer, t0.Add(23*time.Hour).Unix(), members))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	whole = `"jti":"t-1","sub":"anna","sid":"s-1","client_id":"app","org_id":"org_1","act":{"sub":"agent","client_id":"robot","act":{"sub":"earlier"}}`
	hour  = `,"iat":1772362800` // an hour before t0
)

func TestRevoked(t *testing.T) {
	t.Parallel()
	now := t0
	for _, tt := range []struct {
		name   string
		rule   revocation.Rule // of issuer, unless it has one
		claims string
		want   bool
	}{
		{"jti", revocation.Rule{ID: "t-1"}, whole, true},
		{"another jti", revocation.Rule{ID: "t-2"}, whole, false},
		{"jti in another case", revocation.Rule{ID: "T-1"}, whole, false},
		{"a token without jti", revocation.Rule{ID: "t-1"}, `"sub":"t-1"`, false},
		{"jti, but issued later", revocation.Rule{ID: "t-1", IssuedBefore: now.Add(-2 * time.Hour)}, whole + hour, false},
		{"sid", revocation.Rule{SessionID: "s-1"}, whole, true},
		{"another sid", revocation.Rule{SessionID: "s-2"}, whole, false},
		{"a sid that is no string", revocation.Rule{SessionID: "1"}, `"sid":1`, false},
		{"sub", revocation.Rule{Subject: "anna", IssuedBefore: now}, whole + hour, true},
		{"another sub", revocation.Rule{Subject: "ann", IssuedBefore: now}, whole + hour, false},
		{"the sub of another issuer", revocation.Rule{Issuer: "https://login.example.com", Subject: "anna", IssuedBefore: now}, whole + hour, false},
		{"client", revocation.Rule{ClientID: "app", IssuedBefore: now}, whole + hour, true},
		{"client by azp", revocation.Rule{ClientID: "app", IssuedBefore: now}, `"azp":"app"` + hour, true},
		{"the sub of that name", revocation.Rule{Subject: "app", IssuedBefore: now}, whole + hour, false},
		{"organization", revocation.Rule{OrgID: "org_1", IssuedBefore: now}, whole + hour, true},
		{"actor by sub", revocation.Rule{Actor: "agent", IssuedBefore: now}, whole + hour, true},
		{"actor by client_id", revocation.Rule{Actor: "robot", IssuedBefore: now}, whole + hour, true},
		{"an earlier actor", revocation.Rule{Actor: "earlier", IssuedBefore: now}, whole + hour, false},
		{"actor, and the token has none", revocation.Rule{Actor: "agent", IssuedBefore: now}, `"sub":"agent"` + hour, false},
		{"actor, and act is no object", revocation.Rule{Actor: "agent", IssuedBefore: now}, `"act":"agent"` + hour, false},
		{"actor in a chain that is too long", revocation.Rule{Actor: "agent", IssuedBefore: now},
			`"act":{"sub":"agent","act":` + strings.Repeat(`{"act":`, 9) + "{}" + strings.Repeat("}", 10) + hour, true},
		{"the whole issuer", revocation.Rule{IssuedBefore: now}, whole + hour, true},
		{"the whole issuer, a token of nothing", revocation.Rule{IssuedBefore: now}, `"iat":1772362800`, true},
		{"another whole issuer", revocation.Rule{Issuer: "https://other.example.com/", IssuedBefore: now}, whole + hour, false},

		{"sub and client", revocation.Rule{Subject: "anna", ClientID: "app", IssuedBefore: now}, whole + hour, true},
		{"sub and another client", revocation.Rule{Subject: "anna", ClientID: "web", IssuedBefore: now}, whole + hour, false},
		{"another sub and client", revocation.Rule{Subject: "bert", ClientID: "app", IssuedBefore: now}, whole + hour, false},
		{"sub and client, exchanged", revocation.Rule{Subject: "app", ClientID: "anna", IssuedBefore: now}, whole + hour, false},
		{"sub and a client that the token doesn't have", revocation.Rule{Subject: "anna", ClientID: "app", IssuedBefore: now}, `"sub":"anna"` + hour, false},
		{"all of them", revocation.Rule{ID: "t-1", Subject: "anna", SessionID: "s-1", ClientID: "app", OrgID: "org_1", Actor: "robot"}, whole, true},
		{"all of them but one", revocation.Rule{ID: "t-1", Subject: "anna", SessionID: "s-1", ClientID: "app", OrgID: "org_2", Actor: "robot"}, whole, false},

		// An iat in whole seconds says no more than its second.
		{"issued a second before", revocation.Rule{Subject: "anna", IssuedBefore: now}, `"sub":"anna","iat":1772366399`, true},
		{"issued in the same second", revocation.Rule{Subject: "anna", IssuedBefore: now}, `"sub":"anna","iat":1772366400`, true},
		{"issued in the same second, of a rule in its middle", revocation.Rule{Subject: "anna", IssuedBefore: now.Add(500 * time.Millisecond)}, `"sub":"anna","iat":1772366400`, true},
		{"issued in the same second, with a fraction", revocation.Rule{Subject: "anna", IssuedBefore: now}, `"sub":"anna","iat":1772366400.9`, true},
		{"issued in the second after", revocation.Rule{Subject: "anna", IssuedBefore: now.Add(999 * time.Millisecond)}, `"sub":"anna","iat":1772366401`, false},
		{"no iat", revocation.Rule{Subject: "anna", IssuedBefore: now}, `"sub":"anna"`, true},
		{"no iat, of another sub", revocation.Rule{Subject: "anna", IssuedBefore: now}, `"sub":"bert"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, _ := newList(t, revocation.Config{})
			c := claims(t, tt.claims)
			if rule, err := l.Revoked(t.Context(), c); rule != nil || err != nil {
				t.Fatalf("Revoked() without rules = %v, %v, want none", rule, err)
			}
			if tt.rule.Issuer == "" {
				tt.rule.Issuer = issuer
			}
			if err := l.Revoke(t.Context(), tt.rule); err != nil {
				t.Fatal(err)
			}
			rule, err := l.Revoked(t.Context(), c)
			if (rule != nil) != tt.want || err != nil {
				t.Fatalf("Revoked() = %v, %v, want a rule: %t", rule, err, tt.want)
			}
			code := validator.CodeOf(l.Check(t.Context(), c))
			if want := map[bool]validator.Code{true: validator.CodeRevoked}[tt.want]; code != want {
				t.Errorf("Check() code = %q, want %q", code, want)
			}
			if rule == nil {
				return
			}
			// The rule is as it was added, to the second.
			rule.Until, tt.rule.IssuedBefore = time.Time{}, tt.rule.IssuedBefore.Truncate(time.Second)
			if !rule.IssuedBefore.Equal(tt.rule.IssuedBefore) {
				t.Errorf("Revoked() IssuedBefore = %v, want %v", rule.IssuedBefore, tt.rule.IssuedBefore)
			}
			rule.IssuedBefore = tt.rule.IssuedBefore
			if *rule != tt.rule {
				t.Errorf("Revoked() = %+v, want %+v", *rule, tt.rule)
			}
		})
	}
}

// A rule ends 10 minutes after Until.
func TestEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  revocation.Config
		rule revocation.Rule
		end  time.Time
	}{
		{"Until", revocation.Config{}, revocation.Rule{ID: "t-1", Until: t0.Add(time.Hour)}, t0.Add(time.Hour)},
		{"a part of a second", revocation.Config{}, revocation.Rule{ID: "t-1", Until: t0.Add(time.Hour + 1)}, t0.Add(time.Hour + time.Second)},
		{"by default, of jti", revocation.Config{}, revocation.Rule{ID: "t-1"}, t0.Add(24 * time.Hour)},
		{"by default, of IssuedBefore", revocation.Config{}, revocation.Rule{Subject: "anna", IssuedBefore: t0.Add(-time.Hour)}, t0.Add(23 * time.Hour)},
		{"by TokenLifetime", revocation.Config{TokenLifetime: time.Hour}, revocation.Rule{SessionID: "s-1"}, t0.Add(time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, clock := newList(t, tt.cfg)
			tt.rule.Issuer = issuer
			if err := l.Revoke(t.Context(), tt.rule); err != nil {
				t.Fatal(err)
			}
			c := claims(t, whole)
			end := tt.end.Add(10 * time.Minute)
			for _, at := range []struct {
				now  time.Time
				want bool
			}{{t0, true}, {end.Add(-1), true}, {end, false}, {end.Add(time.Hour), false}, {t0, true}} {
				clock.set(at.now)
				if rule, err := l.Revoked(t.Context(), c); (rule != nil) != at.want || err != nil {
					t.Errorf("Revoked() at %v = %v, %v, want a rule: %t", at.now, rule, err, at.want)
				}
			}
		})
	}
}

// Rules for the same tokens are one, whatever their order.
func TestJoin(t *testing.T) {
	t.Parallel()
	rules := []revocation.Rule{
		{Issuer: issuer, Subject: "anna", IssuedBefore: t0.Add(-2 * time.Hour), Until: t0.Add(5 * time.Hour)},
		{Issuer: issuer, Subject: "anna", IssuedBefore: t0.Add(-time.Hour), Until: t0.Add(time.Hour)},
	}
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 1, 0, 1}, {1, 1, 0}} {
		l, clock := newList(t, revocation.Config{Capacity: 1})
		for _, i := range order {
			if err := l.Revoke(t.Context(), rules[i]); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.Status().Rules; got != 1 {
			t.Errorf("%v: Status().Rules = %d, want 1", order, got)
		}
		c := claims(t, `"sub":"anna"`+hour)
		clock.set(t0.Add(5 * time.Hour))
		if rule, err := l.Revoked(t.Context(), c); rule == nil || err != nil {
			t.Errorf("%v: Revoked() = %v, %v, want a rule", order, rule, err)
		}
		clock.set(t0.Add(5*time.Hour + 10*time.Minute))
		if rule, err := l.Revoked(t.Context(), c); rule != nil || err != nil {
			t.Errorf("%v: Revoked() at the end = %v, %v, want none", order, rule, err)
		}
		// Nothing is left of a rule that has ended.
		if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, Subject: "anna", IssuedBefore: t0.Add(-2 * time.Hour), Until: t0.Add(6 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if rule, err := l.Revoked(t.Context(), c); rule != nil || err != nil {
			t.Errorf("%v: Revoked() of a token that is too young for the rule = %v, %v, want none", order, rule, err)
		}
		clock.set(t0.Add(6*time.Hour + 10*time.Minute))
		// It goes at its later end.
		if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, ID: "t-1"}); err != nil {
			t.Errorf("%v: Revoke() at the end: %v", order, err)
		}
	}
	// A rule for any age is the later one.
	l, _ := newList(t, revocation.Config{})
	for _, before := range []time.Time{{}, t0.Add(-3 * time.Hour)} {
		if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, SessionID: "s-1", IssuedBefore: before}); err != nil {
			t.Fatal(err)
		}
	}
	if rule, err := l.Revoked(t.Context(), claims(t, `"sid":"s-1"`+hour)); rule == nil || err != nil || !rule.IssuedBefore.IsZero() {
		t.Errorf("Revoked() = %v, %v, want a rule for any age", rule, err)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	const capacity = 1000
	l, clock := newList(t, revocation.Config{Capacity: capacity})
	rule := func(i int) revocation.Rule {
		return revocation.Rule{Issuer: issuer, ID: fmt.Sprint(i), Until: t0.Add(time.Duration(i+1) * time.Minute)}
	}
	live := func(i int) bool {
		rule, err := l.Revoked(t.Context(), claims(t, fmt.Sprintf(`"jti":"%d"`, i)))
		if err != nil {
			t.Fatal(err)
		}
		return rule != nil
	}
	for i := range capacity {
		if err := l.Revoke(t.Context(), rule(i)); err != nil {
			t.Fatalf("Revoke() %d: %v", i, err)
		}
	}
	if err := l.Revoke(t.Context(), rule(capacity)); !errors.Is(err, revocation.ErrFull) {
		t.Fatalf("Revoke() of one more = %v, want ErrFull", err)
	}
	if err := l.Apply(rule(capacity)); !errors.Is(err, revocation.ErrFull) {
		t.Fatalf("Apply() of one more = %v, want ErrFull", err)
	}
	if err := l.Revoke(t.Context(), rule(7)); err != nil {
		t.Errorf("Revoke() of one that there is: %v", err)
	}
	for i := range capacity {
		if !live(i) {
			t.Errorf("rule %d was forgotten", i)
		}
	}
	// One ends, one fits.
	clock.set(t0.Add(11 * time.Minute))
	if err := l.Revoke(t.Context(), rule(capacity)); err != nil {
		t.Errorf("Revoke() after the end of one: %v", err)
	}
	if err := l.Revoke(t.Context(), rule(capacity+1)); !errors.Is(err, revocation.ErrFull) {
		t.Errorf("Revoke() of a second one = %v, want ErrFull", err)
	}
	for i := 1; i <= capacity; i++ {
		if !live(i) {
			t.Errorf("rule %d was forgotten", i)
		}
	}
	if live(0) || live(capacity+1) {
		t.Error("a rule is there that has ended, or that was not added")
	}
}

// The space of rules that have ended is used again, for ever.
func TestTurnover(t *testing.T) {
	t.Parallel()
	l, clock := newList(t, revocation.Config{Capacity: 100})
	for i := range 20_000 {
		now := t0.Add(time.Duration(i) * time.Minute)
		clock.set(now)
		// 60 minutes and 10 more: 70 rules at a time.
		if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, ID: fmt.Sprint(i), Until: now.Add(time.Hour)}); err != nil {
			t.Fatalf("Revoke() %d: %v", i, err)
		}
		for _, age := range []int{0, 1, 35, 69, 70} {
			c := &validator.Claims{Issuer: issuer, ID: fmt.Sprint(i - age), ExpiresAt: now.Add(time.Hour)}
			if rule, err := l.Revoked(t.Context(), c); (rule != nil) != (age < 70 && i >= age) || err != nil {
				t.Fatalf("Revoked() of rule %d at %d = %v, %v", i-age, i, rule, err)
			}
		}
	}
	if got := l.Status().Rules; got > 75 {
		t.Errorf("Status().Rules = %d, want about 70", got)
	}
}

// A clock that was ahead and is set back makes tokens valid whose rules were
// removed. They must not pass.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	for _, forget := range []string{"removed", "ended when it came"} {
		l, clock := newList(t, revocation.Config{Capacity: 10})
		revoke := func(id string, until time.Time) {
			t.Helper()
			if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, ID: id, Until: until}); err != nil {
				t.Fatal(err)
			}
		}
		end := t0.Add(23 * time.Hour)
		if forget == "removed" {
			revoke("t-1", end)
		}
		clock.set(end.Add(100 * time.Hour))
		if forget != "removed" {
			revoke("t-1", end)
		}
		revoke("t-2", end.Add(200*time.Hour)) // removes t-1
		later := &validator.Claims{Issuer: issuer, ID: "t-3", ExpiresAt: end.Add(time.Second)}
		endless := &validator.Claims{Issuer: issuer, ID: "t-3"}
		for _, at := range []struct {
			now                        time.Time
			revoked, later, endlessOne validator.Code
		}{
			{end.Add(100 * time.Hour), "", "", ""},
			{t0, validator.CodeUnavailable, "", validator.CodeUnavailable},
			{end.Add(10*time.Minute - 1), validator.CodeUnavailable, "", validator.CodeUnavailable},
			{end.Add(10 * time.Minute), "", "", ""},
		} {
			clock.set(at.now)
			for _, want := range []struct {
				c    *validator.Claims
				code validator.Code
			}{{claims(t, whole), at.revoked}, {later, at.later}, {endless, at.endlessOne}} {
				if code := validator.CodeOf(l.Check(t.Context(), want.c)); code != want.code {
					t.Errorf("%s: Check(%v) at %v code = %q, want %q", forget, want.c, at.now, code, want.code)
				}
			}
		}
	}
}

func TestRevokeErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2<<10)
	for _, tt := range []struct {
		name string
		rule revocation.Rule
		want string // "" for none
	}{
		{"no issuer", revocation.Rule{ID: "t-1"}, "Issuer is empty"},
		{"a long issuer", revocation.Rule{Issuer: long + "x", ID: "t-1"}, "Issuer has 2049 bytes"},
		{"the longest", revocation.Rule{Issuer: long, ID: long, Subject: long, SessionID: long, ClientID: long, OrgID: long, Actor: long}, ""},
		{"two faults", revocation.Rule{Subject: long + "x"}, "Subject has 2049 bytes"},
		{"new tokens too", revocation.Rule{Issuer: issuer, Subject: "anna", ClientID: "app", OrgID: "o", Actor: "a"}, "IssuedBefore is zero"},
		{"the whole issuer, new tokens too", revocation.Rule{Issuer: issuer}, "IssuedBefore is zero"},
		{"too far ahead", revocation.Rule{Issuer: issuer, IssuedBefore: t0.Add(10*time.Minute + 1)}, "in the future"},
		{"not too far ahead", revocation.Rule{Issuer: issuer, IssuedBefore: t0.Add(10 * time.Minute)}, ""},
		{"too early", revocation.Rule{Issuer: issuer, IssuedBefore: time.Unix(-1, 0)}, "before 1970"},
		{"a late end", revocation.Rule{Issuer: issuer, ID: "t-1", Until: t0.Add(400*24*time.Hour + 1)}, "Until is"},
		{"not too late", revocation.Rule{Issuer: issuer, ID: "t-1", Until: t0.Add(400 * 24 * time.Hour)}, ""},
		{"one that has ended", revocation.Rule{Issuer: issuer, ID: "t-1", Until: time.Unix(-1<<40, 0)}, ""},
	} {
		l, _ := newList(t, revocation.Config{})
		err := l.Revoke(t.Context(), tt.rule)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Revoke() = %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && l.Status().Rules != 0 {
			t.Errorf("%s: the rule was added", tt.name)
		}
	}
	l, clock := newList(t, revocation.Config{})
	rule := revocation.Rule{Issuer: issuer, ID: "t-1"}
	if err := l.Apply(rule); err == nil || !strings.Contains(err.Error(), "Until is zero") {
		t.Errorf("Apply() without Until = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Revoke(ctx, rule); !errors.Is(err, context.Canceled) {
		t.Errorf("Revoke() = %v, want that of the context", err)
	}
	clock.set(time.Time{})
	if err := l.Revoke(t.Context(), rule); err == nil {
		t.Error("Revoke() without a time = nil")
	}
	if l.Status().Rules != 0 {
		t.Error("a rule was added")
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	for _, l := range []*revocation.List{nil, new(revocation.List)} {
		if err := l.Check(t.Context(), claims(t, whole)); validator.CodeOf(err) != validator.CodeUnavailable {
			t.Errorf("Check() = %v, want %q", err, validator.CodeUnavailable)
		}
		rule := revocation.Rule{Issuer: issuer, ID: "t-1", Until: t0.Add(time.Hour)}
		if l.Revoke(t.Context(), rule) == nil || l.Apply(rule) == nil {
			t.Error("a List that New has not made takes rules")
		}
	}
	l, clock := newList(t, revocation.Config{})
	if err := l.Revoke(t.Context(), revocation.Rule{Issuer: issuer, ID: "t-1"}); err != nil {
		t.Fatal(err)
	}
	clock.set(time.Time{})
	if err := l.Check(t.Context(), claims(t, whole)); validator.CodeOf(err) != validator.CodeUnavailable {
		t.Errorf("Check() without a time = %v, want %q", err, validator.CodeUnavailable)
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	var none *feed
	_, err := revocation.New(revocation.Config{Capacity: -1, TokenLifetime: -1, Feed: none})
	for _, want := range []string{"Config.Capacity", "Config.TokenLifetime", "Config.Feed"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want %s in it", err, want)
		}
	}
}

// A feed notes what it gets.
type feed struct {
	published []revocation.Rule
	err, late error
}

func (f *feed) Publish(_ context.Context, rule revocation.Rule) error {
	f.published = append(f.published, rule)
	return f.err
}
func (f *feed) Current() error { return f.late }

func TestFeed(t *testing.T) {
	t.Parallel()
	f := new(feed)
	l, _ := newList(t, revocation.Config{Feed: f})
	rule := revocation.Rule{Issuer: issuer, ID: "t-1"}
	f.err = errors.New("no feed")
	if err := l.Revoke(t.Context(), rule); !errors.Is(err, f.err) {
		t.Errorf("Revoke() = %v, want that of the Feed", err)
	}
	if got, want := f.published[0].Until, t0.Add(24*time.Hour); !got.Equal(want) {
		t.Errorf("published Until = %v, want %v", got, want)
	}
	// Here, it holds in any case.
	f.late = errors.New("too late")
	for _, tt := range []struct {
		claims string
		want   validator.Code
	}{{whole, validator.CodeRevoked}, {`"jti":"t-2"`, validator.CodeUnavailable}} {
		err := l.Check(t.Context(), claims(t, tt.claims))
		if validator.CodeOf(err) != tt.want {
			t.Errorf("Check(%s) = %v, want %q", tt.claims, err, tt.want)
		}
		var e *validator.Error
		if errors.As(err, &e) && tt.want == validator.CodeUnavailable && (e.Service != revocation.Service || !errors.Is(err, f.late)) {
			t.Errorf("Check(%s) = %+v, want service %q", tt.claims, e, revocation.Service)
		}
	}
	if err := l.Apply(revocation.Rule{Issuer: issuer, ID: "t-2", Until: t0}); err != nil {
		t.Error(err)
	}
	if len(f.published) != 1 {
		t.Errorf("%d rules were published, want 1", len(f.published))
	}
}

// Readers see each rule from the moment when Revoke has returned, while the table
// grows and rules end.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	l, clock := newList(t, revocation.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	steady := claims(t, `"jti":"steady"`)
	if err := l.Revoke(ctx, revocation.Rule{Issuer: issuer, ID: "steady"}); err != nil {
		t.Fatal(err)
	}
	other := claims(t, `"jti":"other"`)
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if rule, err := l.Revoked(ctx, steady); rule == nil || err != nil {
					t.Errorf("Revoked() = %v, %v, want a rule", rule, err)
					return
				}
				if rule, err := l.Revoked(ctx, other); rule != nil || err != nil {
					t.Errorf("Revoked() of another = %v, %v, want none", rule, err)
					return
				}
			}
		})
	}
	for i := range 5_000 {
		clock.set(t0.Add(time.Duration(i) * time.Second))
		c := &validator.Claims{Issuer: issuer, ID: fmt.Sprint(i), ExpiresAt: t0.Add(23 * time.Hour)}
		if err := l.Revoke(ctx, revocation.Rule{Issuer: issuer, ID: c.ID, Until: clock.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if rule, err := l.Revoked(ctx, c); rule == nil || err != nil {
			t.Fatalf("Revoked() after Revoke() %d = %v, %v", i, rule, err)
		}
	}
	cancel()
	wg.Wait()
}
