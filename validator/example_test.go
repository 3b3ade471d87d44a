package validator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func ExampleNew() {
	v, err := validator.New(validator.Config{
		// The tenant's own domain, and its custom domain.
		Issuers:   []string{"https://tenant.eu.auth0.com/", "https://login.example.com/"},
		Audiences: []string{"https://api.example.com"},
	})
	fmt.Println(v != nil, err)
	// Output: true <nil>
}

func ExampleNew_incorrect() {
	_, err := validator.New(validator.Config{
		Issuers:    []string{"http://tenant.eu.auth0.com/"},
		Algorithms: []validator.Algorithm{"none"},
	})
	fmt.Println(err)
	// Output:
	// validator: Config.Issuers[0] is neither https nor http on a loopback host, but http on "tenant.eu.auth0.com": an issuer is a URL such as https://tenant.eu.auth0.com/; Config.InsecureHTTP accepts http inside of a cluster
	// validator: Config.Audiences is empty: name this API, so that tokens for others are rejected
	// validator: Config.Algorithms: "none" is not known
}

func ExampleAuth0() {
	cfg := validator.Auth0("tenant.eu.auth0.com", "https://api.example.com")
	fmt.Println(cfg.Issuers, cfg.Audiences)
	// Output: [https://tenant.eu.auth0.com/] [https://api.example.com]
}

func ExampleValidator_Validate() {
	v := exampleValidator()
	claims, err := v.Validate(context.Background(), exampleToken(object{"scope": "orders:read"}))
	if err != nil {
		fmt.Println(validator.CodeOf(err))
		return
	}
	fmt.Println(claims.Subject, claims.HasScope("orders:read"))
	// Output: user true
}

func ExampleCodeOf() {
	v := exampleValidator()
	_, err := v.Validate(context.Background(), exampleToken(object{"aud": "https://t/userinfo"}))
	fmt.Println(validator.CodeOf(err))
	fmt.Println(err) // for the log
	// Output:
	// wrong_audience
	// wrong_audience: aud is "https://t/userinfo", want "https://api.example.com": request the token with audience=https://api.example.com
}

func ExampleValidator_Explain() {
	fmt.Print(exampleValidator().Explain(context.Background(), exampleToken(object{"exp": t0.Unix() - 60})))
	// Output:
	// passed       form       want a compact JWS in strict base64url and JSON, of 16384 bytes at most (Config.MaxTokenSize), without crit
	// passed       alg        want "EdDSA"; found "EdDSA"
	// passed       claims     want strict JSON, each registered claim of its type
	// passed       typ        want "JWT", "at+jwt" or none, and nothing that only other types of token have; found "JWT"
	// passed       iss        want "https://tenant.eu.auth0.com/"; found "https://tenant.eu.auth0.com/"
	// passed       aud        want "https://api.example.com"; found ["https://api.example.com"]
	// failed       exp        want a time that has not passed, with 30s of leeway; found 2023-11-14T22:12:20Z
	// not reached  kid        want a key of this issuer's that fits alg; found "k1"
	// not reached  signature  want one that the key has made for this header and these claims
	// not reached  nbf        want none, or a time that has come, with 30s of leeway; found none
	// not reached  iat        want none, or a time that has come, with 30s of leeway; found 2023-11-14T22:13:20Z
	// not reached  cnf        want none, or a proof with the request; found none
	// not reached  checks     want nothing: there are none
	// refused: token_expired: exp was 2023-11-14T22:12:20Z, 1m0s before now (2023-11-14T22:13:20Z; leeway 30s)
}

func ExampleNewMux() {
	acme, err := validator.New(validator.Auth0("acme.eu.auth0.com", "https://api.example.com"))
	if err != nil {
		fmt.Println(err)
	}
	umbrella, err := validator.New(validator.Auth0("umbrella.us.auth0.com", "https://api.example.com"))
	if err != nil {
		fmt.Println(err)
	}
	mux, err := validator.NewMux(acme, umbrella)
	fmt.Println(mux != nil, err)
	// Output: true <nil>
}

func ExampleCheckAs() {
	type tenant struct {
		Plan string `json:"https://example.com/plan"`
	}
	gold := validator.CheckAs(func(_ context.Context, t tenant) error {
		if t.Plan != "gold" {
			return errors.New("the tenant's plan doesn't include this")
		}
		return nil
	})
	v := exampleValidator(gold)
	_, err := v.Validate(context.Background(), exampleToken(object{"https://example.com/plan": "tin"}))
	fmt.Println(err)
	// Output: refused: the tenant's plan doesn't include this
}

func ExampleOrganization() {
	v := exampleValidator(validator.Organization("org_9ybsU1dN2dKfDkBi", "Acme"))
	for _, claims := range []object{{"org_id": "org_9ybsU1dN2dKfDkBi"}, {"org_name": "acme"}, {"org_name": "umbrella"}} {
		_, err := v.Validate(context.Background(), exampleToken(claims))
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// wrong_organization: the token is not for an organization of ["org_9ybsU1dN2dKfDkBi" "Acme"]
}

func exampleValidator(checks ...validator.Check) *validator.Validator {
	v, err := validator.New(validator.Config{
		Issuers:    []string{issuer},
		Audiences:  []string{audience},
		Keys:       jwks.Set{{ID: kid, Public: key.Public()}},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Checks:     checks,
		Now:        func() time.Time { return t0 },
	})
	if err != nil {
		panic(err)
	}
	return v
}

func exampleToken(claims object) string { return token(nil, claims) }

// Users of an API have a scope, and daemons have a role, as with Entra ID.
func ExampleRoles() {
	check := validator.AnyOf(
		validator.Scopes("Orders.Read"),
		validator.Roles([]string{"roles"}, "Orders.Read.All"),
	)
	for _, claims := range []object{
		{"scp": "Orders.Read"},
		{"roles": []string{"Orders.Read.All"}},
		{"roles": []string{"Stock.Read.All"}},
	} {
		c, err := exampleValidator().Validate(context.Background(), exampleToken(claims))
		if err == nil {
			err = check(context.Background(), c)
		}
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// insufficient_scope: the token's scope lacks "Orders.Read"; the claim "roles" lacks the role "Orders.Read.All"
}

// A user may place an order, and so may one agent on behalf of a user.
func ExampleActors() {
	check := validator.AnyOf(validator.NoActor(), validator.Actors("agent-7"))
	for _, claims := range []object{
		{"sub": "anna"},
		{"sub": "anna", "act": object{"sub": "agent-7"}},
		{"sub": "anna", "act": object{"sub": "agent-8"}},
	} {
		c, err := exampleValidator().Validate(context.Background(), exampleToken(claims))
		if err != nil {
			fmt.Println(err)
			return
		}
		actor, err := c.Actor()
		if err != nil {
			fmt.Println(err)
			return
		}
		if actor != nil {
			fmt.Print(actor.Subject, " for ")
		}
		fmt.Println(c.Subject+":", check(context.Background(), c) == nil)
	}
	// Output:
	// anna: true
	// agent-7 for anna: true
	// agent-8 for anna: false
}

// The subject is the party on whose behalf an agent acts, and not the agent.
func ExampleSubjects_incorrect() {
	byAgent := validator.Subjects("agent-7") // Actors is right
	c, err := exampleValidator().Validate(context.Background(), exampleToken(object{"sub": "anna", "act": object{"sub": "agent-7"}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(byAgent(context.Background(), c))
	fmt.Println(validator.Actors("agent-7")(context.Background(), c))
	// Output:
	// refused: the token's subject is none of ["agent-7"]
	// <nil>
}

func ExampleAuthorizationDetails() {
	type payment struct {
		Currency string `json:"currency"`
	}
	check := validator.AuthorizationDetails("payment_initiation", func(_ context.Context, p payment) error {
		if p.Currency != "EUR" {
			return errors.New("the payment is not in EUR")
		}
		return nil
	})
	for _, currency := range []string{"EUR", "USD"} {
		c, err := exampleValidator().Validate(context.Background(), exampleToken(object{
			"authorization_details": []object{{"type": "payment_initiation", "currency": currency}},
		}))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(check(context.Background(), c))
	}
	// Output:
	// <nil>
	// refused: the payment is not in EUR
}

// Tokens of a secret and of a key pair, while an issuer changes from the one to
// the other.
func ExampleNewMux_twoOfOneIssuer() {
	cfg := validator.Config{Issuers: []string{"https://abcd.supabase.co/auth/v1"}, Audiences: []string{"authenticated"}}
	old := cfg
	old.Secret = []byte("at least as many bytes as a SHA-256 hash has")
	next := cfg
	next.Algorithms = []validator.Algorithm{validator.ES256}

	bySecret, err1 := validator.New(old)
	byKey, err2 := validator.New(next)
	v, err3 := validator.NewMux(bySecret, byKey)
	fmt.Println(v != nil, errors.Join(err1, err2, err3))
	// Output: true <nil>
}
