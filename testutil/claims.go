package testutil

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// Claims are the claims of a token for a test, by name. Values are strings,
// bools, numbers, slices, maps, or anything that encoding/json can write. A
// [time.Time] is written as a NumericDate. A claim that is nil is left out of
// the token, and so is its default. A claim that is not in the map gets its
// default, if it has one.
type Claims map[string]any

// WithClaims returns a copy of r as a guarded handler gets it, with these
// claims in its context. Use it for a handler's unit test, which then needs
// neither a token nor keys.
//
//	r = testutil.WithClaims(r, testutil.Claims{"sub": "anna", "scope": "orders:read"})
//
// The claims are those of a real token, which is signed with a key made for it,
// and validated. They therefore behave as in production. Absent claims get
// defaults: iss "https://issuer.example/", sub "auth0|user", aud
// "https://api.example.com", iat now, and exp an hour from now. Any iss, aud
// and type of token is accepted, and a token bound to a key counts as proven.
// If the token is from the past or the future, the Validator's clock is set to
// a time at which it is valid.
//
// WithClaims panics if no Validator could ever accept a token with these
// claims, such as one without exp, one whose sub is a number, or one whose nbf
// is after its exp. A handler never gets such claims.
//
// A [middleware.Authenticator] does not trust these claims and validates the
// request's token itself. To test it together with the handler, use
// [NewIssuer].
func WithClaims(r *http.Request, claims Claims) *http.Request {
	validated, err := validate(r.Context(), claims)
	if err != nil {
		panic(fmt.Sprintf("testutil.WithClaims: no token can have these claims: %v", err))
	}
	return r.WithContext(middleware.ContextWithClaims(r.Context(), validated))
}

func validate(ctx context.Context, claims Claims) (*validator.Claims, error) {
	key, err := newSigningKey("")
	if err != nil {
		return nil, err
	}
	at := claims.moment()
	all := claims.withDefaults(at)
	token, err := key.token(nil, all)
	if err != nil {
		return nil, err
	}

	// The Validator rejects a claim of a JSON type that it can't have.
	var (
		issuer string
		names  audience
		proven struct {
			JKT     string `json:"jkt"`
			X5TS256 string `json:"x5t#S256"`
		}
	)
	all.read("iss", &issuer)
	all.read("aud", &names)
	all.read("cnf", &proven)
	switch {
	case issuer == "":
		return nil, errors.New("iss is missing, empty or no string")
	case len(names) == 0:
		return nil, errors.New("aud is missing, empty, or neither a string nor a list of them")
	}
	v, err := validator.New(validator.Config{
		Issuers:               []string{issuer},
		Audiences:             names,
		Keys:                  key.set(),
		Algorithms:            []validator.Algorithm{validator.EdDSA},
		Leeway:                -1,
		MaxTokenSize:          1 << 20, // the most
		InsecureSkipTypeCheck: true,
		Now:                   func() time.Time { return at },
	})
	if err != nil {
		return nil, err
	}
	return v.Validate(validator.ContextWithConfirmation(ctx, validator.Confirmation(proven)), token)
}

// moment returns a time at which a token with these dates is valid. It prefers
// now. A test with fixed dates therefore goes on passing after they have
// passed.
func (c Claims) moment() time.Time {
	date := func(name string) (seconds float64, ok bool) {
		const most = 1e11 // the Validator rejects dates beyond, and names the claim
		ok = c.read(name, &seconds) && math.Abs(seconds) <= most
		return seconds, ok
	}
	at := time.Now()
	if seconds, ok := date("exp"); ok {
		if end := time.Unix(int64(math.Floor(seconds)), 0); !at.Before(end) {
			at = end.Add(-time.Second)
		}
	}
	for _, name := range []string{"nbf", "iat"} {
		if seconds, ok := date(name); ok {
			if start := time.Unix(int64(math.Ceil(seconds)), 0); at.Before(start) {
				at = start
			}
		}
	}
	return at
}

// withDefaults returns the claims of a token with c, issued at that time.
func (c Claims) withDefaults(at time.Time) Claims {
	all := Claims{
		"iss": "https://issuer.example/",
		"sub": "auth0|user",
		"aud": "https://api.example.com",
		"iat": at,
		"exp": at.Add(time.Hour),
	}
	maps.Copy(all, c)
	for name, value := range all {
		switch value := value.(type) {
		case nil:
			delete(all, name)
		case time.Time:
			all[name] = value.Unix()
		}
	}
	return all
}

// read stores the claim in the value that to points to, as JSON would carry it.
// It reports whether the claim fits.
func (c Claims) read(name string, to any) bool {
	value, ok := c[name]
	if date, isDate := value.(time.Time); isDate {
		value = date.Unix()
	}
	data, err := json.Marshal(value)
	return ok && value != nil && err == nil && json.Unmarshal(data, to) == nil
}

// An audience is a string or several.
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// A signingKey signs the tokens of one test.
type signingKey struct {
	id      string
	private ed25519.PrivateKey
}

func newSigningKey(id string) (*signingKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &signingKey{id, private}, nil
}

func (k *signingKey) set() jwks.Set {
	return jwks.Set{{ID: k.id, Algorithm: string(validator.EdDSA), Public: k.private.Public()}}
}

// token returns a signed token of claims. The members of header replace those
// of the usual header, by the rules of Claims.
func (k *signingKey) token(header, claims Claims) (string, error) {
	members := Claims{"alg": string(validator.EdDSA), "typ": "JWT"}
	if k.id != "" {
		members["kid"] = k.id
	}
	maps.Copy(members, header)
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
	head, err := json.Marshal(members)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.private, []byte(input))), nil
}
