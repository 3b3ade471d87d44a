// Package middleware decides whether an HTTP request may proceed, by the access
// token that it carries, and gives the others the response that the standards
// define.
//
//	v, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
//	auth, err := middleware.New(middleware.Config{Validator: v})
//	mux.Handle("GET /orders", auth.Handler(list))
//	mux.Handle("POST /orders", auth.Require(validator.Scopes("orders:write"))(create))
//	claims, ok := middleware.ClaimsFromContext(r.Context()) // in list and create
//
// [Authenticator.Handler] and [Authenticator.Require] are for net/http, and for
// routers that take its handlers. They are a few lines over [Guard.Do], which
// is the decision for one route.
//
// # Other frameworks and transports
//
// An adapter makes a [Guard] when the route is made, and calls [Guard.Do] for
// each request with the header of its response. If that returns a [Refusal],
// the adapter must not call the handler: it responds with the refusal's status,
// or lets [Refusal.ServeHTTP] do so. Otherwise it goes on with the request that
// Do has returned, in whose context the claims are. Package testutil has
// TestAdapter, which tests an adapter.
//
// A transport that has no [http.Request] makes one of what it has: the method,
// the target as it was sent in RequestURI, the Host, the Header with its names
// in the canonical form that [http.Header.Add] gives them, the peer's address
// in RemoteAddr, the connection's state in TLS, and its context by
// [http.Request.WithContext]. A body is needed for [FormToken] alone. It passes
// an empty [http.Header] to Do and sends what it then holds. The second example
// of Guard.Do does so.
//
// # What is not checked
//
// A token is checked as package validator says. Of a request, nothing is
// checked but its credentials, and with them its host where
// Config.IssuerForHost says so, and the method and URL that a DPoP proof must
// name. In particular these are the service's: whether a request that a browser
// was made to send is meant (with [CookieToken] or [FormToken] it needs
// [http.CrossOriginProtection]), whether the connection is encrypted, how many
// requests a client may send, and whether the subject may act on the very
// object that the request names.
//
// The standards are RFC 6750 (Bearer tokens), RFC 9449 and RFC 8705 (tokens
// bound to a key or certificate), RFC 9110, Section 11 (HTTP authentication),
// RFC 9470 (step-up challenges) and RFC 9728 (protected resource metadata).
package middleware
