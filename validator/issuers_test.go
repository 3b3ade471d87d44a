package validator_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// With nil Keys, each issuer's tokens are checked by its own keys and no
// others, remembered or not.
func TestIssuers_ownKeys(t *testing.T) {
	t.Parallel()
	old, next := testutil.NewIssuer(t), testutil.NewIssuer(t)
	for _, cacheSize := range []int{-1, 8} {
		v, err := validator.New(validator.Config{
			Issuers: []string{old.URL, next.URL}, Audiences: []string{audience}, CacheSize: cacheSize,
			Algorithms: []validator.Algorithm{validator.RS256, validator.ES256},
		})
		if err != nil {
			t.Fatal(err)
		}
		mux, err := validator.NewMux(v)
		if err != nil {
			t.Fatal(err)
		}
		nextKeys, err := next.KeyIDs()
		if err != nil {
			t.Fatal(err)
		}
		alg := next.Algorithms()[0]
		for _, tt := range []struct {
			name  string
			by    *testutil.Issuer
			token mockissuer.Token
			want  validator.Code
		}{
			{"the first's", old, mockissuer.Token{}, ""},
			{"the second's", next, mockissuer.Token{}, ""},
			{"the first's in the second's name", old, mockissuer.Token{Claims: testutil.Claims{"iss": next.URL}}, validator.CodeUnknownKey},
			{"the second's in the first's name", next, mockissuer.Token{Claims: testutil.Claims{"iss": old.URL}}, validator.CodeUnknownKey},
			{"the first's in the second's name, by its kid", old, mockissuer.Token{
				Algorithm: alg, Claims: testutil.Claims{"iss": next.URL}, Header: map[string]any{"kid": nextKeys[0]},
			}, validator.CodeSignature},
			{"the first's in the second's name, without kid", old, mockissuer.Token{
				Claims: testutil.Claims{"iss": next.URL}, Header: map[string]any{"kid": nil},
			}, validator.CodeSignature},
			{"the second's, without kid", next, mockissuer.Token{Header: map[string]any{"kid": nil}}, ""},
		} {
			token := tt.by.Sign(tt.token)
			for range 2 {
				_, err := v.Validate(t.Context(), token)
				_, errOfMux := mux.Validate(t.Context(), token)
				explained := v.Explain(t.Context(), token).Err
				for how, err := range map[string]error{"Validate": err, "Mux.Validate": errOfMux, "Explain": explained} {
					if got := validator.CodeOf(err); got != tt.want {
						t.Errorf("%s(%s) with CacheSize %d: code = %q (%v), want %q", how, tt.name, cacheSize, got, err, tt.want)
					}
				}
			}
		}
	}
}

// An issuer's outage is that of its own tokens.
func TestIssuers_ownOutage(t *testing.T) {
	t.Parallel()
	up, down := testutil.NewIssuer(t), testutil.NewIssuer(t)
	down.SetDown(true)
	v, err := validator.New(validator.Config{
		Issuers: []string{down.URL, up.URL}, Audiences: []string{audience},
		Algorithms: []validator.Algorithm{validator.RS256, validator.ES256},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), up.Token(nil)); err != nil {
		t.Errorf("Validate(a token of the issuer that is up) error = %v", err)
	}
	if _, err := v.Validate(t.Context(), down.Token(nil)); validator.CodeOf(err) != validator.CodeUnavailable {
		t.Errorf("Validate(a token of the issuer that is down) error = %v, want code %q", err, validator.CodeUnavailable)
	}
}

// A custom domain has its own copy of the tenant's keys. It costs no request
// before a token of that domain comes.
func TestIssuers_customDomain(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	own := "http://" + server.Listener.Addr().String() + "/"
	custom := strings.Replace(own, "127.0.0.1", "localhost", 1)
	iss, err := mockissuer.New(mockissuer.Config{URL: own, Domains: []string{custom}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = iss
	server.Start()
	t.Cleanup(func() {
		server.Close()
		_ = iss.Close()
	})
	v, err := validator.New(validator.Config{Issuers: []string{own, custom}, Audiences: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}

	asked := func(domain string) (n int) {
		for _, r := range iss.Requests() {
			if r.Issuer == domain {
				n++
			}
		}
		return n
	}
	for _, step := range []struct {
		iss                   string
		wantOwn, wantOfCustom int // requests so far, for metadata and key sets
	}{
		{own, 2, 0}, {own, 2, 0}, {custom, 2, 2}, {custom, 2, 2}, {own, 2, 2},
	} {
		token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"iss": step.iss}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Validate(t.Context(), token); err != nil {
			t.Errorf("Validate(a token of %s) error = %v", step.iss, err)
		}
		if got := asked(own); got != step.wantOwn {
			t.Errorf("%s was asked %d times after a token of %s, want %d", own, got, step.iss, step.wantOwn)
		}
		if got := asked(custom); got != step.wantOfCustom {
			t.Errorf("%s was asked %d times after a token of %s, want %d", custom, got, step.iss, step.wantOfCustom)
		}
	}
}
