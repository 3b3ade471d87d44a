package jwks_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

// Whatever an issuer answers, the keys that are held are served, for no longer
// and no shorter than the limits say.
func FuzzCache_answer(f *testing.F) {
	good := set(jwk("1"))
	f.Add(200, "max-age=15, stale-if-error=86400", "7", `W/"1"`, "120", good)
	f.Add(304, "max-age=99999999999", "-1", `"`, "Sat, 01 Jan 2000 00:03:00 GMT", "")
	f.Add(503, "no-store,,=,max-age=", "x", "", "99999999999999999999", `{"keys":[]}`)
	f.Fuzz(func(t *testing.T, status int, cacheControl, age, etag, retryAfter, body string) {
		if status < 100 || status > 999 {
			return
		}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		answers := 0
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			answers++
			res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
			if answers == 1 {
				res.StatusCode, res.Body = 200, io.NopCloser(strings.NewReader(good))
			}
			for name, value := range map[string]string{"Cache-Control": cacheControl, "Age": age, "Etag": etag, "Retry-After": retryAfter} {
				res.Header.Set(name, value)
			}
			return res, nil
		})}
		c := newIssuer("").cache(t, func(cfg *jwks.Config) {
			cfg.Client, cfg.Now = client, func() time.Time { return now }
		})
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatalf("Refresh() = %v, want the keys", err)
		}
		check := func() {
			t.Helper()
			got := c.Status()
			next := got.NextRefresh.Sub(now)
			switch {
			case got.Generation == 1 && lookup(t.Context(), c, "1").found != 1:
				t.Errorf("Keys(1) in the first generation = none")
			case len(got.KeyIDs) == 0 || got.State != jwks.Fresh:
				t.Errorf("Status() = %+v, want keys, and FRESH", got)
			case next < 5*time.Minute*2/10 || next > time.Hour*8/10:
				t.Errorf("Status().NextRefresh is in %v, want 1 to 48 min", next)
			case (got.Failures == 0) != (got.LastError == nil) || got.Failures > 1:
				t.Errorf("Status() = %+v, want one failure with its reason, or none", got)
			}
		}
		check()
		err := c.Refresh(t.Context())
		check()
		now = now.Add(5 * time.Minute)
		if got := c.Status(); (err == nil) != (got.Failures == 0) || got.State != jwks.Fresh && got.State != jwks.Revalidate && got.State != jwks.Expired {
			t.Errorf("Status() 5 min after Refresh() = %v: %+v", err, got)
		}
		now = now.Add(25*time.Hour + time.Minute)
		if got := c.Status().State; got != jwks.Dead {
			t.Errorf("Status() after 25 h = %s, want DEAD", got)
		}
	})
}

// Whatever the metadata says, keys are fetched only over https, and only those
// of the issuer are used.
func FuzzCache_metadata(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(`{"issuer":"https://issuer.example/","jwks_uri":"http://127.0.0.1/"}`))
	f.Add([]byte(`{"issuer":"https:\/\/issuer.example\/","jwks_uri":"HTTPS://[::1]:8443/\u0041?b"}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		var asked []string
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			body := []byte(set(jwk("1")))
			switch {
			case strings.Contains(r.URL.Path, "/.well-known/") && r.URL.Host == "issuer.example":
				body = document
			case r.URL.Scheme != "https" || r.URL.Host == "" || r.URL.User != nil || r.URL.Fragment != "":
				asked = append(asked, fmt.Sprint("bad ", r.URL))
			default:
				asked = append(asked, r.URL.String())
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})}
		c := newIssuer("").cache(t, byDiscovery, func(cfg *jwks.Config) { cfg.Client = client })
		err := c.Refresh(t.Context())
		if len(asked) > 1 || len(asked) == 1 && strings.HasPrefix(asked[0], "bad ") {
			t.Errorf("metadata %q: Refresh() = %v, keys were asked for at %q", document, err, asked)
		}
		if bytes.HasPrefix(bytes.TrimSpace(document), []byte("[")) && len(asked) > 0 {
			t.Errorf("metadata %q was believed", document)
		}
	})
}
