// Package contextkey has the key under which a request's context has what an
// Authenticator has found. An adapter needs it if its framework has a second
// context, which handlers pass on in place of the request's.
package contextkey

// Identity is the type of the key. Its value is package middleware's alone.
type Identity struct{}
