// Package e2e tests the mock issuer and its page with widely used clients:
// golang.org/x/oauth2, openid-client and oauth4webapi on Node, and a browser.
// It calls guarded procedures by Connect's client for Node, which also is the
// client of gRPC servers. It records what oidc-provider answers about its opaque
// tokens. It is a module of its own, so that rsguard doesn't require what it
// needs.
//
//	cd internal/e2e && go test ./...
//
// Tests that need a missing program are skipped with a message: node and npm
// for openid-client, oauth4webapi, connect-node and oidc-provider, and chromium
// for the page.
package e2e
