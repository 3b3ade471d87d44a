package mockissuer

import (
	"regexp"

	"github.com/rsguard/rsguard/internal/show"
)

// bearable matches what whoever reads it could use: a JOSE object in compact
// form, or the first part of one, whose header begins with {" in base64url; and
// the names that rand.Text gives to codes, refresh tokens and opaque tokens.
var bearable = regexp.MustCompile(`eyJ[\w.-]*|[A-Z2-7]{26}`)

// maxQuote is how long a text gets that may quote what a request had.
const maxQuote = 256

// redact makes text fit for the log and for [Request.Note]. A refusal quotes
// the parameter that is wrong, and a client that is wrong may have put a token
// there.
func redact(text string) string {
	return show.Cut(bearable.ReplaceAllString(text, "[REDACTED]"), maxQuote)
}
