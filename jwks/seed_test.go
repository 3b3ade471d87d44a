package jwks_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/jwks"
)

func parsed(t testing.TB, text string) jwks.Set {
	t.Helper()
	s, err := jwks.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A seed is as old as SeedTime says.
func TestCache_seedTime(t *testing.T) {
	t.Parallel()
	seed := parsed(t, set(jwk("1")))
	for _, tt := range []struct {
		name  string
		age   time.Duration
		want  jwks.State
		waits bool // for the issuer
	}{
		{"new", 0, jwks.Fresh, false},
		{"from a clock that is ahead", -time.Minute, jwks.Fresh, false},
		{"from the future", -time.Minute - 1, jwks.Expired, true},
		{"from the far future", -1000 * time.Hour, jwks.Expired, true},
		{"half its life", 5 * time.Minute, jwks.Fresh, false},
		{"nearly as old as TTL", 10*time.Minute - 2, jwks.Fresh, false},
		{"as old as TTL", 10 * time.Minute, jwks.Expired, true},
		{"nearly as old as may be", 10*time.Minute + 24*time.Hour - 1, jwks.Expired, true},
		{"older than may be", 10*time.Minute + 24*time.Hour, jwks.Dead, true},
		{"ancient", 10000 * time.Hour, jwks.Dead, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(set(jwk("1")))
			c := iss.cache(t, func(cfg *jwks.Config) { cfg.Seed, cfg.SeedTime = seed, time.Now().Add(-tt.age).Round(0) })
			if got := c.Status().State; got != tt.want {
				t.Errorf("Status() with a seed that is %s = %s, want %s", tt.name, got, tt.want)
			}
			mustFind(t, c, "1")
			if got := iss.requests() > 0; got != tt.waits {
				t.Errorf("Keys(1) with a seed that is %s asked the issuer: %t, want %t", tt.name, got, tt.waits)
			}
			// It ends as any set does.
			iss.set(func() { iss.down = true })
			if tt.waits {
				return
			}
			pass(24*time.Hour + 10*time.Minute - max(tt.age, 0) - 1)
			mustFind(t, c, "1")
			pass(1)
			mustBeUnavailable(t, c, "1")
		})
	}
}

// A withdrawn key in a seed is used until the TTL after SeedTime, while lookups
// come.
func TestCache_seedIsRenewed(t *testing.T) {
	t.Parallel()
	var earliest, latest atomic.Int64
	earliest.Store(int64(time.Hour))
	seed := parsed(t, set(jwk("1")))
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			iss := newIssuer(set(jwk("2")))
			start := time.Now()
			c := iss.cache(t, func(cfg *jwks.Config) { cfg.Seed, cfg.SeedTime = seed, start.Add(-2*time.Minute) })
			for iss.requests() == 0 {
				c.Keys(t.Context(), "1") // found, unless the issuer was asked first
				pass(time.Second)
				synctest.Wait()
			}
			at := int64(time.Since(start))
			earliest.Store(min(earliest.Load(), at))
			latest.Store(max(latest.Load(), at))
		})
	}
	if first, last := time.Duration(earliest.Load()), time.Duration(latest.Load()); first < 4*time.Minute || first > 5*time.Minute || last < 7*time.Minute || last > 8*time.Minute+time.Second {
		t.Errorf("with a seed of 2 min, 200 caches fetched after %v to %v, want 4 to 8 min", first, last)
	}
}

func TestCache_Snapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer("")
		iss.serve(set(jwk("1"), jwk("2")), `ETag: "v1"`)
		c := iss.cache(t)
		if got, ok := c.Snapshot(); ok || len(got.Keys) > 0 {
			t.Errorf("Snapshot() while EMPTY = %+v, %t, want none", got, ok)
		}
		if got, ok := (&jwks.Cache{}).Snapshot(); ok {
			t.Errorf("Snapshot() of the zero Cache = %+v, want none", got)
		}
		fetched := time.Now()
		mustFind(t, c, "1")
		pass(time.Minute)
		first, ok := c.Snapshot()
		if !ok || len(first.Keys) != 2 || !first.Time.Equal(fetched) || first.URL != keysURL || first.ETag != `"v1"` {
			t.Errorf("Snapshot() = %+v, %t, want 2 keys of %v from %s, ETag \"v1\"", first, ok, fetched, keysURL)
		}

		// By another process.
		text, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		var read jwks.Snapshot
		if err := json.Unmarshal(text, &read); err != nil || !read.Time.Equal(first.Time) || !slices.EqualFunc(read.Keys, first.Keys, sameKey) || read.URL != first.URL || read.ETag != first.ETag {
			t.Errorf("Unmarshal(%s) = %+v, %v, want %+v", text, read, err, first)
		}
		other := iss.cache(t, func(cfg *jwks.Config) { cfg.Seed, cfg.SeedTime = read.Keys, read.Time })
		if got := other.Status(); got.State != jwks.Fresh || got.Age != time.Minute {
			t.Errorf("Status() of the other = %s, %v, want FRESH, 1 min", got.State, got.Age)
		}
		// A seed does not become younger by being passed on.
		if got, ok := other.Snapshot(); !ok || !got.Time.Equal(fetched) || len(got.Keys) != 2 || got.URL != "" {
			t.Errorf("Snapshot() of the other = %+v, %t, want the seed's time, %v", got, ok, fetched)
		}
		unknown := iss.cache(t, func(cfg *jwks.Config) { cfg.Seed = read.Keys })
		if got, ok := unknown.Snapshot(); !ok || !got.Time.IsZero() {
			t.Errorf("Snapshot() of a seed of unknown age = %+v, %t, want no time", got, ok)
		}
	})
}

// New processes that end after three tokens, as functions in a cloud do.
func TestCache_coldStarts(t *testing.T) {
	t.Parallel()
	perSecond, seconds := racing.Fewer(20), 1800
	run := func(t *testing.T, seeded bool) (fetches int) {
		synctest.Test(t, func(t *testing.T) {
			var requests atomic.Int64
			text := set(jwk("1"))
			client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				requests.Add(1)
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
			})}
			iss := newIssuer("")
			job := iss.cache(t, func(cfg *jwks.Config) { cfg.Client = client })
			var snapshot jwks.Snapshot
			for second := range seconds {
				if second%300 == 0 { // a job that stores a Snapshot every five minutes
					if err := job.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
					snapshot, _ = job.Snapshot()
				}
				for range perSecond {
					c := iss.cache(t, func(cfg *jwks.Config) {
						cfg.Client = client
						if seeded {
							cfg.Seed, cfg.SeedTime = snapshot.Keys, snapshot.Time
						}
					})
					go func() {
						for range 3 {
							if keys, err := c.Keys(t.Context(), "1"); len(keys) != 1 || err != nil {
								t.Errorf("Keys(1) = %v, %v, want the key", keys, err)
							}
							pass(time.Second)
						}
					}()
				}
				pass(time.Second)
			}
			pass(5 * time.Second) // until the last has had its tokens
			fetches = int(requests.Load())
		})
		return fetches
	}
	perDay := 200 * 86400 / (perSecond * seconds)
	plain, seeded := run(t, false), run(t, true)
	jobs := seconds / 300
	t.Logf("200 new processes a second: %d fetches a day, and with a seed %d", (plain-jobs)*perDay, (seeded-jobs)*perDay+288)
	if plain != perSecond*seconds+jobs || seeded != jobs {
		t.Errorf("%d fetches, and with a seed %d, want one for each process, and with a seed those of the job alone, %d", plain, seeded, jobs)
	}
}

// The User-Agent names the library, or what the Config says.
func TestCache_userAgent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, configured, want string }{
		{"by default", "", "rsguard"}, {"configured", "orders/1.0", "orders/1.0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got []string
			iss := newIssuer("")
			iss.script(metadata(document, func(*http.Request) string { return response(http.StatusOK, set(jwk("1"))) }))
			c := iss.cache(t, byDiscovery, func(cfg *jwks.Config) {
				cfg.UserAgent = tt.configured
				cfg.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					got = append(got, strings.Join(r.Header.Values("User-Agent"), "|"))
					return iss.RoundTrip(r)
				})}
			})
			mustFind(t, c, "1")
			if len(got) != 2 || got[0] != tt.want || got[1] != tt.want {
				t.Errorf("User-Agent %s = %q, want %q twice", tt.name, got, tt.want)
			}
		})
	}
}
