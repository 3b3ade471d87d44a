// Package fosite tries introspection against a server made of Ory's fosite, of
// which Hydra is made as well. It is a module of its own for fosite's sake.
package fosite
