package clientauth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A call is made again once for another token and once for a nonce, and only
// where the server has rejected it.
func TestCall(t *testing.T) {
	t.Parallel()
	const (
		ended  = `Bearer error="invalid_token"`
		nonced = `DPoP error="use_dpop_nonce"`
	)
	type answer struct {
		rejected         bool
		challenge, nonce string
		again            bool
	}
	for _, tt := range []struct {
		name    string
		bound   bool
		answers []answer
		tokens  int // requests
	}{
		{"accepted", false, []answer{{false, "", "", false}}, 1},
		{"accepted, whatever the metadata has", false, []answer{{false, ended, "", false}}, 1},
		{"another token", false, []answer{{true, ended, "", true}, {true, ended, "", false}}, 2},
		{"a nonce", true, []answer{{true, nonced, "a", true}, {true, nonced, "b", false}}, 1},
		{"a nonce and another token", true, []answer{{true, nonced, "a", true}, {true, ended, "", true}, {true, nonced, "b", false}}, 2},
		{"a nonce that is not there", true, []answer{{true, nonced, "", false}}, 1},
		{"a nonce for a Bearer token", false, []answer{{true, nonced, "a", false}}, 1},
		{"another error", false, []answer{{true, `Bearer error="insufficient_scope"`, "", false}}, 1},
		{"no challenge", false, []answer{{true, "", "", false}}, 1},
	} {
		iss := newIssuer(t, nil)
		cfg := config(iss)
		rpc := clientauth.PerRPC{Hosts: []string{"stock.example.com"}, Method: func(context.Context) string { return "/shop.Orders/List" }}
		if tt.bound {
			cfg.Key = newKey(t, nil)
		}
		rpc.Source = newSource(t, cfg, clientauth.Request{Audience: audience})
		ctx, call := clientauth.NewCall(t.Context())
		if call.Again(ctx, true, map[string][]string{"www-authenticate": {ended}}) {
			t.Errorf("%s: Again() before the call = true, want false", tt.name)
		}
		last := ""
		for i, a := range tt.answers {
			md, err := rpc.GetRequestMetadata(ctx, "https://stock.example.com/shop.Orders")
			if err != nil {
				t.Fatal(err)
			}
			if tt.bound {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://stock.example.com/", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("DPoP", md["dpop"])
				if p := proofOf(t, r); p.Nonce != last || p.HTU != "https://stock.example.com/shop.Orders/List" {
					t.Errorf("%s: attempt %d has the proof %+v, want the nonce %q", tt.name, i, p, last)
				}
			}
			answered := map[string][]string{}
			if a.challenge != "" {
				answered["www-authenticate"] = []string{a.challenge}
			}
			if a.nonce != "" {
				answered["dpop-nonce"], last = []string{a.nonce}, a.nonce
			}
			if got := call.Again(ctx, a.rejected, answered); got != a.again {
				t.Errorf("%s: Again() of answer %d = %t, want %t", tt.name, i, got, a.again)
			}
		}
		if got := iss.Count(mockissuer.EndpointToken); got != tt.tokens {
			t.Errorf("%s: %d token requests, want %d", tt.name, got, tt.tokens)
		}
	}
}

// An issuer that is slow keeps a call no longer than its context, and one that
// returns the same token causes no second attempt.
func TestCall_slowIssuer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &liar{answer: func(n int, _ *http.Request) (int, string, string) {
			if n > 1 {
				time.Sleep(5 * time.Second)
			}
			return 200, "application/json", good(3600)
		}}
		rpc := clientauth.PerRPC{Source: newSource(t, l.config(), clientauth.Request{}), Hosts: []string{"stock.example.com"}}
		rejected := map[string][]string{"www-authenticate": {`Bearer error="invalid_token"`}}
		for _, tt := range []struct{ patience, took time.Duration }{{time.Second, time.Second}, {time.Minute, 4 * time.Second}} {
			ctx, call := clientauth.NewCall(t.Context())
			if _, err := rpc.GetRequestMetadata(ctx, "https://stock.example.com/shop.Orders"); err != nil {
				t.Fatal(err)
			}
			waiting, cancel := context.WithTimeout(ctx, tt.patience)
			start := time.Now()
			if again := call.Again(waiting, true, rejected); again || time.Since(start) != tt.took {
				t.Errorf("Again() = %t after %v, want false after %v", again, time.Since(start), tt.took)
			}
			cancel()
		}
	})
}

// The challenge of an API that requires another sign-in becomes an error with
// what it requires.
func TestStepUp(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10<<10)
	for _, tt := range []struct {
		fields []string
		acr    []string // nil if there is no error
		maxAge time.Duration
	}{
		{[]string{`Bearer error="insufficient_user_authentication", acr_values="gold platinum", max_age="300"`}, []string{"gold", "platinum"}, 5 * time.Minute},
		{[]string{`DPoP max_age=60, ACR_Values=gold, algs="ES256", error=insufficient_user_authentication`}, []string{"gold"}, time.Minute},
		{[]string{`Basic realm="x"`, `Bearer error="insufficient_user_authentication"`}, []string{}, 0},
		{[]string{`Bearer error="insufficient_user_authentication", max_age="-1"`}, []string{}, 0},
		{[]string{`Bearer error="insufficient_user_authentication", max_age="99999999999999"`}, []string{}, 0},
		{[]string{`Bearer error="insufficient_user_authentication", acr_values="a", DPoP acr_values="b"`}, []string{"a"}, 0},
		{[]string{`Bearer acr_values="a", DPoP error="insufficient_user_authentication", acr_values="b"`}, []string{"b"}, 0},
		{[]string{`Bearer error="insufficient_user_authentication", acr_values="a", acr_values="b"`}, []string{"a"}, 0},
		{[]string{`Bearer error="invalid_token", acr_values="gold"`}, nil, 0},
		{[]string{`Basic error="insufficient_user_authentication"`}, nil, 0},
		{[]string{`Bearer realm="` + long + `", error="insufficient_user_authentication"`}, nil, 0},
		{nil, nil, 0},
	} {
		err := clientauth.StepUp(http.Header{"Www-Authenticate": tt.fields})
		var e *clientauth.Error
		if errors.As(err, &e) != (tt.acr != nil) || e != nil && (e.Code != clientauth.CodeAuthentication || !slices.Equal(e.ACRValues, tt.acr) || e.MaxAge != tt.maxAge) {
			t.Errorf("StepUp(%.100q) = %v with %+v, want %q and %v", tt.fields, err, e, tt.acr, tt.maxAge)
		}
	}
}
