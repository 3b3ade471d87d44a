package validator_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"testing"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// Whoever signs, in whose name, and by whose kid: a token is accepted if its signer is who it says, and else never. All
// tenants have a key of the same ID, as careless issuers and attackers do, and remember what they have accepted.
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
		{kids: []string{"same"}, issuers: []string{"https://c.eu.auth0.com/"}}, // nobody's tenant
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

// What is kept of made-up issuers is bounded, and a tenant that is in use stays.
func TestNewMuxFunc_bounded(t *testing.T) {
	t.Parallel()

	a, _ := twoTenants(t)
	calls := map[string]int{}
	mux := validator.NewUnlimitedMuxFunc(func(_ context.Context, iss string) (*validator.Validator, error) {
		calls[iss]++
		if iss == issuer {
			return a, nil
		}
		return nil, nil
	})
	good := token(nil, nil)
	encode := base64.RawURLEncoding.EncodeToString
	header := encode([]byte(object{"alg": "EdDSA", "typ": "JWT", "kid": kid}.json()))
	const issuers = 2 * validator.MuxSize
	ask := func(i int) {
		payload := fmt.Sprintf(`{"iss":"https://%d/","aud":%q,"exp":%d}`, i, audience, t0.Unix()+60)
		_, err := mux.Validate(t.Context(), header+"."+encode([]byte(payload))+"."+encode(make([]byte, 64)))
		if code := validator.CodeOf(err); code != validator.CodeIssuer {
			t.Fatalf("Validate(of issuer %d) error = %v, want code %q", i, err, validator.CodeIssuer)
		}
	}
	for i := range issuers {
		ask(i)
		if i%16 == 0 {
			if _, err := mux.Validate(t.Context(), good); err != nil {
				t.Fatal(err)
			}
		}
	}
	if calls[issuer] != 1 {
		t.Errorf("the tenant in use was asked for %d times among %d made-up issuers, want once", calls[issuer], issuers)
	}
	asked, again := 0, 0
	for i := 0; i < issuers; i += 16 {
		before := calls[fmt.Sprintf("https://%d/", i)]
		ask(i)
		asked++
		again += calls[fmt.Sprintf("https://%d/", i)] - before
	}
	// Half of them, at least; but some more may be kept until it is tidied up.
	if again < asked/4 {
		t.Errorf("%d of %d made-up issuers were asked for again: the others are kept", again, asked)
	}
}
