// Package testutil helps to test services and adapters that use this module. It
// has claims for the unit tests of handlers, a mock issuer for the tests of a
// service, and test suites for adapters and replay stores.
//
//	r = testutil.WithClaims(r, testutil.Claims{"sub": "anna", "scope": "orders:read"}) // a handler's unit test
//
//	iss := testutil.NewIssuer(t) // discovery document and key set on a loopback port
//	v, err := validator.New(iss.Config("https://api.example.com"))
//	token := iss.Token(testutil.Claims{"exp": time.Now().Add(-time.Hour)})
//
//	keycloak := iss.As("Keycloak", cfg) // writes tokens as Keycloak does, for the service's own configuration
//	token = keycloak.Token(testutil.Claims{"scope": "orders:read"})
//
//	key := testutil.DPoPKey(t) // of a client whose tokens are bound to it
//	key.Authorize(r, iss.Token(testutil.Claims{"cnf": key.Confirmation()}))
//
// The package is for tests. Code that runs in production must not import it.
package testutil
