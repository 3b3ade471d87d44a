// Package e2e tries the mock issuer and its page with the programs that people
// use: golang.org/x/oauth2, openid-client and oauth4webapi on Node, and a
// browser. It is a module of its own because of what it needs for that.
//
//	cd internal/e2e && go test ./...
//
// What is not installed is skipped, with a message: node and npm for
// openid-client and oauth4webapi, chromium for the page.
package e2e
