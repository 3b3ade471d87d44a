package dpop_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/internal/redeemed"
	"github.com/rsguard/rsguard/validator"
)

// verified returns a proof that is good at t0, by a Verifier whose clock can be
// another one.
func verified(t testing.TB, v *dpop.Verifier, claims object) *dpop.Proof {
	t.Helper()
	proof, err := v.Verify(request(edKey.proof(t, nil, claims)))
	if err != nil {
		t.Fatalf("Verify() error = %v", err)
	}
	return proof
}

func TestRedeem(t *testing.T) {
	t.Parallel()

	v := newVerifier(t, nil)
	proof := verified(t, v, nil)
	claims := bound(proof.Thumbprint)
	if err := v.Redeem(t.Context(), proof, claims); err != nil {
		t.Errorf("Redeem(a new proof) = %v, want nil", err)
	}
	for _, again := range []*dpop.Proof{proof, verified(t, v, nil), verified(t, v, object{"iat": t0.Unix() - 1})} {
		err := v.Redeem(t.Context(), again, claims)
		if validator.CodeOf(err) != validator.CodeReplayed {
			t.Errorf("Redeem(a proof with the same jti) = %v, want code %q", err, validator.CodeReplayed)
		}
		spoil(err)
	}
	if err := v.Redeem(t.Context(), verified(t, v, object{"jti": "id-2"}), claims); err != nil {
		t.Errorf("Redeem(a proof with another jti) = %v, want nil", err)
	}
	// A jti is unique for a key, not for all keys.
	other, err := v.Verify(request(esKey().proof(t, nil, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Redeem(t.Context(), other, bound(other.Thumbprint)); err != nil {
		t.Errorf("Redeem(a proof with the same jti by another key) = %v, want nil", err)
	}
}

// Several Guards that decide about one request redeem its proof once. What
// another Verifier has redeemed does not count, and what was redeemed after the
// decision counts for no other request with its context.
func TestRedeem_oneDecision(t *testing.T) {
	t.Parallel()

	own, other := newVerifier(t, nil), newVerifier(t, nil)
	proof := verified(t, own, nil)
	late := verified(t, own, object{"jti": "late"})
	ctx, end := redeemed.Context(t.Context())
	if err := other.Redeem(t.Context(), proof, bound(proof.Thumbprint)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		v     *dpop.Verifier
		proof *dpop.Proof
		want  validator.Code
	}{
		{"first", ctx, own, proof, ""},
		{"again", ctx, own, proof, ""},
		{"by a Verifier that has redeemed it for another request", ctx, other, proof, validator.CodeReplayed},
		{"in another request", t.Context(), own, proof, validator.CodeReplayed},
		{"", nil, nil, nil, ""}, // the decision ends
		{"behind the Guard", ctx, own, proof, ""},
		{"a proof of a request that the handler makes", ctx, own, late, ""},
		{"the same proof of the next one", ctx, own, late, validator.CodeReplayed},
	} {
		if tt.ctx == nil {
			end()
			continue
		}
		if err := tt.v.Redeem(tt.ctx, tt.proof, bound(tt.proof.Thumbprint)); validator.CodeOf(err) != tt.want {
			t.Errorf("Redeem(%s) = %v, want code %q", tt.name, err, tt.want)
		}
	}
}

// The signature's twin is the same proof.
func TestRedeem_twin(t *testing.T) {
	t.Parallel()

	v := newVerifier(t, nil)
	key := esKey()
	for i, want := range []validator.Code{"", validator.CodeReplayed} {
		// Each time it is signed, and each time the signature is another one.
		proof, err := v.Verify(request(key.proof(t, nil, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); validator.CodeOf(err) != want {
			t.Errorf("Redeem(signature %d) = %v, want code %q", i, err, want)
		}
	}
}

func TestRedeem_binding(t *testing.T) {
	t.Parallel()

	store := new(recordingStore)
	v := newVerifier(t, func(cfg *dpop.Config) { cfg.Replays = store })
	proof := verified(t, v, nil)
	for _, tt := range []struct {
		name   string
		proof  *dpop.Proof
		claims *validator.Claims
		want   validator.Code
	}{
		{"no claims", proof, nil, validator.CodeBinding},
		{"a token bound to nothing", proof, &validator.Claims{}, validator.CodeBinding},
		{"an empty binding", proof, bound(""), validator.CodeBinding},
		{"a token bound to a certificate", proof, &validator.Claims{Confirmation: &validator.Confirmation{X5TS256: proof.Thumbprint}}, validator.CodeBinding},
		{"a token bound to another key", proof, bound(hashOf("another")), validator.CodeBinding},
		{"a token bound to the start of the key's hash", proof, bound(proof.Thumbprint[:42]), validator.CodeBinding},
		{"no proof", nil, bound(proof.Thumbprint), validator.CodeProof},
		{"a proof of somebody's own making", &dpop.Proof{Thumbprint: proof.Thumbprint}, bound(proof.Thumbprint), validator.CodeProof},
	} {
		for range 2 {
			err := v.Redeem(t.Context(), tt.proof, tt.claims)
			if validator.CodeOf(err) != tt.want {
				t.Errorf("Redeem(%s) = %v, want code %q", tt.name, err, tt.want)
			}
			spoil(err)
		}
	}
	if len(store.keys) > 0 {
		t.Errorf("the store was asked for %q, want nothing for what is refused anyway", store.keys)
	}
	if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); err != nil {
		t.Errorf("Redeem(good) = %v, want nil", err)
	}
	if len(store.keys) != 1 || len(store.keys[0]) != 43 {
		t.Errorf("the store was asked for %q, want one key of 43 characters", store.keys)
	}
	// Past MaxAge, as other servers' clocks may be behind.
	if want := t0.Add(dpop.DefaultMaxAge + dpop.DefaultLeeway); !store.expires[0].Equal(want) {
		t.Errorf("the key expires at %v, want %v", store.expires[0], want)
	}
}

type recordingStore struct {
	keys    []string
	expires []time.Time
	err     error
}

func (s *recordingStore) Add(_ context.Context, key string, expires time.Time) (bool, error) {
	s.keys, s.expires = append(s.keys, key), append(s.expires, expires)
	return s.err == nil, s.err
}

// A store that fails is never a pass.
func TestRedeem_unavailable(t *testing.T) {
	t.Parallel()

	v := newVerifier(t, func(cfg *dpop.Config) { cfg.Replays = &recordingStore{err: errStore} })
	proof := verified(t, v, nil)
	err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint))
	if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, errStore) {
		t.Errorf("Redeem() with a store that is down = %v, want code %q and %v in it", err, validator.CodeUnavailable, errStore)
	}

	if got, want := err.Error(), "unavailable: the replay store: "+errStore.Error(); got != want {
		t.Errorf("Redeem() error = %q, want %q", got, want)
	}

	v = newVerifier(t, func(cfg *dpop.Config) { cfg.Replays = &dpop.MemoryStore{Capacity: -1, Now: cfg.Now} })
	err = v.Redeem(t.Context(), proof, bound(proof.Thumbprint))
	if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, dpop.ErrFull) {
		t.Errorf("Redeem() with a store that is full = %v, want code %q and ErrFull in it", err, validator.CodeUnavailable)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = newVerifier(t, nil).Redeem(ctx, proof, bound(proof.Thumbprint))
	if validator.CodeOf(err) != validator.CodeUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("Redeem() with a context that is done = %v, want code %q and context.Canceled in it", err, validator.CodeUnavailable)
	}
}

// In the whole time in which a proof is accepted, it is remembered, whatever
// the leeway.
func TestRedeem_window(t *testing.T) {
	t.Parallel()

	for _, leeway := range []time.Duration{-1, time.Second, dpop.DefaultLeeway} {
		now := t0.Add(-max(leeway, 0))
		v := newVerifier(t, func(cfg *dpop.Config) {
			cfg.Leeway = leeway
			cfg.Now = func() time.Time { return now }
		})
		if err := v.Redeem(t.Context(), verified(t, v, nil), bound(verified(t, v, nil).Thumbprint)); err != nil {
			t.Errorf("Redeem() as early as can be, leeway %v = %v, want nil", leeway, err)
		}
		for _, age := range []time.Duration{0, 30 * time.Second, 60*time.Second - 1, 60 * time.Second} {
			now = t0.Add(age)
			proof := verified(t, v, nil)
			if err := v.Redeem(t.Context(), proof, bound(proof.Thumbprint)); validator.CodeOf(err) != validator.CodeReplayed {
				t.Errorf("Redeem() again at the age of %v, leeway %v = %v, want code %q", age, leeway, err, validator.CodeReplayed)
			}
		}
	}
}

// A proof that was used stays used when the clock goes ahead and back.
func TestRedeem_clockSteps(t *testing.T) {
	t.Parallel()

	now := t0
	v := newVerifier(t, func(cfg *dpop.Config) { cfg.Now = func() time.Time { return now } })
	claims := bound(verified(t, v, nil).Thumbprint)
	for i, step := range []struct {
		name string
		at   time.Duration
		jti  string
		iat  time.Duration
		want validator.Code
	}{
		{"used", 0, "used", 0, ""},
		{"again", 0, "used", 0, validator.CodeReplayed},
		{"back by what is accepted", -30 * time.Second, "used", 0, validator.CodeReplayed},
		{"again after the clock was ahead", 0, "used", 0, validator.CodeReplayed},
		{"another one", time.Second, "other", time.Second, ""},
	} {
		if i == 3 {
			now = t0.Add(time.Hour)
			for n := range 1000 { // each of which may remove what has expired
				proof := verified(t, v, object{"jti": fmt.Sprint(n), "iat": now.Unix()})
				if err := v.Redeem(t.Context(), proof, claims); err != nil {
					t.Fatalf("Redeem() an hour ahead error = %v", err)
				}
			}
		}
		now = t0.Add(step.at)
		proof := verified(t, v, object{"jti": step.jti, "iat": t0.Add(step.iat).Unix()})
		if err := v.Redeem(t.Context(), proof, claims); validator.CodeOf(err) != step.want {
			t.Errorf("Redeem(%s) error = %v, want code %q", step.name, err, step.want)
		}
	}
}

// Of many requests with one proof at the same time, one gets through.
func TestRedeem_concurrent(t *testing.T) {
	t.Parallel()

	v := newVerifier(t, nil)
	proof := verified(t, v, nil)
	const n = 64
	codes := make(chan validator.Code, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for range n {
		done.Go(func() {
			start.Wait()
			codes <- validator.CodeOf(v.Redeem(t.Context(), proof, bound(proof.Thumbprint)))
		})
	}
	start.Done()
	done.Wait()
	close(codes)
	count := map[validator.Code]int{}
	for code := range codes {
		count[code]++
	}
	if count[""] != 1 || count[validator.CodeReplayed] != n-1 {
		t.Errorf("%d calls of Redeem with one proof gave %v, want one success", n, count)
	}
}
