// Package keyfuncjwks converts between rsguard's key sources and those of
// github.com/MicahParks/keyfunc/v3, in both directions.
//
// [New] is for code that uses github.com/golang-jwt/jwt/v5, directly or by
// keyfunc or echo-jwt. It verifies tokens with the keys of a [jwks.Cache],
// which survives outages of the issuer, floods of unknown key IDs and broken
// key sets.
//
//	cache, err := jwks.NewCache(jwks.Config{Issuer: "https://tenant.eu.auth0.com/"})
//	keys, err := keyfuncjwks.New(cache)
//	token, err := jwt.ParseWithClaims(raw, claims, keys.KeyfuncCtx(ctx), jwt.WithAudience(audience), …)
//
// With echo-jwt it takes two lines.
//
//	keys, err := keyfuncjwks.New(cache)                             // was: keyfunc.NewDefault([]string{url})
//	e.Use(echojwt.WithConfig(echojwt.Config{KeyFunc: keys.Keyfunc})) // as before
//
// [Source] is for a service that already has a keyfunc.Keyfunc. It makes it the
// key source of a validator.
//
//	source, err := keyfuncjwks.Source(existing)
//	v, err := validator.New(validator.Config{Keys: source, …})
//
// # What is not checked
//
// A Keyfunc finds the key that must verify a token. It checks no signature and
// no claim, and golang-jwt checks "iss" and "aud" only if the options of its
// parser say so. Package validator checks them always.
package keyfuncjwks
