package idtoken_test

import (
	"encoding/json"
	"testing"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// No token is both an ID token of a client and an access token for an API of
// the same issuer, whatever its claims and its type.
//
//   - If the client and the API have different names, which is what every
//     issuer advises, no option is needed for that.
//   - If they share a name, the API has to require RFC 9068.
//   - Otherwise, a token that is accepted by both has the nonce of the login
//     and no claim that says which of the two it is.
func FuzzNoTokenIsBoth(f *testing.F) {
	for _, seed := range []string{
		`{"aud":"web-app"}`, `{"aud":["web-app","https://api.example.com"],"azp":"web-app"}`, `{"aud":"https://api.example.com","azp":"web-app"}`,
		`{"aud":"web-app","scope":"openid"}`, `{"aud":"web-app","at_hash":"x","scope":"openid"}`, `{"aud":"web-app","typ":"Bearer"}`,
		`{"aud":"web-app","typ":"ID","token_use":"access"}`, `{"aud":"web-app","client_id":"web-app","jti":"j"}`, `{"aud":[],"client_id":"web-app"}`,
		`{"aud":"web-app","events":{}}`, `{"aud":"web-app","nonce":"n-0S6_WzA2Mj","nonce":"x"}`, `{"aud":["web-app","web-app"]}`,
	} {
		f.Add(seed, "JWT")
		f.Add(seed, "at+jwt")
	}
	b := newBench(f)
	client := b.verifier(f)
	access := func(cfg validator.Config) *validator.Validator {
		cfg.Issuers, cfg.Keys, cfg.Algorithms, cfg.Now = b.cfg.Issuers, b.cfg.Keys, b.cfg.Algorithms, b.cfg.Now
		v, err := validator.New(cfg)
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
	api := access(validator.Config{Audiences: []string{mockissuer.DefaultAudience}})
	strict := access(validator.Config{Audiences: []string{clientID}, RequireRFC9068: true})
	sameName := access(validator.Config{Audiences: []string{clientID}})

	f.Fuzz(func(t *testing.T, payload, typ string) {
		var all map[string]any
		if json.Unmarshal([]byte(payload), &all) == nil && all != nil {
			for name, value := range map[string]any{
				"iss": issuer, "sub": "u", "iat": start.Unix(), "exp": start.Unix() + 60, "nonce": nonce,
			} {
				if _, ok := all[name]; !ok {
					all[name] = value
				}
			}
			if whole, err := json.Marshal(all); err == nil {
				payload = string(whole)
			}
		}
		token, err := b.SignPayload(mockissuer.Token{Header: map[string]any{"typ": typ}}, payload)
		if err != nil {
			t.Skip(err)
		}
		id, err := client.Verify(t.Context(), token, idtoken.Expected{Nonce: nonce})
		if report := client.Explain(t.Context(), token, idtoken.Expected{Nonce: nonce}); report.Code() != validator.CodeOf(err) {
			t.Errorf("Explain(%s) code = %q, Verify's is %q", payload, report.Code(), validator.CodeOf(err))
		}
		if err != nil {
			return
		}
		for name, v := range map[string]*validator.Validator{"an API": api, "one that requires RFC 9068": strict} {
			if _, err := v.Validate(t.Context(), token); err == nil {
				t.Errorf("%s accepts the ID token %s, typ %q", name, payload, typ)
			}
		}
		if _, err := sameName.Validate(t.Context(), token); err == nil {
			for _, name := range []string{"at_hash", "c_hash", "scope", "scp", "gty", "client_id"} {
				if _, ok := all[name]; ok {
					t.Errorf("with the same name, both accept %s, which has %s", payload, name)
				}
			}
			if id.Nonce != nonce {
				t.Errorf("Verify(%s) nonce = %q", payload, id.Nonce)
			}
		}
	})
}
