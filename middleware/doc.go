// Package middleware decides whether an HTTP request may proceed, by the access
// token that it carries. It gives rejected requests the response that the
// standards define.
//
//	v, err := validator.New(validator.Auth0("tenant.eu.auth0.com", "https://api.example.com"))
//	auth, err := middleware.New(middleware.Config{Validator: v})
//	mux.Handle("GET /orders", auth.Handler(list))
//	mux.Handle("POST /orders", auth.Require(validator.Scopes("orders:write"))(create))
//	claims, ok := middleware.ClaimsFromContext(r.Context()) // in list and create
//
// [Authenticator.Handler] and [Authenticator.Require] are for net/http, and for
// routers that use its handlers. They call [Guard.Do], which decides for one
// route.
//
// # Other frameworks and transports
//
// An adapter makes a [Guard] when the route is made. For each request it calls
// [Guard.Do] with the header of the response. If that returns a [Refusal], the
// adapter must not call the handler, and responds with the refusal's status or
// by [Refusal.ServeHTTP]. Otherwise it continues with the request that Do has
// returned, whose context has the claims. Package testutil has TestAdapter,
// which tests an adapter.
//
// A transport without an [http.Request] makes one of the following:
//
//   - the method, the Host, and in RequestURI the target as it was sent
//   - the Header, with names in the canonical form of [http.Header.Add]
//   - the peer's address in RemoteAddr, and the connection's state in TLS
//   - its context, by [http.Request.WithContext]
//   - the body, for [FormToken] alone
//
// It passes an empty [http.Header] to Do and sends the fields that it then has.
// The second example of Guard.Do does so.
//
// # What is not checked
//
// A token is checked as package validator documents. Of a request, only the
// credentials are checked, the host if Config.IssuerForHost is set, and the
// method and URL that a DPoP proof must name. These are left to the service:
//
//   - whether another site made a browser send the request. With [CookieToken]
//     and [FormToken], use [http.CrossOriginProtection].
//   - whether the connection is encrypted
//   - how many requests a client may send
//   - whether the subject may act on the object that the request names
//
// The standards are RFC 6750 (Bearer tokens), RFC 9449 and RFC 8705 (tokens
// bound to a key or certificate), RFC 9110, Section 11 (HTTP authentication),
// RFC 9470 (step-up challenges) and RFC 9728 (protected resource metadata).
package middleware
