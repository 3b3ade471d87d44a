// Package revocation rejects access tokens that their issuer or the service has
// withdrawn, before they expire.
//
//	list, err := revocation.New(revocation.Config{})
//	auth, err := middleware.New(middleware.Config{Validator: v, Revocations: list})
//
//	// Anna was signed out everywhere.
//	err = list.Revoke(ctx, revocation.Rule{
//		Issuer:       "https://login.example.com/",
//		Subject:      "anna",
//		IssuedBefore: time.Now(),
//	})
//
// A [Rule] names tokens, and ends by itself when no token that it names can be
// valid any more. A [List] holds the rules that have not ended and is asked for
// every request. It is in the memory of one process. A [Feed] carries the rules
// to the other replicas of a service.
//
// A token is asked about after its signature, its times and its binding were
// checked. So a stranger learns nothing about rules, and costs the List nothing.
// A token that is remembered or introspected is asked about like any other.
package revocation
