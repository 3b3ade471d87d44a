package jwks_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// byURL answers each URL with its own response, and others with 404.
func byURL(responses map[string]string) func(*http.Request) string {
	return func(r *http.Request) string {
		if answer, ok := responses[r.URL.String()]; ok {
			return answer
		}
		return response(http.StatusNotFound, "")
	}
}

func TestCache_discovery(t *testing.T) {
	t.Parallel()
	keys := response(200, set(jwk("1")))
	doc := func(issuer, uri string) string {
		return response(200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"other":[{"a":null}]}`, issuer, uri))
	}
	const elsewhere = "https://keys.example/v1?p=1"
	for _, tt := range []struct {
		name, issuer string
		responses    map[string]string
		urls         []string // asked, less https://issuer.example
		reason       string   // of the failure, if there is to be one
	}{
		{"OpenID Connect", issuerURL, map[string]string{oidcURL: doc(issuerURL, keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration", "/jwks.json"}, ""},
		{"no slash at the end", "https://issuer.example", map[string]string{oidcURL: doc("https://issuer.example", keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration", "/jwks.json"}, ""},
		{"OAuth", issuerURL, map[string]string{oauthURL: doc(issuerURL, keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks.json"}, ""},
		{"OAuth after a web page", issuerURL, map[string]string{oidcURL: response(200, "<html>"), oauthURL: doc(issuerURL, keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks.json"}, ""},
		{"path, OpenID Connect", issuerURL + "realms/a/", map[string]string{
			"https://issuer.example/realms/a/.well-known/openid-configuration": doc(issuerURL+"realms/a/", keysURL), keysURL: keys,
		}, []string{"/realms/a/.well-known/openid-configuration", "/jwks.json"}, ""},
		{"path, OAuth", issuerURL + "realms/a", map[string]string{
			"https://issuer.example/.well-known/oauth-authorization-server/realms/a": doc(issuerURL+"realms/a", keysURL), keysURL: keys,
		}, []string{"/realms/a/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/realms/a", "/jwks.json"}, ""},
		{"another host", issuerURL, map[string]string{oidcURL: doc(issuerURL, elsewhere), elsewhere: keys},
			[]string{"/.well-known/openid-configuration", elsewhere}, ""},

		{"another issuer", issuerURL, map[string]string{oidcURL: doc("https://evil.example/", keysURL), keysURL: keys}, nil,
			`its issuer is "https://evil.example/", not "https://issuer.example/"`},
		{"issuer without the slash", issuerURL, map[string]string{oidcURL: doc("https://issuer.example", keysURL), keysURL: keys}, nil, "its issuer is"},
		{"issuer in another case", issuerURL, map[string]string{oidcURL: doc("https://Issuer.example/", keysURL), keysURL: keys}, nil, "its issuer is"},
		{"issuer escaped", issuerURL, map[string]string{oidcURL: response(200, `{"issuer":"https:\/\/issuer\u002eexample\/","jwks_uri":"`+keysURL+`"}`), keysURL: keys}, nil, ""},
		{"no issuer", issuerURL, map[string]string{oidcURL: response(200, `{"jwks_uri":"`+keysURL+`"}`), keysURL: keys}, nil, "its issuer is"},
		{"ISSUER", issuerURL, map[string]string{oidcURL: response(200, `{"ISSUER":"`+issuerURL+`","jwks_uri":"`+keysURL+`"}`), keysURL: keys}, nil, "its issuer is"},
		{"issuer twice", issuerURL, map[string]string{oidcURL: response(200, `{"issuer":"a","issuer":"`+issuerURL+`","jwks_uri":"`+keysURL+`"}`), keysURL: keys}, nil, "two members"},
		{"issuer is a list", issuerURL, map[string]string{oidcURL: response(200, `{"issuer":["`+issuerURL+`"],"jwks_uri":"`+keysURL+`"}`), keysURL: keys}, nil, "its issuer is"},
		{"no jwks_uri", issuerURL, map[string]string{oidcURL: response(200, `{"issuer":"`+issuerURL+`"}`), keysURL: keys}, nil, "no jwks_uri"},
		{"jwks_uri is null", issuerURL, map[string]string{oidcURL: response(200, `{"issuer":"`+issuerURL+`","jwks_uri":null}`), keysURL: keys}, nil, "no jwks_uri"},
		{"jwks_uri is relative", issuerURL, map[string]string{oidcURL: doc(issuerURL, "/jwks.json"), keysURL: keys}, nil, "jwks_uri has no host"},
		{"jwks_uri is http", issuerURL, map[string]string{oidcURL: doc(issuerURL, "http://issuer.example/jwks.json"), "http://issuer.example/jwks.json": keys}, nil, "jwks_uri is neither https"},
		{"jwks_uri is http on loopback", issuerURL, map[string]string{oidcURL: doc(issuerURL, "http://127.0.0.1/k"), "http://127.0.0.1/k": keys}, nil, "jwks_uri is http"},
		{"jwks_uri is a file", issuerURL, map[string]string{oidcURL: doc(issuerURL, "file:///etc/passwd")}, nil, "jwks_uri has no host"},
		{"jwks_uri with a password", issuerURL, map[string]string{oidcURL: doc(issuerURL, "https://a:SECRET@issuer.example/"), keysURL: keys}, nil, "jwks_uri has credentials"},
		{"jwks_uri without end", issuerURL, map[string]string{oidcURL: doc(issuerURL, "https://issuer.example/"+strings.Repeat("x", 100_000))}, nil, "its jwks_uri has 100023 bytes"},
		{"loopback issuer", "http://127.0.0.1:8080", map[string]string{
			"http://127.0.0.1:8080/.well-known/openid-configuration": doc("http://127.0.0.1:8080", "http://localhost:1/k"), "http://localhost:1/k": keys,
		}, nil, ""},
		{"nothing", issuerURL, nil,
			[]string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"}, "404 Not Found"},
		{"redirect", issuerURL, map[string]string{oidcURL: response(302, "", "Location: "+oauthURL), keysURL: keys}, nil, "redirects are not followed"},
		{"too busy to say", issuerURL, map[string]string{oidcURL: response(503, ""), oauthURL: doc(issuerURL, keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration"}, "503"},
		{"told to slow down", issuerURL, map[string]string{oidcURL: response(429, ""), oauthURL: doc(issuerURL, keysURL), keysURL: keys},
			[]string{"/.well-known/openid-configuration"}, "429"},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := &issuer{}
			iss.script(byURL(tt.responses))
			c := iss.cache(t, func(cfg *jwks.Config) { cfg.Issuer, cfg.URL = tt.issuer, "" })
			keys, err := c.Keys(t.Context(), "1")
			switch {
			case tt.reason == "" && (err != nil || len(keys) != 1):
				t.Errorf("%s: Keys(1) = %v, %v, want one key", tt.name, keys, err)
			case tt.reason != "" && (!errors.Is(err, jwks.ErrUnavailable) || !strings.Contains(err.Error(), tt.reason)):
				t.Errorf("%s: Keys(1) = %v, %v, want ErrUnavailable with %q", tt.name, keys, err, tt.reason)
			case err != nil && strings.Contains(err.Error(), "SECRET"):
				t.Errorf("%s: Keys(1) error = %v, want no password in it", tt.name, err)
			}
			if got := iss.urls(); tt.urls != nil && !slices.Equal(got, tt.urls) {
				t.Errorf("%s: asked %q, want %q", tt.name, got, tt.urls)
			}
		})
	}
}

// An issuer may be reached at another address than its name says. The name is
// still the one that its metadata must have.
func TestCache_metadataElsewhere(t *testing.T) {
	t.Parallel()
	const (
		public  = "https://sso.example.com/realms/shop"
		inside  = "http://keycloak:8080/realms/shop/.well-known/openid-configuration"
		httpSet = "http://keycloak:8080/realms/shop/certs"
	)
	for _, tt := range []struct{ name, metadata, issuer, uri, reason string }{
		{"both over http", inside, public, httpSet, ""},
		{"the keys over https", inside, public, "https://sso.example.com/certs", ""},
		{"another name", inside, "http://keycloak:8080/realms/shop", httpSet, "its issuer is"},
		{"the keys over http alone", "https://keycloak/metadata", public, httpSet, "its jwks_uri is http, on"},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss, log := &issuer{}, &logbook{}
			iss.script(byURL(map[string]string{
				tt.metadata: response(200, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, tt.issuer, tt.uri)),
				tt.uri:      response(200, set(jwk("1"))),
			}))
			c := iss.cache(t, func(cfg *jwks.Config) {
				cfg.Issuer, cfg.URL, cfg.MetadataURL, cfg.InsecureHTTP, cfg.Logger = public, "", tt.metadata, true, log.logger()
			})
			if lines := log.lines("plain http is accepted"); len(lines) != 1 || !strings.HasPrefix(lines[0], "level=WARN") {
				t.Errorf("%s: NewCache logged %q, want one warning", tt.name, lines)
			}
			keys, err := c.Keys(t.Context(), "1")
			switch {
			case tt.reason == "" && (err != nil || len(keys) != 1):
				t.Errorf("%s: Keys(1) = %v, %v, want one key", tt.name, keys, err)
			case tt.reason != "" && (!errors.Is(err, jwks.ErrUnavailable) || !strings.Contains(err.Error(), tt.reason)):
				t.Errorf("%s: Keys(1) = %v, %v, want ErrUnavailable with %q", tt.name, keys, err, tt.reason)
			}
			if got := iss.urls(); got[0] != tt.metadata || tt.reason != "" && len(got) != 1 {
				t.Errorf("%s: asked %q, want %q first, and no more without a good answer", tt.name, got, tt.metadata)
			}
		})
	}
}

// Where the keys are is asked once a day; if the issuer can't say then, the old
// place is as good.
func TestCache_discoveryIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const next = "https://issuer.example/next.json"
		iss := &issuer{}
		responses := map[string]string{oidcURL: response(200, document), keysURL: response(200, set(jwk("1")))}
		iss.script(byURL(responses))
		c := iss.cache(t, byDiscovery)
		asked := func() (metadata, keys int) {
			for _, url := range iss.urls() {
				if strings.Contains(url, ".well-known") {
					metadata++
				} else {
					keys++
				}
			}
			return metadata, keys
		}

		every(10*time.Second, 23*time.Hour+50*time.Minute, func(time.Duration) { mustFind(t, c, "1") })
		synctest.Wait()
		if metadata, keys := asked(); metadata != 1 || keys < 100 {
			t.Errorf("metadata asked for %d times and keys %d times in a day, want once and each 8 min", metadata, keys)
		}

		// No metadata: one more try each 15 min at most, two requests each, and
		// the keys are served on.
		iss.script(byURL(map[string]string{keysURL: responses[keysURL]}))
		every(10*time.Second, 4*time.Hour, func(time.Duration) { mustFind(t, c, "1") })
		synctest.Wait()
		metadata, _ := asked()
		if metadata < 9 || metadata > 1+2*4*4 {
			t.Errorf("metadata asked for %d times in 4 h without an answer, want at most each 15 min", metadata)
		}
		if got := c.Status(); got.Failures != 0 || got.State == jwks.Expired {
			t.Errorf("Status() = %+v, want the keys as fresh as ever", got)
		}

		iss.script(byURL(responses))
		pass(time.Hour)
		mustFind(t, c, "1")

		// The keys move, and the old place is gone.
		iss.script(byURL(map[string]string{
			oidcURL: response(200, strings.Replace(document, keysURL, next, 1)),
			next:    response(200, set(jwk("2"))),
		}))
		pass(15 * time.Minute)
		c.Keys(t.Context(), "2")
		every(100*time.Millisecond, 5*time.Second, func(time.Duration) { c.Keys(t.Context(), "2") })
		mustFind(t, c, "2")
	})
}

// Whichever of a fetch's answers asks for a pause gets it.
func TestCache_retryAfterOfAnyAnswer(t *testing.T) {
	t.Parallel()
	const busy = 429
	pause := func(seconds int) string { return response(busy, "", fmt.Sprintf("Retry-After: %d", seconds)) }
	for _, tt := range []struct {
		name      string
		responses map[string]string // any other is a 404
		want      time.Duration
	}{
		{"first metadata", map[string]string{oidcURL: pause(20)}, 20 * time.Second},
		{"second metadata", map[string]string{oauthURL: pause(20)}, 20 * time.Second},
		{"both", map[string]string{oidcURL: response(404, "", "Retry-After: 25"), oauthURL: pause(20)}, 25 * time.Second},
		{"keys", map[string]string{oidcURL: response(200, document), keysURL: pause(20)}, 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				iss := &issuer{}
				iss.script(byURL(tt.responses))
				c := iss.cache(t, byDiscovery)
				c.SetJitter(none)
				mustBeUnavailable(t, c, "1")
				before := iss.requests()
				pass(tt.want - 1)
				mustBeUnavailable(t, c, "1")
				if got := iss.requests() - before; got != 0 {
					t.Errorf("%d requests within the %v that the issuer asked for, want none", got, tt.want)
				}
				pass(1)
				mustBeUnavailable(t, c, "1")
				if got := iss.requests() - before; got == 0 {
					t.Errorf("no request after the %v that the issuer asked for, want a fetch", tt.want)
				}
			})
		})
	}

	// Discovery is due again and the older URL is asked as well: the pause is
	// for both.
	t.Run("metadata, and an older URL", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			iss := &issuer{}
			iss.script(byURL(map[string]string{oidcURL: response(200, document), keysURL: response(200, set(jwk("1")))}))
			c := iss.cache(t, byDiscovery)
			c.SetJitter(none)
			mustFind(t, c, "1")
			iss.script(byURL(map[string]string{oidcURL: pause(120), keysURL: response(500, "")}))
			pass(25 * time.Hour)
			mustBeUnavailable(t, c, "1")
			err := c.Status().LastError
			if next := time.Until(c.Status().NextRefresh); next != 2*time.Minute {
				t.Errorf("Status().NextRefresh is in %v after %v, want 2 min", next, err)
			}
			for _, url := range []string{oidcURL, keysURL} {
				if err == nil || !strings.Contains(err.Error(), url) {
					t.Errorf("Status().LastError = %v, want it to tell of %s", err, url)
				}
			}
		})
	})
}

// The tag of a set at one URL says nothing about the set at another.
func TestCache_etagOfAnotherURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const next = "https://issuer.example/next.json"
		iss := &issuer{}
		iss.script(byURL(map[string]string{oidcURL: response(200, document), keysURL: response(200, set(jwk("1")), `ETag: "1"`)}))
		c := iss.cache(t, byDiscovery)
		mustFind(t, c, "1")
		pass(25 * time.Hour)
		iss.script(func(r *http.Request) string {
			switch {
			case r.URL.String() == oidcURL:
				return response(200, strings.Replace(document, keysURL, next, 1))
			case r.Header.Get("If-None-Match") != "":
				return response(304, "")
			}
			return response(200, set(jwk("2")), `ETag: "1"`)
		})
		mustFind(t, c, "2")
	})
}

// If the metadata is silent while the keys are not, these are fetched from
// where they were.
func TestCache_silentMetadata(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := &issuer{}
		keys := response(200, set(jwk("1")))
		iss.script(metadata(document, func(*http.Request) string { return keys }))
		var silent atomic.Bool
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if silent.Load() && strings.Contains(r.URL.Path, ".well-known") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return iss.RoundTrip(r)
		})}
		c := iss.cache(t, byDiscovery, func(cfg *jwks.Config) { cfg.Client = client })
		mustFind(t, c, "1")
		pass(23*time.Hour + 55*time.Minute)
		mustFind(t, c, "1")
		silent.Store(true)
		every(time.Second, 6*time.Hour, func(time.Duration) {
			if got := mustFind(t, c, "1"); got.took > 0 {
				t.Errorf("Keys(1) took %v, want it at once", got.took)
			}
			if got := c.Status(); got.State == jwks.Expired || got.Failures > 0 {
				t.Fatalf("Status() = %+v, want the keys refreshed, and no failure", got)
			}
		})

		// Even when there is nothing to serve meanwhile.
		pass(25 * time.Hour)
		if got := c.Status().State; got != jwks.Dead {
			t.Errorf("Status() after an idle day = %s, want DEAD", got)
		}
		if got := mustFind(t, c, "1"); got.took != 5*time.Second {
			t.Errorf("Keys(1) took %v, want the 5 s of discovery", got.took)
		}
	})
}
