package validator_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/validator"
)

// FuzzValidate looks for tokens that are accepted and should not be: raw ones,
// and ones with any header and payload that the issuer's own key has signed.
// Whatever is accepted says the same to encoding/json, and has no second
// spelling.
func FuzzValidate(f *testing.F) {
	f.Add(`{"alg":"EdDSA","kid":"k1"}`, object{"iss": issuer, "aud": audience, "exp": t0.Unix() + 60}.json(), "")
	f.Add(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`, object{"iss": issuer, "aud": []string{"x", audience}, "exp": 1.7e9 + 0.5, "azp": "c", "scope": "a b"}.json(), "")
	f.Add(`{"alg":"EdDSA","kid":"k1"}`, object{"iss": issuer, "aud": audience, "exp": t0.Unix(), "client_id": "a", "cid": 1, "appid": "b", "org_id": []int{1}, "permissions": 1}.json(), "")
	f.Add(`{"alg":"EdDSA","kid":"k1"}`, object{"iss": issuer, "aud": audience, "exp": t0.Unix(), "type": "access", "tokenType": "refresh", "cid": "a"}.json(), "")
	f.Add(`{"alg":"EdDSA"}`, object{"iss": issuer, "aud": audience, "exp": t0.Unix() + 60, "cnf": object{"jkt": "x"}}.json(), "")
	ours := strings.NewReplacer("https://tenant.example.com/", issuer, "RS256", "EdDSA", `"kid":"rsa"`, `"kid":"k1"`, "17672", "17000")
	seen := map[string]bool{}
	for _, file := range vectors.Read(f, "../vectors/data") {
		for _, v := range file.Vectors {
			segments := strings.Split(v.Token, ".")
			if len(v.Token) > 2000 || len(segments) != 3 {
				continue
			}
			header, err1 := base64.RawURLEncoding.DecodeString(segments[0])
			payload, err2 := base64.RawURLEncoding.DecodeString(segments[1])
			if text := string(header) + string(payload); err1 == nil && err2 == nil && !seen[text] {
				seen[text] = true
				f.Add(ours.Replace(string(header)), ours.Replace(string(payload)), "")
			}
		}
	}
	f.Add("", "", token(nil, nil))

	cfg := config()
	cfg.Now = func() time.Time { return t0 }
	v, err := validator.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, payload, raw string) {
		text := raw
		if text == "" {
			text = signed(header, payload)
		}
		claims, err := v.Validate(t.Context(), text)
		if err != nil {
			if claims != nil || validator.CodeOf(err) == "" || validator.CodeOf(err) == validator.CodeRefused {
				t.Fatalf("Validate(%q) = %+v, %v", text, claims, err)
			}
			return
		}
		checkAccepted(t, text, claims)

		again, err := v.Validate(t.Context(), text)
		if err != nil || again.Subject != claims.Subject || !again.ExpiresAt.Equal(claims.ExpiresAt) {
			t.Fatalf("Validate(%q), asked again, = %+v, %v, want %+v", text, again, err, claims)
		}
		for _, other := range spellings(text) {
			if _, err := v.Validate(t.Context(), other); err == nil {
				t.Fatalf("Validate accepts %q and %q", text, other)
			}
		}
	})
}

// objectOf is json.Unmarshal, but for numbers that no float64 is: a private
// claim may have one.
func objectOf(text []byte) (object map[string]any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&object); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something stands after the object")
	}
	return object, nil
}

func numberOf(v any) (float64, bool) {
	number, ok := v.(json.Number)
	f, err := number.Float64()
	return f, ok && err == nil
}

// checkAccepted reads the token once more, with encoding/json, and holds it
// against the rules.
func checkAccepted(t *testing.T, text string, claims *validator.Claims) {
	segments := strings.Split(text, ".")
	if len(segments) != 3 || len(text) > validator.DefaultMaxTokenSize {
		t.Fatalf("Validate accepts %q", text)
	}
	var decoded [3][]byte
	for i, segment := range segments {
		var err error
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(segment); err != nil || base64.RawURLEncoding.EncodeToString(decoded[i]) != segment {
			t.Fatalf("Validate accepts %q, whose segment %d is not canonical: %v", text, i, err)
		}
	}
	header, err1 := objectOf(decoded[0])
	payload, err2 := objectOf(decoded[1])
	if err1 != nil || err2 != nil {
		t.Fatalf("Validate accepts what encoding/json does not: %s, %s", decoded[0], decoded[1])
	}

	if header["alg"] != "EdDSA" || header["crit"] != nil {
		t.Errorf("header %s is accepted", decoded[0])
	}
	if typ, ok := header["typ"]; ok {
		s, _ := typ.(string)
		if s = strings.TrimPrefix(strings.ToLower(s), "application/"); s != "jwt" && s != "at+jwt" {
			t.Errorf("typ %v is accepted", typ)
		}
	}
	if payload["iss"] != issuer || claims.Issuer != issuer {
		t.Errorf("iss %v is accepted", payload["iss"])
	}
	audiences, _ := payload["aud"].([]any)
	if payload["aud"] != audience && !slices.Contains(audiences, any(audience)) {
		t.Errorf("aud %v is accepted", payload["aud"])
	}
	now, leeway := float64(t0.Unix()), validator.DefaultLeeway.Seconds()
	if exp, ok := numberOf(payload["exp"]); !ok || exp+leeway <= now {
		t.Errorf("exp %v is accepted at %v", payload["exp"], now)
	}
	for _, name := range []string{"nbf", "iat"} {
		if date, ok := payload[name]; ok {
			if n, ok := numberOf(date); !ok || n-leeway > now+1e-3 {
				t.Errorf("%s %v is accepted at %v", name, date, now)
			}
		}
	}
	if _, ok := payload["cnf"]; ok {
		t.Errorf("cnf %v is accepted without a proof", payload["cnf"])
	}
	for name, got := range map[string]string{"sub": claims.Subject, "jti": claims.ID, "azp": claims.AuthorizedParty} {
		if want, ok := payload[name].(string); got != want || !ok && payload[name] != nil {
			t.Errorf("%s = %q, want %v", name, got, payload[name])
		}
	}
	// Private claims may have any type, and then are as good as absent.
	for name, got := range map[string]string{"org_id": claims.OrgID, "org_name": claims.OrgName} {
		if want, _ := payload[name].(string); got != want {
			t.Errorf("%s = %q, want %v", name, got, payload[name])
		}
	}
	client := ""
	for _, name := range []string{"client_id", "azp", "cid", "appid"} {
		if value, ok := payload[name]; ok {
			client, _ = value.(string)
			break
		}
	}
	if claims.ClientID != client {
		t.Errorf("ClientID = %q, want %q, of %s", claims.ClientID, client, decoded[1])
	}
	if gty, ok := payload["gty"].(string); ok && claims.GrantType != gty {
		t.Errorf("gty = %q, want %q", claims.GrantType, gty)
	}
	for _, name := range []string{"events", "token_introspection", "response_type", "at_hash", "c_hash", "ati"} {
		if _, ok := payload[name]; ok {
			t.Errorf("a token with %s is accepted", name)
		}
	}
	for _, name := range []string{"typ", "type", "token_type", "tokenType", "token_use"} {
		if value, _ := payload[name].(string); strings.EqualFold(value, "refresh") {
			t.Errorf("a token with %s %q is accepted", name, value)
		}
	}
}

// spellings are other texts that a careless reader takes for the same token.
func spellings(text string) []string {
	i := strings.IndexByte(text, '.')
	j := strings.LastIndexByte(text, '.')
	flipped := []byte(text)
	flipped[len(flipped)-1] ^= 1 // A and B, g and f: an unused bit, or one of the signature
	return []string{
		text + "=", text + "\n", " " + text, text + ".", text + "A",
		text[:i] + "\n" + text[i:], text[:j] + "\r" + text[j:], text[:i] + "=" + text[i:], text[:j+1] + "\n" + text[j+1:],
		string(flipped), strings.ReplaceAll(text, ".", ". "),
	}
}

// FuzzJWTSVID looks for subjects of a trust domain that another reader takes
// for those of another one.
func FuzzJWTSVID(f *testing.F) {
	for _, sub := range []string{
		"spiffe://example.org", "spiffe://example.org/a/b", "spiffe://example.org/", "spiffe://example.org/../a", "spiffe://u@example.org/",
		"spiffe://example.org:1/a", "spiffe://example.org?a", "spiffe://example.org#a", "spiffe://example.org.x/", "spiffe:example.org", "%2f",
	} {
		f.Add(sub)
	}
	cfg := config()
	cfg.Issuers = []string{"spiffe://example.org"}
	v, err := validator.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sub string) {
		claims, err := v.Validate(t.Context(), token(nil, object{"iss": nil, "sub": sub}))
		if err != nil {
			if code := validator.CodeOf(err); code != validator.CodeIssuer && code != validator.CodeMalformed {
				t.Fatalf("Validate(sub %q) = %v, want another code", sub, err)
			}
			return
		}
		u, err := url.Parse(claims.Subject)
		if err != nil || u.Scheme != "spiffe" || u.Host != "example.org" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" ||
			u.Path != "" && u.Path != path.Clean(u.Path) || u.String() != claims.Subject || claims.Issuer != cfg.Issuers[0] {
			t.Fatalf("Validate(sub %q) = %+v, and a URL's parser has %+v, %v", sub, claims, u, err)
		}
	})
}

// FuzzActors holds that what Actors and Roles accept says the same to
// encoding/json.
func FuzzActors(f *testing.F) {
	for _, act := range []string{
		`{"sub":"a"}`, `{"sub":"a","iss":"` + issuer + `"}`, `{"sub":"a","iss":"x"}`, `{"act":{"sub":"a"}}`, `{"roles":["a"]}`, `{"roles":"a"}`,
		`{"Sub":"a"}`, `"a"`, `null`, `[{"sub":"a"}]`, `{"sub":"a","act":{"act":{}}}`, `{"s\u0075b":"\u0061","roles":{}}`,
	} {
		f.Add(act)
	}
	v := newValidator(f, nil)
	actors, roles := validator.Actors("a"), validator.AnyRole([]string{"act", "roles"}, "a")
	f.Fuzz(func(t *testing.T, act string) {
		claims, err := v.Validate(t.Context(), signed(`{"alg":"EdDSA","kid":"k1"}`,
			`{"iss":"`+issuer+`","aud":"`+audience+`","exp":1700003600,"sub":"user","act":`+act+`}`))
		if err != nil {
			return
		}
		var raw struct {
			Act json.RawMessage `json:"act"`
		}
		var members map[string]any
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(payload, &raw); err == nil {
			_ = json.Unmarshal(raw.Act, &members) // nil if it is no object
		}
		if err := actors(t.Context(), claims); err == nil && (members["sub"] != "a" || members["iss"] != nil && members["iss"] != issuer) {
			t.Fatalf("Actors(a) accepts %s", act)
		}
		list, _ := members["roles"].([]any)
		if err := roles(t.Context(), claims); err == nil && members["roles"] != "a" && !slices.Contains(list, any("a")) {
			t.Fatalf("AnyRole(a) accepts %s", act)
		}
		if err := validator.NoActor()(t.Context(), claims); err == nil {
			t.Fatalf("NoActor() accepts %s", act)
		}
	})
}
