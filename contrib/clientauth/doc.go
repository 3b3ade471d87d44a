// Package clientauth gets access tokens for a service that calls other
// services. It checks each token before it keeps it.
//
//	client, err := clientauth.New(clientauth.Config{
//		Issuer:   "https://tenant.eu.auth0.com/",
//		ClientID: "orders",
//		Auth:     clientauth.ClientSecretPost(os.Getenv("CLIENT_SECRET")),
//	})
//	tokens, err := client.Source(clientauth.Request{Audience: "https://stock.example.com", Organization: "org_1"})
//	transport, err := clientauth.NewTransport(tokens, clientauth.TransportConfig{Hosts: []string{"stock.example.com"}})
//	stock := &http.Client{Transport: transport}
//
// A [Source] is an [oauth2.TokenSource]. Its tokens are kept in memory, one for
// each issuer, client, audience, organization and set of scopes. A call near
// the end of a token's life begins to renew it in the background and returns
// the token that is still good. Callers at the same time cause one request.
//
// # What is checked
//
// The answer of the token endpoint is read strictly: its size, its JSON, the
// token_type against what was asked for, and the bounds of expires_in. Then
//
//   - with [Config].Validator, the token is validated as the API would do it,
//     and the organization and the key of the request are compared
//   - otherwise, its form, and "exp" if it is a JWT that can be read
//
// A token that fails is not kept, and the [Error] says why. Whether it has all
// scopes that were asked for is not checked. Use [validator.Scopes] in the
// Validator's Checks where that matters.
//
// # Outages
//
// If the issuer doesn't answer, the token is used while it lives. Requests to
// the issuer then come at intervals that double from a quarter of a second to
// 30 seconds, or as Retry-After says, for all tokens together. Without a token
// that lives, calls fail at once with [CodeUnavailable].
//
// The standards are RFC 6749, Section 4.4 (client credentials), RFC 7523 and
// RFC 8705 (client authentication), RFC 8707 (resource indicators), RFC 8693
// (token exchange) and RFC 9449 (DPoP).
package clientauth
