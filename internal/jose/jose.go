// Package jose reads compact JWS tokens, JSON and JSON Web Keys the strict way,
// and checks signatures.
//
// There is one reading of a token or there is none: whatever two readers could
// understand in two ways, a duplicate member, a second spelling of the same
// bytes, a name in other letters, is refused here (RFC 8725, Section 2.6 and
// RFC 7519, Section 4 tell why). Everything above works on what this package
// decoded, once, from the bytes that the signature covers.
//
// It is the only package of the module that imports a JOSE library, and uses it
// to parse the parameters of a JWK.
package jose
