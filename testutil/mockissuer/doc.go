// Package mockissuer is an OAuth 2.0 and OpenID Connect issuer for tests and
// for development: plain data goes in, an [http.Handler] that behaves like an
// issuer comes out.
//
//	iss, err := mockissuer.Start(mockissuer.Demo())
//	defer iss.Close()
//	token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"scope": "orders:read"}})
//	fmt.Println(iss.URL, token)
//
// It has no state outside the process, asks nobody for a password and signs
// what it is told to: it must never stand where its tokens are believed in
// earnest. Everything here is by the standard library alone, so that a verifier
// under test meets tokens that its own JOSE code had no part in.
//
// In a test, use [github.com/rsguard/rsguard/testutil.NewIssuer], which closes
// itself and has no errors to handle.
package mockissuer
