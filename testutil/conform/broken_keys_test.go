package conform_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/validator"
)

// A keyRing is a cache of keys as programs write it by hand. Without a flaw it
// is good enough for all cases.
type keyRing struct {
	iss    *testutil.Issuer
	client *http.Client
	flaw   flaw

	turn    sync.Mutex // of a lookup, for waitsForFetches
	mu      sync.Mutex
	keys    []jwks.Key
	fetched time.Time
}

// A flaw is what is wrong with a keyRing.
type flaw string

const (
	followsRedirects flaw = "it follows a redirect of the key set"
	takesEmptySets   flaw = "it takes an empty key set"
	dropsAtPages     flaw = "it drops its keys when it can't parse the set"
	dropsAtHugeSets  flaw = "it drops its keys when the set is too large"
	waitsForFetches  flaw = "all wait while it fetches"
	firstKeyOnly     flaw = "it uses the first key of the set alone"
	neverOverwrites  flaw = "it never overwrites a kid"
	knowsNothing     flaw = "it takes an outage for an unknown key"
)

var (
	errTooLarge = errors.New("the key set is too large")
	errNoSet    = errors.New("no key set")
)

const (
	ringAge   = 5 * time.Minute
	ringPause = 30 * time.Second // between two fetches for unknown keys
)

func (k *keyRing) Keys(ctx context.Context, kid string) ([]jwks.Key, error) {
	if k.flaw == waitsForFetches {
		k.turn.Lock()
		defer k.turn.Unlock()
	}
	found, due := k.look(kid)
	if !due {
		return found, nil
	}
	keys, err := k.fetch(ctx)
	k.keep(keys, err)
	found, _ = k.look(kid)
	if err != nil && len(found) == 0 && k.flaw != knowsNothing {
		return nil, fmt.Errorf("%w: %w", jwks.ErrUnavailable, err)
	}
	return found, nil
}

// look returns the keys, and reports whether a fetch is due for them.
func (k *keyRing) look(kid string) (found []jwks.Key, due bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.iss.Now().Sub(k.fetched)
	found = k.find(kid)
	return found, age >= ringAge || len(found) == 0 && age >= ringPause
}

// keep takes note of a fetch.
func (k *keyRing) keep(keys []jwks.Key, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetched = k.iss.Now()
	switch {
	case k.flaw == dropsAtHugeSets && errors.Is(err, errTooLarge), k.flaw == dropsAtPages && errors.Is(err, errNoSet):
		k.keys = nil
	case err != nil:
		return
	case k.flaw == neverOverwrites:
		for i := range keys {
			if old := k.find(keys[i].ID); len(old) > 0 {
				keys[i] = old[0]
			}
		}
	}
	k.keys = keys
}

func (k *keyRing) find(kid string) (found []jwks.Key) {
	for i, key := range k.keys {
		if (kid == "" || key.ID == kid) && (i == 0 || k.flaw != firstKeyOnly) {
			found = append(found, key)
		}
	}
	return found
}

func (k *keyRing) fetch(ctx context.Context) ([]jwks.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.iss.URL+".well-known/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errors.New(res.Status)
	}
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return nil, err
	}
	if len(text) == most {
		return nil, errTooLarge
	}
	if strings.Contains(string(text), `"keys":[]`) {
		if k.flaw == takesEmptySets {
			return nil, nil
		}
		return nil, errors.New("no keys")
	}
	set, err := jwks.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoSet, err)
	}
	keys, err := set.Keys(ctx, "")
	return keys, err
}

// ring makes an API with a keyRing.
func ring(f flaw) func(*testing.T, *testutil.Issuer) http.Handler {
	return func(t *testing.T, iss *testutil.Issuer) http.Handler {
		t.Helper()
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if f != followsRedirects {
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		}
		return newAPI(t, iss, func(v *validator.Config, _ *middleware.Config) {
			v.Keys = &keyRing{iss: iss, client: &client, flaw: f}
		})
	}
}

// keyCases are the ids of the cases about the cache of keys.
func keyCases() (ids []string) {
	for _, c := range conform.Cases(conform.Target{Slow: true, Only: []string{"rotation", "outage"}}) {
		ids = append(ids, c.ID)
	}
	return ids
}

// keyBreakages are those of the cache of keys.
func keyBreakages() []breakage {
	var list []breakage
	for _, b := range []struct {
		flaw flaw
		must []string
	}{
		{followsRedirects, []string{"outage/redirect"}},
		{takesEmptySets, []string{"outage/empty-set"}},
		{dropsAtPages, []string{"outage/page"}},
		{dropsAtHugeSets, []string{"outage/huge-set"}},
		{waitsForFetches, []string{"outage/slow-issuer"}},
		{firstKeyOnly, []string{"rotation/announced"}},
		{neverOverwrites, []string{"rotation/same-kid"}},
		{knowsNothing, []string{"outage/unknown-key-503"}},
	} {
		target := conform.Target{Slow: true, Only: keyCases()}
		if b.flaw != waitsForFetches { // that case takes seconds
			target.Only = slices.DeleteFunc(target.Only, func(id string) bool { return id == "outage/slow-issuer" })
		}
		list = append(list, breakage{string(b.flaw), target, ring(b.flaw), b.must, nil})
	}
	return list
}

// The cache that the flaws are in has none itself, so that each is found for
// its flaw.
func TestBroken_keyRing(t *testing.T) {
	t.Parallel()

	report := reportOf(t, conform.Target{Slow: true, Only: keyCases()}, ring(""))
	if got, want := len(report.Results), len(keyCases()); got != want {
		t.Errorf("%d cases were tried, want %d", got, want)
	}
	for _, result := range report.Results {
		if result.Outcome != conform.Passed {
			t.Errorf("%s of a cache without flaws = %s, %s, want passed", result.ID, result.Outcome, result.Got)
		}
	}
	if report.Fault != "" {
		t.Error(report.Fault)
	}
}
