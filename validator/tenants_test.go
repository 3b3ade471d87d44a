package validator_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// Whoever signs, in whose name, and by whose kid: a token is accepted if its
// signer is the one it names, and never otherwise. All tenants have a key of the same ID,
// as careless issuers and attackers do, and remember what they have accepted.
func TestMux_everySignerInEveryName(t *testing.T) {
	t.Parallel()

	type signer struct {
		key     ed25519.PrivateKey
		kids    []string
		issuers []string
	}
	signers := []signer{
		{kids: []string{"same", "a"}, issuers: []string{"https://a.eu.auth0.com/", "https://login.a.example/"}},
		{kids: []string{"same", "b"}, issuers: []string{"https://b.eu.auth0.com/"}},
		{kids: []string{"same", "c"}, issuers: []string{"https://c.eu.auth0.com"}},
		{kids: []string{"same"}, issuers: []string{"https://c.eu.auth0.com/"}}, // no tenant
	}
	var list []*validator.Validator
	byIssuer := map[string]*validator.Validator{}
	for i := range signers {
		s := &signers[i]
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		s.key = private
		if i == len(signers)-1 {
			break
		}
		v := newValidator(t, func(c *validator.Config) {
			c.Issuers, c.Keys, c.CacheSize = s.issuers, nil, 100
			var keys jwks.Set
			for _, kid := range s.kids {
				keys = append(keys, jwks.Key{ID: kid, Public: s.key.Public()})
			}
			c.Keys = keys
		})
		list = append(list, v)
		for _, issuer := range s.issuers {
			byIssuer[issuer] = v
		}
	}
	fixed, err := validator.NewMux(list...)
	if err != nil {
		t.Fatal(err)
	}
	found := validator.NewMuxFunc(func(_ context.Context, issuer string) (*validator.Validator, error) {
		return byIssuer[issuer], nil
	})

	accepted := 0
	for range 2 { // the second time they are remembered
		for i, s := range signers {
			for j, named := range signers {
				for _, iss := range named.issuers {
					for _, kid := range []any{nil, "same", "a", "b", "c", "d"} {
						token := signedBy(s.key, object{"kid": kid}, object{"iss": iss})
						known := kid == nil || kid == s.kids[0] || kid == s.kids[len(s.kids)-1]
						want := i == j && known && byIssuer[iss] != nil
						for name, mux := range map[string]*validator.Mux{"Mux": fixed, "MuxFunc": found} {
							claims, err := mux.Validate(t.Context(), token)
							if got := err == nil; got != want || got && claims.Issuer != iss {
								t.Errorf("%s.Validate(signed by %v, in the name of %s, by kid %v) = %v, %v, want accepted %v",
									name, s.issuers, iss, kid, claims, err, want)
							}
							if err == nil {
								accepted++
							}
						}
					}
				}
			}
		}
	}
	// Four issuers, three ways to name the key, both kinds of Mux, twice.
	if want := 4 * 3 * 2 * 2; accepted != want {
		t.Errorf("%d tokens were accepted, want %d", accepted, want)
	}
}

func signedBy(key ed25519.PrivateKey, header, claims object) string {
	h := object{"alg": "EdDSA", "typ": "JWT"}
	maps.Copy(h, header)
	c := object{"aud": audience, "sub": "user", "exp": t0.Unix() + 3600}
	maps.Copy(c, claims)
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(h.json())) + "." + encode([]byte(c.json()))
	return input + "." + encode(ed25519.Sign(key, []byte(input)))
}

// A tenant that has been given up stays so when the function fails after that.
func TestNewMuxFunc_givenUp(t *testing.T) {
	t.Parallel()

	for name, end := range map[string]error{"unknown": nil, "refused": &validator.Error{Code: validator.CodeRefused}} {
		synctest.Test(t, func(t *testing.T) {
			a, _ := twoTenants(t)
			calls := 0
			mux := validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) {
				switch calls++; calls {
				case 1:
					return a, nil
				case 2:
					return nil, end
				}
				return nil, errors.New("database is down")
			})
			good := token(nil, nil)
			if _, err := mux.Validate(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			time.Sleep(validator.MuxRenewal) // of the bubble's clock
			_, _ = mux.Validate(t.Context(), good)
			synctest.Wait()
			time.Sleep(validator.MuxForgetting)
			_, err := mux.Validate(t.Context(), good)
			if got := validator.CodeOf(err); got != validator.CodeUnavailable || calls != 3 {
				t.Errorf("%s: Validate() error = %v, %d calls, want code %q, 3 calls", name, err, calls, validator.CodeUnavailable)
			}
		})
	}
}

// The longest token is each tenant's own.
func TestMux_MaxTokenSize(t *testing.T) {
	t.Parallel()

	small := token(nil, nil)
	other := signedBy(key, object{"kid": kid}, object{"iss": otherIssuer})
	for _, tt := range []struct {
		limit int
		want  validator.Code
	}{{len(small), ""}, {len(small) - 1, validator.CodeMalformed}} {
		a := newValidator(t, func(c *validator.Config) { c.MaxTokenSize = tt.limit })
		b := newValidator(t, func(c *validator.Config) { c.Issuers = []string{otherIssuer} })
		mux, err := validator.NewMux(a, b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mux.Validate(t.Context(), small); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate(%d bytes, at most %d) error = %v, want code %q", len(small), tt.limit, err, tt.want)
		}
		if _, err := mux.Validate(t.Context(), other); err != nil {
			t.Errorf("Validate(of the other tenant) error = %v", err)
		}
	}
}
