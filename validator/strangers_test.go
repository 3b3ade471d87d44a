package validator_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/validator"
)

// A flood has tokens with made-up issuers.
type flood struct {
	rate   int                   // new issuers a second
	repeat int                   // tokens of each, one after the other
	in     func(second int) bool // of the hour
}

func (f flood) String() string { return fmt.Sprintf("%d a second, each %d times", f.rate, f.repeat) }

// strangersToken returns an unsigned token that has expired:
// where there is a tenant, that is the first to be found out.
func strangersToken(issuer string) string {
	payload := fmt.Sprintf(`{"iss":%q,"aud":%q,"exp":%d}`, issuer, audience, t0.Unix()-60)
	return strangersHeader + base64.RawURLEncoding.EncodeToString([]byte(payload)) + strangersSignature
}

var (
	strangersHeader    = base64.RawURLEncoding.EncodeToString([]byte(object{"alg": "EdDSA", "typ": "JWT", "kid": kid}.json())) + "."
	strangersSignature = "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
)

// An hour of a flood must not reject a request of a tenant that was here
// before, however often it comes, and what is kept of made-up issuers is
// bounded.
//
// The floods have their real rates, but come in some seconds of the hour alone,
// each before requests of the tenants: the rate of calls is used up within a
// second of any flood, and what the Mux remembers of it is at its bound after
// MuxForgetting. The smallest one is there for ten minutes without a pause.
func TestNewMuxFunc_strangers(t *testing.T) {
	t.Parallel()
	last := func(seconds, of int) func(int) bool {
		return func(second int) bool { return second%of > of-1-seconds }
	}
	for _, f := range []flood{
		{150, 1, func(second int) bool { return second < 600 || second%60 > 57 }},
		{150, 20, last(2, 60)},
		{1_000, 1, last(2, 60)},
		{1_000, 20, last(2, 600)},
		{10_000, 1, last(2, 300)},
		{10_000, 20, last(1, 1800)},
	} {
		if racing.Enabled && f.rate*f.repeat > 1000 {
			continue // one goroutine sends the tokens in any case
		}
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, f) })
		})
	}
}

func simulate(t *testing.T, f flood) {
	const hour = 3600
	// A tenant, and how many seconds there are between its requests.
	tenants := map[string]int{"https://second/": 1, "https://minute/": 60, "https://ten-minutes/": 600, "https://three-hours/": 3 * hour}
	validators, tokens := map[string]*validator.Validator{}, map[string]string{}
	for iss := range tenants {
		validators[iss] = newValidator(t, func(c *validator.Config) { c.Issuers, c.CacheSize = []string{iss}, 1 })
		tokens[iss] = token(nil, object{"iss": iss})
	}
	calls, strangers := map[string]int{}, 0
	mux := validator.NewMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		// synctest.Wait comes before each look at these.
		if v := validators[iss]; v != nil {
			calls[iss]++
			return v, nil
		}
		strangers++
		return nil, nil
	})
	requests, rejected := map[string]int{}, map[string]int{}
	ask := func(iss string) {
		requests[iss]++
		if _, err := mux.Validate(t.Context(), tokens[iss]); err != nil {
			rejected[iss]++
		}
		synctest.Wait()
	}
	for iss := range tenants {
		ask(iss)
	}
	time.Sleep(2 * time.Hour) // so that a silence of three hours ends in the flood's last second

	number, tokensSent, most, flooded := 0, 0, 0, 0
	for second := range hour {
		if !f.in(second) {
			time.Sleep(time.Second)
		} else {
			flooded++
			for range 10 {
				time.Sleep(time.Second / 10)
				for range f.rate / 10 {
					number++
					made := strangersToken(fmt.Sprintf("https://%d.example/", number))
					for range f.repeat {
						tokensSent++
						if _, err := mux.Validate(t.Context(), made); err == nil {
							t.Fatalf("a token that nobody signed was accepted")
						}
					}
				}
				most = max(most, mux.Remembered())
			}
			synctest.Wait()
		}
		for iss, every := range tenants {
			if (2*hour+second+1)%every == 0 {
				ask(iss)
			}
		}
	}
	for iss, every := range tenants {
		if requests[iss] < max(hour/every, 2) || rejected[iss] > 0 {
			t.Errorf("%s: %d of %d requests of %s were rejected", f, rejected[iss], requests[iss], iss)
		}
		if want := int(3 * time.Hour / (validator.MuxRenewal / 2)); calls[iss] > want {
			t.Errorf("%s: %d calls for %s, want %d at most", f, calls[iss], iss, want)
		}
	}
	// Before each second without a pause, there may be as many again at once.
	if want := 2 * validator.MuxRate * flooded; strangers > want {
		t.Errorf("%s: %d calls for made-up issuers in %d seconds, want %d at most", f, strangers, flooded, want)
	}
	if want := 2 * validator.MuxRate * (1 + int((validator.MuxForgetting+validator.MuxTimeout)/time.Second)); most > want {
		t.Errorf("%s: %d answers remembered, want %d at most", f, most, want)
	}
	t.Logf("%d tokens of %d made-up issuers in %d seconds: %d calls, %d answers remembered at most; requests %v, calls %v",
		tokensSent, number, flooded, strangers, most, requests, calls)
}

// A tenant that has no more room in memory is still one that was here before.
func TestNewMuxFunc_manyTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tenants, sample = validator.MuxSize + validator.MuxSize/8, 16
		calls := 0
		mux := validator.NewUnlimitedMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
			calls++
			return newValidator(t, func(c *validator.Config) { c.Issuers = []string{iss} }), nil
		})
		ask := func(i int) error {
			_, err := mux.Validate(t.Context(), strangersToken(tenantIssuer(i)))
			synctest.Wait()
			return err
		}
		for i := range tenants {
			if code := validator.CodeOf(ask(i)); code != validator.CodeExpired {
				t.Fatalf("Validate(of tenant %d) error has the code %q", i, code)
			}
		}
		before := calls
		validator.LimitFirst(mux, 0)
		for i := 0; i < tenants; i += sample {
			if code := validator.CodeOf(ask(i)); code != validator.CodeExpired {
				t.Fatalf("Validate(of tenant %d again) error has the code %q while there are no calls for new issuers", i, code)
			}
		}
		if calls == before {
			t.Errorf("no calls for tenants that were forgotten, of %d tenants with room for %d", tenants, validator.MuxSize)
		}
		if code := validator.CodeOf(ask(tenants)); code != validator.CodeUnavailable {
			t.Errorf("Validate(of a new issuer) error has the code %q, want %q", code, validator.CodeUnavailable)
		}
	})
}

func TestMux_Forget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := twoTenants(t)
		v, calls := a, 0
		started, answer := make(chan struct{}, 10), make(chan struct{}, 10)
		mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
			calls++
			found := v // before the wait, as a database has it
			started <- struct{}{}
			<-answer
			return found, nil
		})
		good := token(nil, nil)
		check := func(call string, want validator.Code, wantCalls int) {
			t.Helper()
			answer <- struct{}{}
			_, err := mux.Validate(t.Context(), good)
			if got := validator.CodeOf(err); got != want || calls != wantCalls {
				t.Errorf("Validate(%s) error = %v, %d calls, want code %q, %d calls", call, err, calls, want, wantCalls)
			}
			select {
			case <-answer: // no request waits
			default:
				<-started
			}
		}
		mux.Forget(issuer) // unknown
		check("a tenant", "", 1)
		check("the same", "", 1)

		v = nil // deleted
		check("a deleted one", "", 1)
		mux.Forget(otherIssuer)
		check("another one forgotten", "", 1)
		mux.Forget(issuer)
		check("it forgotten", validator.CodeIssuer, 2)
		v = a
		check("the same, back", validator.CodeIssuer, 2)
		mux.Forget(issuer)
		check("forgotten that it wasn't there", "", 3)

		// A call that has begun before Forget says nothing of what is after it.
		time.Sleep(validator.MuxLifetime)
		result := make(chan error)
		go func() { _, err := mux.Validate(t.Context(), good); result <- err }()
		<-started
		v = nil
		mux.Forget(issuer)
		answer <- struct{}{}
		if err := <-result; err != nil {
			t.Errorf("Validate() while it is forgotten error = %v, want the answer of the call", err)
		}
		check("forgotten during a call", validator.CodeIssuer, 5)

		// Strangers that use up the calls for new issuers keep no tenant from
		// coming back after Forget.
		v = a
		mux.Forget(issuer)
		check("back", "", 6)
		mux.Forget(issuer)
		validator.LimitFirst(mux, 0)
		check("forgotten in a flood", "", 7)
	})

	fixed, err := validator.NewMux(newValidator(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	fixed.Forget(issuer)
	if _, err := fixed.Validate(t.Context(), token(nil, nil)); err != nil {
		t.Errorf("Validate() after Forget with NewMux error = %v, want none", err)
	}
}

// A tenant that is deleted is accepted no longer than MuxRenewal and what a
// request takes, and not at all after a silence of MuxLifetime.
func TestNewMuxFunc_deleted(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{time.Second, time.Minute, validator.MuxRenewal, validator.MuxLifetime - time.Second,
		validator.MuxLifetime, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			a, _ := twoTenants(t)
			v := a
			mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return v, nil })
			good := token(nil, nil)
			for range 10 {
				if _, err := mux.Validate(t.Context(), good); err != nil {
					t.Fatalf("every %v: Validate() error = %v", every, err)
				}
				synctest.Wait()
				time.Sleep(every) // of the bubble's clock
			}
			v = nil
			deleted, last := time.Now(), time.Duration(-1)
			for time.Since(deleted) <= 2*max(every, validator.MuxLifetime) {
				if _, err := mux.Validate(t.Context(), good); err == nil {
					last = time.Since(deleted)
				}
				synctest.Wait()
				time.Sleep(every)
			}
			switch limit := validator.MuxRenewal; {
			case last > limit:
				t.Errorf("every %v: accepted %v after it was deleted, want %v at most", every, last, limit)
			case every >= validator.MuxLifetime && last >= 0:
				t.Errorf("every %v: accepted %v after it was deleted, want not at all", every, last)
			}
		})
	}
}

// The Mux has a clock of its own for tests without a bubble.
func TestMux_Now(t *testing.T) {
	t.Parallel()
	a, _ := twoTenants(t)
	var calls int
	v := a
	mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { calls++; return v, nil })
	now := time.Unix(1_000_000, 0)
	mux.Now = func() time.Time { return now }
	good := token(nil, nil)
	for _, step := range []struct {
		name  string
		moves time.Duration
		v     *validator.Validator
		want  validator.Code
		calls int
	}{
		{"first", 0, a, "", 1},
		{"before its renewal", validator.MuxRenewal * 3 / 4, nil, "", 1},
		{"after its lifetime", validator.MuxLifetime, nil, validator.CodeIssuer, 2},
		{"created again", 0, a, validator.CodeIssuer, 2},
		{"a moment later", validator.MuxForgetting, a, "", 3},
		{"the clock set back", -time.Hour, a, "", 4},
		{"and deleted", -time.Hour, nil, validator.CodeIssuer, 5},
		{"and the clock set back again", -time.Hour, a, "", 6},
	} {
		now, v = now.Add(step.moves), step.v
		_, err := mux.Validate(t.Context(), good)
		if got := validator.CodeOf(err); got != step.want || calls != step.calls {
			t.Errorf("Validate(%s) error = %v, %d calls, want code %q, %d calls", step.name, err, calls, step.want, step.calls)
		}
	}
}
