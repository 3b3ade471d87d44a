package mockissuer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

func TestMetadataNamesTheDomainAsked(t *testing.T) {
	t.Parallel()

	const custom = "https://login.example.com/"
	iss := open(t, mockissuer.Config{Domains: []string{custom}})
	for _, domain := range iss.Domains() {
		for _, e := range []mockissuer.Endpoint{mockissuer.EndpointDiscovery, mockissuer.EndpointMetadata} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(domain, "/")+string(e), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, body := do(t, iss, req)
			var doc struct {
				Issuer  string
				JWKSURI string `json:"jwks_uri"`
			}
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatal(err)
			}
			if doc.Issuer != domain || doc.JWKSURI != domain+".well-known/jwks.json" {
				t.Errorf("GET %s%s = %+v, want the issuer %s and its key set", domain, e, doc, domain)
			}
		}
	}
}

func TestOtherHostsAreRefused(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Config{})
	for _, tt := range []struct {
		host string
		want int
	}{
		{"tenant.example.com", http.StatusOK},
		{"TENANT.example.com", http.StatusOK},
		{"tenant.example.com:444", http.StatusMisdirectedRequest},
		{"rebound.example.net", http.StatusMisdirectedRequest},
		{"", http.StatusMisdirectedRequest},
	} {
		req := httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil)
		req.Host = tt.host
		rec := httptest.NewRecorder()
		iss.ServeHTTP(rec, req)
		if rec.Code != tt.want {
			t.Errorf("GET with Host %q = %d, want %d", tt.host, rec.Code, tt.want)
		}
	}

	if _, err := iss.Client().Get("https://elsewhere.example.com/"); err == nil {
		t.Error("Client().Get of another host: error = nil, want one")
	}
	if _, err := iss.Client().Get("http://tenant.example.com/"); err == nil {
		t.Error("Client().Get of http for https: error = nil, want one")
	}
}

func TestSetDownAndCounts(t *testing.T) {
	t.Parallel()

	iss, err := mockissuer.Start(mockissuer.Config{Algorithms: []string{"ES256"}})
	if err != nil {
		t.Fatal(err)
	}
	defer iss.Close()

	get := func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, iss.URL+".well-known/jwks.json", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	if got := iss.KeyFetches(); got != 1 {
		t.Errorf("KeyFetches() = %d, want 1", got)
	}
	iss.SetDown(true)
	if err := get(); err == nil {
		t.Error("GET while down: error = nil, want one")
	}
	iss.SetDown(false)
	if err := get(); err != nil {
		t.Errorf("GET when up again: %v", err)
	}
	if got := iss.KeyFetches(); got < 3 {
		t.Errorf("KeyFetches() = %d, want at least 3: those that were not answered count too", got)
	}
	if last := iss.Requests()[0]; last.Status != http.StatusOK || last.Endpoint != mockissuer.EndpointKeySet {
		t.Errorf("Requests()[0] = %+v, want the last fetch, answered with 200", last)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		fault  mockissuer.Fault
		status int // 0: no answer
		body   string
	}{
		{mockissuer.Fault{Kind: mockissuer.FaultStatus}, 500, "asked for"},
		{mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 429, RetryAfter: "7"}, 429, "asked for"},
		{mockissuer.Fault{Kind: mockissuer.FaultDelay, Delay: time.Minute}, 200, `"kty"`},
		{mockissuer.Fault{Kind: mockissuer.FaultDelay, Delay: 2 * time.Hour}, 0, ""},
		{mockissuer.Fault{Kind: mockissuer.FaultHang}, 0, ""},
		{mockissuer.Fault{Kind: mockissuer.FaultDrop}, 0, ""},
		{mockissuer.Fault{Kind: mockissuer.FaultEmptySet}, 200, `{"keys":[]}`},
		{mockissuer.Fault{Kind: mockissuer.FaultPage}, 200, "<!DOCTYPE html>"},
		{mockissuer.Fault{Kind: mockissuer.FaultHugeBody}, 200, strings.Repeat("x", 2<<20)},
		{mockissuer.Fault{Kind: mockissuer.FaultCutShort}, 200, `"n":"AQ`},
		{mockissuer.Fault{Kind: mockissuer.FaultRedirect}, 302, ""},
		{mockissuer.Fault{Kind: mockissuer.FaultWrongIssuer, Endpoint: mockissuer.EndpointKeySet}, 200, "somebody-else"},
	} {
		synctest.Test(t, func(t *testing.T) {
			iss := open(t, mockissuer.Config{Algorithms: []string{"ES256"}})
			client := iss.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

			get := func() (int, string, error) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, tenant+".well-known/jwks.json", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(req)
				if err != nil {
					return 0, "", err
				}
				defer res.Body.Close()
				var body strings.Builder
				if _, err := io.Copy(&body, res.Body); err != nil {
					t.Fatal(err)
				}
				return res.StatusCode, body.String(), nil
			}

			tt.fault.Times = 1
			iss.Fail(tt.fault)
			status, body, err := get()
			if status != tt.status || !strings.Contains(body, tt.body) || (err == nil) != (tt.status != 0) {
				t.Errorf("GET with %+v = %d, %d bytes, %v, want %d", tt.fault, status, len(body), err, tt.status)
			}
			if status, _, err := get(); status != http.StatusOK || err != nil {
				t.Errorf("GET after %+v = %d, %v, want 200", tt.fault, status, err)
			}
		})
	}
}

func TestFailUntilUndone(t *testing.T) {
	t.Parallel()

	iss := open(t, mockissuer.Config{Algorithms: []string{"ES256"}})
	status := func(e mockissuer.Endpoint) int {
		res, _ := fetch(t, iss, e)
		return res.StatusCode
	}
	undo := iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 503})
	iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultStatus, Status: 429, Times: 2})

	for n, want := range []int{429, 429, 503, 503} {
		if got := status(mockissuer.EndpointKeySet); got != want {
			t.Errorf("answer %d = %d, want %d", n, got, want)
		}
	}
	if got := status(mockissuer.EndpointDiscovery); got != http.StatusOK {
		t.Errorf("discovery = %d, want 200: it was not to fail", got)
	}
	if got := len(iss.Faults()); got != 1 {
		t.Errorf("len(Faults()) = %d, want 1", got)
	}
	undo()
	if got := status(mockissuer.EndpointKeySet); got != http.StatusOK {
		t.Errorf("answer after undo = %d, want 200", got)
	}

	iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultWrongIssuer})
	if _, body := fetch(t, iss, mockissuer.EndpointMetadata); !strings.Contains(body, "somebody-else") {
		t.Errorf("metadata = %s, want somebody else's", body)
	}
	iss.SetDown(true)
	iss.Heal()
	if _, body := fetch(t, iss, mockissuer.EndpointMetadata); !strings.Contains(body, tenant) {
		t.Errorf("metadata after Heal = %s, want the issuer's own", body)
	}
}

func TestCloseEndsWhatHangs(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		iss, err := mockissuer.New(mockissuer.Config{URL: tenant})
		if err != nil {
			t.Fatal(err)
		}
		iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultHang})
		ended := make(chan error)
		go func() {
			res, err := iss.Client().Get(tenant + ".well-known/jwks.json")
			if err == nil {
				err = errors.New(res.Status)
			}
			ended <- err
		}()
		synctest.Wait()
		if err := iss.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !strings.Contains(err.Error(), "EOF") {
			t.Errorf("a request that hung ended with %v, want an EOF", err)
		}
	})
}
