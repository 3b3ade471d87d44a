// Package forge makes the test vectors, good and bad tokens from keys that are
// always the same. It shares no code with what the vectors test, except the
// standard library.
//
// To add a vector, add one line to its theme and run go generate in the folder
// above:
//
//	s.refuse("wrong_issuer", "iss with a space after it", why, claim("iss", `"https://tenant.example.com/ "`))
package forge

import "github.com/rsguard/rsguard/vectors"

// Files returns all vectors of access tokens.
func Files() []vectors.File {
	var files []vectors.File
	for _, s := range []*suite{
		algorithms(), keyConfusion(), secrets(), signatures(), headers(), compactForm(), jsonText(), times(), issuers(), audiences(), spiffe(), types(),
		claimTypes(), organizations(), checks(), keySetCases(), keyIssuers(), metadata(), tenantsCases(), bindings(), proofs(), certificates(), limits(), requests(), hosts(), configs(), introspections(), presets(),
	} {
		files = append(files, s.file)
	}
	return files
}

// IDTokens returns all vectors of ID tokens.
func IDTokens() []vectors.File {
	var files []vectors.File
	for _, s := range []*suite{idTokenForms(), idTokenAudiences(), logins(), loginHashes(), idTokenExamples()} {
		files = append(files, s.file)
	}
	return files
}
