// Package issuers has the configuration for each of many real issuers. A
// function named for the issuer returns the [validator.Config] that accepts its
// access tokens and nothing more:
//
//	v, err := validator.New(issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api"))
//
// Some of the functions return an error as well, if their arguments have to be
// checked. No function does any I/O but [Kubernetes], which reads the files of
// its pod. The Config can be changed before it is used, by adding checks or
// algorithms for example.
//
// A function never loosens a check that its issuer doesn't force it to loosen.
// Most of them add one: that the token says by a claim of the issuer's own that
// it is an access token. Such a check fails with [validator.CodeType]. A check
// of what else the arguments say, such as the repository or the service
// account, fails with [validator.CodeRefused].
//
// Each comment says what must be set at the issuer, and what the log says if it
// isn't.
package issuers

//go:generate go test -run ^TestPage$ . -update
