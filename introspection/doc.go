// Package introspection decides whether a resource server may accept an access
// token that says nothing by itself, by asking the server that has issued it.
//
//	tokens, err := introspection.New(introspection.Config{
//		Issuer:    "https://sso.example.com",
//		Audiences: []string{"https://api.example.com"},
//		ClientID:  "orders-api",
//		Auth:      introspection.ClientSecretBasic(os.Getenv("CLIENT_SECRET")),
//	})
//	…
//	auth, err := middleware.New(middleware.Config{Validator: tokens})
//
// An [Introspector] asks the introspection endpoint once for each token, and
// remembers the answer for [Config].MaxAge. It reads an answer as strictly as
// package validator reads a token, and compares the issuer, the audience and
// the times in the same way. The key that a token may be bound to is checked,
// and the [validator.Check] functions run, at each request.
//
// What the server may leave out of an answer (RFC 7662, Section 2.2 requires no
// member but "active") means
//
//	iss        that the token is Config.Issuer's, which was asked
//	aud        that the token is for another API, unless Config.AudienceGuaranteedBy says otherwise
//	exp        that it does not end by itself; the answer still ends with Config.MaxAge
//	nbf, iat   nothing
//	cnf        that it is bound to nothing
//	scope      that it has no scopes
//
// # Outages
//
// A token of which nothing can be found out is rejected with
// [validator.CodeUnavailable], and a response with status 503. It is never
// called bad. While calls fail, there are none for a time that grows to half a
// minute, or for as long as the server asks for in Retry-After. Config.StaleFor
// lets tokens that are known be accepted meanwhile.
//
// Tokens that are known and tokens that are not have limits of their own, for
// calls at once, for waiting requests and for failures. So made-up tokens
// cannot keep a known one from being asked about.
//
// # What is not checked
//
// An Introspector believes the server that it asks. It does not check whether
// the answer is about the token that was sent, and it learns of a revocation
// when the answer that it remembers has become older than Config.MaxAge.
//
// The standards are RFC 7662 (token introspection), RFC 9701 (answers that are
// signed), RFC 8414 (metadata), and RFC 7523 and RFC 8705 (authentication of
// clients).
package introspection
