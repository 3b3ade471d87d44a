// Package jose strictly reads compact JWS tokens, JSON and JSON Web Keys, and
// checks signatures.
//
// A token has one reading or is rejected. Examples of what two readers could
// understand differently are a duplicate member, a second spelling of the same
// bytes, and a name in another case (RFC 8725, Section 2.6, and RFC 7519,
// Section 4, give the reasons). All other packages use what this package has
// decoded, once, from the bytes that the signature covers.
//
// It is the only package of the module that imports a JOSE library. It uses the
// library to parse the parameters of a JWK.
package jose
