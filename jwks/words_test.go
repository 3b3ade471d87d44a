package jwks_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// An unknown key ID tells what it was looked for in, and when to look again.
func TestCache_Unknown(t *testing.T) {
	t.Parallel()
	many := make([]string, 10)
	for i := range many {
		many[i] = jwk(fmt.Sprint(i))
	}
	for _, tt := range []struct {
		name   string
		set    string
		change func(*jwks.Config)
		act    func(*testing.T, *issuer, *jwks.Cache)
		want   string
	}{
		{
			"just fetched for it", set(jwk("1"), jwk("2")), nil,
			func(*testing.T, *issuer, *jwks.Cache) {},
			`the keys held, fetched just now, have no such key; the next fetch for an unknown key in 30 s; held are "1" "2"`,
		},
		{
			"within the interval", set(jwk("1")), nil,
			func(t *testing.T, _ *issuer, c *jwks.Cache) {
				pass(12*time.Second - 1)
				mustMiss(t, c, "made up")
				pass(1)
			},
			`the keys held, fetched 12 s ago, have no such key; the next fetch for an unknown key in 18 s; held are "1"`,
		},
		{
			"after it", set(jwk("1")), nil,
			func(*testing.T, *issuer, *jwks.Cache) { pass(30 * time.Second) },
			`the keys held, fetched 30 s ago, have no such key; the next fetch for an unknown key with the next lookup; held are "1"`,
		},
		{
			"remembered for longer", set(jwk("1")), func(cfg *jwks.Config) { cfg.UnknownKeyInterval = time.Second },
			func(*testing.T, *issuer, *jwks.Cache) { pass(5 * time.Second) },
			`the keys held, fetched 5 s ago, have no such key; the next fetch for an unknown key in 25 s; held are "1"`,
		},
		{
			"never", set(jwk("1")), func(cfg *jwks.Config) { cfg.UnknownKeyInterval = -1 },
			func(*testing.T, *issuer, *jwks.Cache) { pass(10 * time.Minute) },
			`the keys held, fetched 10m0s ago, have no such key; ` +
				`none are fetched for an unknown key, by UnknownKeyInterval; the next fetch with the next lookup; held are "1"`,
		},
		{
			"an outage", set(jwk("1")), nil,
			func(t *testing.T, iss *issuer, c *jwks.Cache) {
				pass(30 * time.Second)
				iss.set(func() { iss.down = true })
				mustBeUnavailable(t, c, "unknown")
			},
			`the keys held, fetched 30 s ago, have no such key; the last fetch failed; the next one in 1 s; held are "1"`,
		},
		{
			"a slow issuer", set(jwk("1")), nil,
			func(t *testing.T, iss *issuer, c *jwks.Cache) {
				pass(30 * time.Second)
				iss.set(func() { iss.latency = 4 * time.Second })
				go c.Keys(t.Context(), "unknown")
				pass(time.Second)
			},
			`the keys held, fetched 31 s ago, have no such key; a fetch is in progress; held are "1"`,
		},
		{
			"many keys, one of them without a kid", set(append([]string{strings.Replace(jwk("x"), `"kid":"x",`, "", 1)}, many...)...), nil,
			func(*testing.T, *issuer, *jwks.Cache) {},
			`the keys held, fetched just now, have no such key; the next fetch for an unknown key in 30 s; ` +
				`held are one without a kid "0" "1" "2" "3" "4" "5" "6" and 3 more`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := newIssuer(tt.set)
				c := iss.cache(t, func(cfg *jwks.Config) {
					if tt.change != nil {
						tt.change(cfg)
					}
				})
				c.SetJitter(none)
				if err := c.Refresh(t.Context()); err != nil {
					t.Fatalf("Refresh() = %v, want nil", err)
				}
				mustMiss(t, c, "unknown")
				tt.act(t, iss, c)
				err := c.Unknown("unknown")
				pass(time.Hour) // the text is of the moment of the lookup
				if got := err.Error(); got != tt.want {
					t.Errorf("Unknown(unknown) = %s\nwant %s", got, tt.want)
				}
			})
		})
	}

	t.Run("no keys", func(t *testing.T) {
		t.Parallel()
		if got := newIssuer("").cache(t).Unknown("1").Error(); got != "no keys are held" {
			t.Errorf("Unknown(1) = %s, want no keys", got)
		}
	})
}

// A long kid of the issuer's doesn't fill the log.
func TestCache_Unknown_bounded(t *testing.T) {
	t.Parallel()
	keys := make([]string, 20)
	for i := range keys {
		keys[i] = jwk(fmt.Sprint(i, strings.Repeat("\u00e9", 10_000)))
	}
	synctest.Test(t, func(t *testing.T) {
		c := newIssuer(set(keys...)).cache(t)
		mustMiss(t, c, "unknown")
		if got := c.Unknown("unknown").Error(); len(got) > 1500 {
			t.Errorf("Unknown(unknown) has %d bytes, want 1,500 at most: %s", len(got), got)
		}
	})
}

// An issuer that answers, but not with its keys, is a mistake in the Config.
// One that doesn't, or that has had keys before, is an outage.
func TestCache_mistake(t *testing.T) {
	t.Parallel()
	keys := response(200, set(jwk("1")))
	document := func(issuer string) string {
		return response(200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, keysURL))
	}
	const advice = "set Config.Keys to a jwks.Cache with the key set's URL"
	for _, tt := range []struct {
		name      string
		change    func(*jwks.Config)
		responses map[string]string // any other is a 404
		mistake   bool
		text      string
	}{
		{"no metadata", byDiscovery, nil, true,
			"no metadata of this issuer at either address: " + advice +
				": GET " + oidcURL + ": 404 Not Found; GET " + oauthURL + ": 404 Not Found"},
		{"a web page for each address", byDiscovery, map[string]string{oidcURL: response(200, "<html>"), oauthURL: response(200, "<html>")}, true,
			"no metadata of this issuer at either address: " + advice},
		{"a redirect", byDiscovery, map[string]string{oidcURL: response(302, "", "Location: https://login.example.com/a?secret=SECRET")}, true,
			"no metadata of this issuer at either address: " + advice +
				": GET " + oidcURL + `: 302 Found to host "login.example.com", and redirects are not followed; `},
		{"a redirect without a target", byDiscovery, map[string]string{oidcURL: response(302, "")}, true,
			": 302 Found, and redirects are not followed; "},
		{"a redirect of the key set", byDiscovery, map[string]string{oidcURL: document(issuerURL), keysURL: response(301, "", "Location: /keys")}, true,
			"no key set where the issuer's metadata says: " + advice +
				": GET " + keysURL + `: 301 Moved Permanently to host "issuer.example", and redirects are not followed`},
		{"no slash", byDiscovery, map[string]string{oidcURL: document("https://issuer.example")}, true,
			"the issuer has another name in its metadata, and they differ by the slash at the end: use the name that its tokens have: GET " + oidcURL},
		{"another issuer", byDiscovery, map[string]string{oidcURL: document("https://issuer.example/{tenantid}")}, true,
			"the issuer has another name in its metadata: use that, if its tokens have it as well, " +
				"and if it can't be reached, this address as the MetadataURL of a jwks.Cache; or " + advice + ": GET " + oidcURL},
		{"no key set", func(*jwks.Config) {}, map[string]string{keysURL: response(404, "")}, true,
			"no key set at the URL of the jwks.Config: set it to where the key set is: GET " + keysURL + ": 404 Not Found"},

		{"no answer from one address", byDiscovery, map[string]string{oauthURL: response(503, "")}, false, "503 Service Unavailable"},
		{"too many requests", byDiscovery, map[string]string{oidcURL: response(429, "")}, false, "429 Too Many Requests"},
		{"an outage of the key set", byDiscovery, map[string]string{oidcURL: document(issuerURL), keysURL: response(500, "")}, false, "500 Internal Server Error"},
		{"a key set that is empty", func(*jwks.Config) {}, map[string]string{keysURL: response(200, set())}, false, "the key set is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss, log := &issuer{}, &logbook{}
				iss.script(byURL(tt.responses))
				c := iss.cache(t, tt.change, func(cfg *jwks.Config) { cfg.Logger = log.logger() })
				err := mustBeUnavailable(t, c, "1").err
				if got := errors.Is(err, jwks.ErrConfig); got != tt.mistake || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("Keys(1) error = %v (ErrConfig: %t)\nwant one with %q (ErrConfig: %t)", err, got, tt.text, tt.mistake)
				}
				if status := c.Status().LastError; errors.Is(status, jwks.ErrConfig) != tt.mistake {
					t.Errorf("Status().LastError = %v, want ErrConfig in its chain: %t", status, tt.mistake)
				}
				level := "WARN"
				if tt.mistake {
					level = "ERROR"
				}
				synctest.Wait() // callers get their answer before the line is written
				lines := log.lines("failures=")
				if len(lines) != 1 || !strings.HasPrefix(lines[0], "level="+level) || strings.Contains(lines[0], "SECRET") {
					t.Errorf("log has %q, want one line at %s", lines, level)
				}

				// What is put right is served like any other.
				iss.script(byURL(map[string]string{oidcURL: document(issuerURL), keysURL: keys}))
				pass(time.Minute)
				mustFind(t, c, "1")
				iss.script(byURL(tt.responses))
				pass(25 * time.Hour)
				if err := mustBeUnavailable(t, c, "1").err; errors.Is(err, jwks.ErrConfig) {
					t.Errorf("Keys(1) error after a day with keys = %v, want an outage", err)
				}
			})
		})
	}
}
