// Package testutil helps to test services and adapters that use this module:
// handlers without a token, services with a mock issuer, adapters for web
// frameworks with the whole table of refusals.
//
//	r = testutil.WithClaims(r, testutil.Claims{"sub": "anna", "scope": "orders:read"}) // a handler's unit test
//
//	iss := testutil.NewIssuer(t) // discovery document and key set on a loopback port
//	v, err := validator.New(iss.Config("https://api.example.com"))
//	token := iss.Token(testutil.Claims{"exp": time.Now().Add(-time.Hour)})
//
//	key := testutil.DPoPKey(t) // of a client whose tokens are bound to it
//	key.Authorize(r, iss.Token(testutil.Claims{"cnf": key.Confirmation()}))
//
// It is for tests alone: nothing that runs in production imports it.
package testutil
