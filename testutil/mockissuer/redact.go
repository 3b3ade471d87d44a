package mockissuer

import (
	"regexp"

	"github.com/rsguard/rsguard/internal/show"
)

// bearable matches what an attacker could use: a JOSE object in compact form or
// the first part of one, whose header begins with {" in base64url, and the
// names that rand.Text gives to codes, refresh tokens and opaque tokens.
var bearable = regexp.MustCompile(`eyJ[\w.-]*|[A-Z2-7]{26}`)

// maxQuote is the length to which a text with a quotation of the request is
// cut.
const maxQuote = 256

// redact makes text safe for the log and for [Request.Note]. An error quotes
// the wrong parameter, and a client may have put a token there by mistake.
func redact(text string) string {
	return show.Cut(bearable.ReplaceAllString(text, "[REDACTED]"), maxQuote)
}
