// Package mockissuer is an OAuth 2.0 and OpenID Connect issuer for tests and
// for development. A [Config] is plain data, and the [Issuer] made from it is
// an [http.Handler].
//
//	iss, err := mockissuer.Start(mockissuer.Demo())
//	defer iss.Close()
//	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"scope": "orders:read"}})
//	fmt.Println(iss.URL, token)
//
// It has no state outside the process, logs users in without a password, and
// signs whatever it is told to. Production must never accept its tokens. It
// uses the standard library alone, so that a verifier under test meets tokens
// that were not made by its own JOSE code.
//
// In a test, use [github.com/rsguard/rsguard/testutil.NewIssuer]. It closes the
// issuer when the test ends, and its errors fail the test.
package mockissuer
