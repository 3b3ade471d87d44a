// Package conform tests a resource server, in any language and over HTTP. The
// API under test trusts a mock issuer. The package sends it good tokens, tokens
// and requests that it must reject, and rotates the issuer's keys or takes the
// issuer down meanwhile. In Go, a test runs it on a handler:
//
//	func TestConformance(t *testing.T) {
//		conform.Run(t, conform.Target{
//			Audience: "https://api.example.com",
//			Handler: func(iss *testutil.Issuer) http.Handler {
//				return newAPI(iss.Config("https://api.example.com"))
//			},
//		})
//	}
//
// The program cmd/rsguard runs it on an API that listens somewhere.
//
// Each [Case] has a [Level] and the section of the standard that asks for it: RFC
// 6750 for requests and responses, RFC 7515 and RFC 7519 for tokens, RFC 8725
// for attacks, RFC 9068 for the claims, RFC 9449 and RFC 8705 for tokens that
// are bound to a key, and RFC 9728 for metadata.
//
// A run sends some 200 requests, one after the other, to the URL of the API and
// to nothing else.
package conform
