package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

func TestCache_manyFirstCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = 300 * time.Millisecond
		c := iss.cache(t)
		var served, refused atomic.Int32
		for range 200 {
			go func() {
				if got := lookup(t.Context(), c, "1"); got.found == 1 && got.err == nil {
					served.Add(1)
				} else {
					refused.Add(1)
				}
			}()
		}
		pass(time.Second)
		t.Logf("%d served, %d refused, %d fetches", served.Load(), refused.Load(), iss.requests())
		if served.Load() != 200 || iss.requests() != 1 {
			t.Errorf("200 callers: %d served with %d fetches, want all with one", served.Load(), iss.requests())
		}
	})
}

func TestCache_floodOfUnknownKids(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		iss.latency = 100 * time.Millisecond
		c := iss.cache(t)
		var published time.Time
		var accepted stopwatch
		n := 0
		every(100*time.Millisecond, 10*time.Minute, func(passed time.Duration) {
			n++
			kid := fmt.Sprint("random-", n)
			go c.Keys(t.Context(), kid)
			if n%10 != 0 {
				return
			}
			go find(t, c, "1")
			switch {
			case published.IsZero() && passed > 4*time.Minute+13*time.Second:
				published = time.Now()
				iss.serve(set(jwk("1"), jwk("new")))
			case !published.IsZero():
				go func() {
					if lookup(t.Context(), c, "new").found == 1 {
						accepted.stop(published)
					}
				}()
			}
		})
		flood := iss.requests()
		pass(24 * time.Hour)
		t.Logf("%d lookups of random kids: %d fetches, %d in the idle day after; new key accepted after %v",
			n, flood, iss.requests()-flood, accepted.read())
		if flood > 22 {
			t.Errorf("%d random kids in 10 min caused %d fetches, want ≤ 22", n, flood)
		}
		if iss.requests() != flood {
			t.Errorf("%d fetches in the idle day after, want none", iss.requests()-flood)
		}
		if accepted.read() == 0 || accepted.read() > 61*time.Second {
			t.Errorf("a key published in the flood was accepted after %v, want ≤ 61 s", accepted.read())
		}
	})
}

func TestCache_quietNewKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := newIssuer(set(jwk("1")))
		c := iss.cache(t)
		mustFind(t, c, "1")
		pass(time.Second)
		iss.serve(set(jwk("1"), jwk("2")))
		mustFind(t, c, "2") // at the first request
		if got := iss.requests(); got != 2 {
			t.Errorf("%d fetches, want 2", got)
		}
		// A fetch that found its key leaves another to the next rotation. The
		// one after that comes within UnknownKeyInterval, to which as much again
		// is added at random.
		iss.serve(set(jwk("1"), jwk("2"), jwk("3")))
		mustFind(t, c, "3")
		iss.serve(set(jwk("1"), jwk("2"), jwk("3"), jwk("4")))
		pass(30*time.Second - 1)
		mustMiss(t, c, "4")
		pass(30*time.Second + 1)
		mustFind(t, c, "4")
		if got := iss.requests(); got != 4 {
			t.Errorf("%d fetches, want 4", got)
		}
	})
}

func TestCache_slowIssuer(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name   string
		change func(*jwks.Config)
	}{{"URL", func(*jwks.Config) {}}, {"discovery", byDiscovery}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keys := response(http.StatusOK, set(jwk("1")))
				iss := &issuer{latency: 4 * time.Second}
				iss.script(metadata(document, func(*http.Request) string { return keys }))
				c := iss.cache(t, mode.change)
				var waits, longest atomic.Int64
				var held atomic.Bool
				n := 0
				every(time.Second, 2*time.Hour, func(time.Duration) {
					n++
					already := held.Load()
					go func() {
						got := find(t, c, "1")
						held.Store(true)
						longest.Store(max(longest.Load(), int64(got.took)))
						if already && got.took > 0 {
							waits.Add(1)
						}
					}()
				})
				t.Logf("%d requests in 2 h, %d fetches, longest wait %v, %d waited once keys were held",
					n, iss.requests(), time.Duration(longest.Load()), waits.Load())
				if waits.Load() > 0 {
					t.Errorf("%d requests waited though keys were held, want none", waits.Load())
				}
				pass(10 * time.Second)
			})
		})
	}
}

func TestCache_longOutage(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name   string
		change func(*jwks.Config)
	}{{"URL", func(*jwks.Config) {}}, {"discovery", byDiscovery}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				book := &logbook{}
				keys := response(http.StatusOK, set(jwk("1")), "Cache-Control: max-age=15, stale-if-error=86400")
				iss := &issuer{}
				iss.script(metadata(document, func(*http.Request) string { return keys }))
				c := iss.cache(t, mode.change, func(cfg *jwks.Config) { cfg.Logger = book.logger() })
				mustFind(t, c, "1")
				iss.say(response(http.StatusServiceUnavailable, "busy"))
				before := iss.requests()
				var lastServed time.Duration
				var waited int
				every(time.Second, 30*time.Hour, func(passed time.Duration) {
					got := lookup(t.Context(), c, "1")
					if got.took > 0 {
						waited++
					}
					switch {
					case got.found == 1 && got.err == nil:
						lastServed = passed
					case passed <= 24*time.Hour:
						t.Fatalf("Keys(1) = %v after %v of outage, want it served", got.err, passed)
					case !errors.Is(got.err, jwks.ErrUnavailable):
						t.Fatalf("Keys(1) = %d, %v after %v, want ErrUnavailable", got.found, got.err, passed)
					}
				})
				fetches := iss.requests() - before
				t.Logf("served for %v, %d requests to the issuer in 30 h, %d lookups waited", lastServed, fetches, waited)
				if lastServed > 24*time.Hour+5*time.Minute {
					t.Errorf("served for %v, want ≤ 24 h 5 min", lastServed)
				}
				if fetches > 2400 {
					t.Errorf("%d requests to the issuer, want ≤ 2,400", fetches)
				}
				synctest.Wait()
				lines := book.lines("jwks:")
				for _, line := range lines {
					t.Log(line)
				}
				if len(lines) > 6 {
					t.Errorf("%d log lines, want one for each change of state", len(lines))
				}

				iss.say(keys)
				if mode.name == "discovery" {
					iss.script(metadata(document, func(*http.Request) string { return keys }))
				}
				pass(time.Minute)
				mustFind(t, c, "1")
			})
		})
	}
}

func TestCache_startedInOutage(t *testing.T) {
	t.Parallel()
	good := response(http.StatusOK, set(jwk("1")))
	for _, tt := range []struct {
		name   string
		broken func(*issuer)
		change func(*jwks.Config)
	}{
		{"503", func(i *issuer) { i.answer = func(*http.Request) string { return response(503, "") } }, func(*jwks.Config) {}},
		{"refused", func(i *issuer) { i.down = true }, func(*jwks.Config) {}},
		{"silent", func(i *issuer) { i.silent = true }, func(*jwks.Config) {}},
		{"503, by discovery", func(i *issuer) { i.answer = func(*http.Request) string { return response(503, "") } }, byDiscovery},
		{"refused, by discovery", func(i *issuer) { i.down = true }, byDiscovery},
		{"silent, by discovery", func(i *issuer) { i.silent = true }, byDiscovery},
		{"keys 503, by discovery", func(i *issuer) {
			i.answer = metadata(document, func(*http.Request) string { return response(503, "") })
		}, byDiscovery},
		{"empty set", func(i *issuer) { i.answer = func(*http.Request) string { return response(200, set()) } }, func(*jwks.Config) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := &issuer{}
				iss.set(func() { tt.broken(iss) })
				c := iss.cache(t, tt.change)
				start := time.Now()
				var longest atomic.Int64
				var served stopwatch
				meanwhile := 0
				every(time.Second/4, 80*time.Second, func(passed time.Duration) {
					if passed == time.Minute {
						meanwhile = iss.requests()
						iss.set(func() { iss.silent, iss.down = false, false })
						iss.script(metadata(document, func(*http.Request) string { return good }))
					}
					go func() {
						got := lookup(t.Context(), c, "1")
						longest.Store(max(longest.Load(), int64(got.took)))
						if got.err == nil {
							served.stop(start.Add(time.Minute))
						}
					}()
				})
				t.Logf("%d requests to the issuer in the outage; served %v after it; longest wait %v", meanwhile, served.read(), time.Duration(longest.Load()))
				if served.read() <= 0 || served.read() > 6*time.Second {
					t.Errorf("served %v after the issuer was back, want ≤ 6 s", served.read())
				}
				if meanwhile > 31 {
					t.Errorf("%d requests to the issuer in the outage, want ≤ 31", meanwhile)
				}
				if longest.Load() > int64(6*time.Second) {
					t.Errorf("longest wait %v, want ≤ 6 s", time.Duration(longest.Load()))
				}
			})
		})
	}
}

func TestCache_uselessAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, answer string }{
		{"empty object", response(200, `{}`)},
		{"empty set", response(200, `{"keys":[]}`)},
		{"error object", response(200, `{"error":"server_error","keys":null}`)},
		{"web page", response(200, `<!doctype html><title>Down for maintenance</title>`, "Content-Type: text/html")},
		{"null", response(200, `null`)},
		{"nothing", response(200, ``)},
		{"unknown key types", response(200, `{"keys":[{"kty":"AKP","kid":"1"},{"kty":"oct","k":"AA"}]}`)},
		{"204", response(204, ``)},
		{"404", response(404, `{"keys":[]}`)},
		{"500 with a key set", response(500, set(jwk("evil")))},
		{"203 with a key set", response(203, set(jwk("evil")))},
		{"206 with a key set", response(206, set(jwk("evil")))},
		{"302", response(302, ``, "Location: https://elsewhere.example/")},
		{"304 unasked for", response(304, ``)},
		{"two sets", response(200, set(jwk("evil"))+set(jwk("evil")))},
		{"keys twice", response(200, `{"keys":[`+jwk("evil")+`],"keys":[`+jwk("evil")+`]}`)},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n" + set(jwk("evil"))},
		{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t)
				mustFind(t, c, "1")
				iss.say(tt.answer)
				every(time.Second, 30*time.Minute, func(time.Duration) {
					if got := mustFind(t, c, "1"); got.took > 0 {
						t.Errorf("Keys(1) took %v, want it at once", got.took)
					}
				})
				mustBeUnavailable(t, c, "evil")
				status := c.Status()
				t.Logf("0 refused, %d fetches, state %s, last error: %v", iss.requests(), status.State, status.LastError)
				if status.Failures == 0 || status.LastError == nil {
					t.Errorf("Status() = %+v, want failures", status)
				}

				// And from the beginning: nothing to serve.
				mustBeUnavailable(t, iss.cache(t), "evil")
			})
		})
	}
}

func TestCache_withdrawnKey(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"X-None: 1", "Cache-Control: max-age=15, stale-if-error=86400", "Cache-Control: max-age=600"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				one, two := jwk("1"), jwk("2")
				iss := newIssuer("")
				iss.serve(set(one, two), header)
				c := iss.cache(t)
				mustFind(t, c, "2")
				iss.serve(set(one), header)
				var refused time.Duration
				every(time.Second, 20*time.Minute, func(passed time.Duration) {
					mustFind(t, c, "1")
					if lookup(t.Context(), c, "2").found == 0 && refused == 0 {
						refused = passed
					}
				})
				t.Logf("a withdrawn key was refused after %v", refused)
				if refused == 0 || refused > 10*time.Minute {
					t.Errorf("a withdrawn key was refused after %v, want ≤ 10 min", refused)
				}
			})
		})
	}
}

func TestCache_firstCallerLeaves(t *testing.T) {
	t.Parallel()
	for _, kid := range []string{"1", "new"} { // one that begins the first fetch, one that forces another
		t.Run(kid, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(set(jwk("1")))
				c := iss.cache(t)
				if kid == "new" {
					mustFind(t, c, "1")
					iss.serve(set(jwk("1"), jwk("new")))
				}
				iss.set(func() { iss.latency = 300 * time.Millisecond })
				before := iss.requests()

				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				leaves := make(chan result, 1)
				go func() { leaves <- lookup(ctx, c, kid) }()
				synctest.Wait()
				var served atomic.Int32
				for range 20 {
					go func() {
						if find(t, c, kid).took == 300*time.Millisecond {
							served.Add(1)
						}
					}()
				}
				first := <-leaves
				t.Logf("the first caller left after %v: %v", first.took, first.err)
				if !errors.Is(first.err, context.DeadlineExceeded) || first.took != 20*time.Millisecond {
					t.Errorf("Keys with 20 ms took %v, error %v, want 20 ms and the context's error", first.took, first.err)
				}
				if errors.Is(first.err, jwks.ErrUnavailable) {
					t.Errorf("Keys error = %v, want none about the issuer", first.err)
				}
				pass(time.Second)
				if served.Load() != 20 || iss.requests() != before+1 {
					t.Errorf("%d of 20 others were served, with %d fetches, want all with one", served.Load(), iss.requests()-before)
				}
			})
		})
	}
}

func TestCache_silentIssuer(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name   string
		change func(*jwks.Config)
	}{{"URL", func(*jwks.Config) {}}, {"discovery", byDiscovery}} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := &issuer{}
				serve := func(kid string) {
					keys := response(http.StatusOK, set(jwk(kid)))
					iss.script(metadata(document, func(*http.Request) string { return keys }))
				}
				serve("1")
				c := iss.cache(t, mode.change)
				mustFind(t, c, "1")
				iss.set(func() { iss.silent = true })

				var waiting, most, longest atomic.Int64
				n := 0
				unknown := func(kid string) {
					waiting.Add(1)
					got := lookup(t.Context(), c, kid)
					waiting.Add(-1)
					longest.Store(max(longest.Load(), int64(got.took)))
				}
				every(time.Second, 3*time.Hour, func(passed time.Duration) {
					if got := mustFind(t, c, "1"); got.took > 0 {
						t.Errorf("Keys(1) took %v, want it at once", got.took)
					}
					burst := 1
					if passed%(17*time.Second) == 0 {
						burst = 100
					}
					for range burst {
						n++
						go unknown(fmt.Sprint("random-", n))
					}
					synctest.Wait()
					most.Store(max(most.Load(), waiting.Load()))
				})
				t.Logf("%d requests to the issuer in 3 h of silence; %d unknown kids waited ≤ %v, ≤ %d at once",
					iss.requests(), n, time.Duration(longest.Load()), most.Load())
				if longest.Load() > int64(6*time.Second) {
					t.Errorf("an unknown kid waited %v, want ≤ 6 s", time.Duration(longest.Load()))
				}
				if most.Load() != 64 {
					t.Errorf("%d waited at once, want 64 at most, and sometimes so many", most.Load())
				}

				serve("rotated")
				iss.set(func() { iss.silent = false })
				back := time.Now()
				var accepted stopwatch
				every(time.Second, 2*time.Minute, func(time.Duration) {
					go func() {
						if lookup(t.Context(), c, "rotated").found == 1 {
							accepted.stop(back)
						}
					}()
				})
				t.Logf("a rotated key was accepted %v after the issuer was back", accepted.read())
				if accepted.read() == 0 || accepted.read() > 66*time.Second {
					t.Errorf("a rotated key was accepted after %v, want ≤ 66 s", accepted.read())
				}
			})
		})
	}
}
