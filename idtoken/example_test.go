package idtoken_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func Example() {
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://tenant.example.com/"})
	if err != nil {
		log.Fatal(err)
	}
	body, err := iss.KeySet()
	if err != nil {
		log.Fatal(err)
	}
	keys, err := jwks.Parse(body)
	if err != nil {
		log.Fatal(err)
	}
	logins, err := idtoken.New(idtoken.Config{
		Issuers: []string{iss.URL}, ClientID: "web-app",
		Keys: keys, // leave it out, and the keys are discovered
	})
	if err != nil {
		log.Fatal(err)
	}

	// The token endpoint has returned an ID token for this nonce.
	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"aud": "web-app", "sub": "auth0|ada", "nonce": "of this session"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, nonce := range []string{"of this session", "of another session"} {
		claims, err := logins.Verify(context.Background(), token, idtoken.Expected{Nonce: nonce})
		if err != nil {
			fmt.Println(validator.CodeOf(err))
			continue
		}
		fmt.Println(claims.Subject, "has signed in")
	}
	// Output:
	// auth0|ada has signed in
	// binding_mismatch
}
