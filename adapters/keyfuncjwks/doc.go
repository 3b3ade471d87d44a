// Package keyfuncjwks joins rsguard's key sources and those of github.com/MicahParks/keyfunc/v3, in both directions.
//
// Out: code on github.com/golang-jwt/jwt/v5, with keyfunc or echo-jwt or a middleware of its own, verifies with the keys
// of a [jwks.Cache], which rides out outages of the issuer, floods of unknown key IDs and broken key sets.
//
//	cache, err := jwks.NewCache(jwks.Config{Issuer: "https://tenant.eu.auth0.com/"})
//	keys, err := keyfuncjwks.New(cache)
//	token, err := jwt.ParseWithClaims(raw, claims, keys.KeyfuncCtx(ctx), jwt.WithAudience(audience), …)
//
// For users of echo-jwt it is two lines: where the keys come from, and who hands them out.
//
//	keys, err := keyfuncjwks.New(cache)                             // was: keyfunc.NewDefault([]string{url})
//	e.Use(echojwt.WithConfig(echojwt.Config{KeyFunc: keys.Keyfunc})) // as before
//
// In: a service that has a keyfunc.Keyfunc already gives it to a validator as its key source.
//
//	source, err := keyfuncjwks.Source(existing)
//	v, err := validator.New(validator.Config{Keys: source, …})
package keyfuncjwks
