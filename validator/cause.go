package validator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/jwks"
)

// The causes of rejections. Each holds what was found and what was wanted, and
// makes its text when it is read. In a flood, most rejections are never read.
// The text ends with what to change.

// A mismatch is the cause of a rejection for one value.
type mismatch struct {
	name     string     // of the claim or header parameter
	standsIn string     // for aud: why that doesn't count
	found    []string   // nil if it is missing
	value    jose.Value // in place of found, of any kind
	want     []string
	compare  bool // whether found and want are names that people misspell
	advice   string
}

func (m *mismatch) Error() string {
	found, length := m.found, len(m.found)
	if m.value.Kind() != jose.KindNone {
		found, length = someTexts(m.value)
	}
	var b strings.Builder
	if m.standsIn != "" {
		b.WriteString(m.standsIn + ", and " + standIn(m.name))
	} else {
		b.WriteString(m.name)
	}
	switch {
	case m.value.Kind() != jose.KindNone && found == nil:
		b.WriteString(" is " + m.value.Kind().String())
	case found == nil:
		b.WriteString(" is missing")
	case length == 1:
		b.WriteString(" is " + quote(found[0]))
	default:
		b.WriteString(" is " + quoteSome(found, length))
	}
	switch len(m.want) {
	case 0:
	case 1:
		b.WriteString(", want " + quote(m.want[0]))
	default:
		b.WriteString(", want one of " + quoteAll(m.want))
	}
	if advice := m.difference(found); advice != "" {
		b.WriteString(": " + advice)
	} else if m.advice != "" {
		b.WriteString(": " + m.advice)
	}
	return b.String()
}

// standIn names the claim of Config.AudienceClaim.
func standIn(name string) string {
	return quote(name) + " (Config.AudienceClaim)"
}

// difference says how the value found is misspelled.
func (m *mismatch) difference(found []string) string {
	if !m.compare {
		return ""
	}
	for _, f := range found {
		for _, w := range m.want {
			switch difference := secureurl.Difference(f, w); {
			case difference == "":
			case m.name == "aud" || m.standsIn != "":
				return difference + ": have the client ask for the other, or add this one to Config.Audiences"
			default:
				return difference
			}
		}
	}
	return ""
}

// A limit is the limit of a token's size, and the option that sets it.
type limit struct {
	size   int
	option string // empty if the caller can't change it
}

const adviceLess = ": raise that, or have the issuer put less into its tokens"

// tooLarge returns an error for a token of so many bytes.
func (l limit) tooLarge(size int) error {
	return &Error{Code: CodeMalformed, Err: &tooLargeError{size, l}}
}

type tooLargeError struct {
	size  int
	limit limit
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("the token is too large: %d bytes, over the %d of %s", e.size, e.limit.size, e.limit.option) + adviceLess
}

// check requires that a token with so many bytes and members is within l.
func (l limit) check(size, members int) error {
	switch {
	case size > l.size:
		return l.tooLarge(size)
	case members > l.members():
		return l.tooManyMembers()
	}
	return nil
}

// members is the largest number of members that a token's claims can have.
func (l limit) members() int { return jose.ClaimsLimits(l.size).Members }

func (l limit) tooManyMembers() error {
	return &Error{Code: CodeMalformed, Err: &tooManyMembersError{l}}
}

type tooManyMembersError struct{ limit limit }

func (e *tooManyMembersError) Error() string {
	if e.limit.option == "" {
		return fmt.Sprintf("the claims have too many members: over %d, the most for %d bytes", e.limit.members(), e.limit.size)
	}
	return fmt.Sprintf("the token's claims have too many members: over %d, the most for the %d bytes of %s",
		e.limit.members(), e.limit.size, e.limit.option) + adviceLess
}

// A claimsError is the cause of the rejection of claims that are not strict
// JSON.
type claimsError struct{ err error }

func (e *claimsError) Error() string { return "the token's claims: " + e.err.Error() }
func (e *claimsError) Unwrap() error { return e.err }

// A claimTypeError is the cause of the rejection of a claim that has another
// JSON type, or is out of range.
type claimTypeError struct {
	name     string
	value    jose.Value
	standsIn string // for aud: why that doesn't count
}

func (e *claimTypeError) Error() string {
	text := e.found()
	if e.name != "aud" && e.standsIn == "" && e.value.Kind() == jose.KindNull {
		text += ": have the issuer leave it out where it has no value"
	}
	return text
}

func (e *claimTypeError) found() string {
	if e.standsIn != "" {
		return e.standsIn + ", and " + standIn(e.name) + " is " + describe(e.value) + ", want " + wantTextOrTexts
	}
	text := "the claim " + e.name + " is "
	switch e.name {
	case "exp", "nbf", "iat":
		const want = ", want seconds since 1970, as a number"
		if e.value.Kind() == jose.KindNumber {
			return text + show.Cut(e.value.Raw(), 64) + want + " below 253402300800: is it in milliseconds?"
		}
		return text + describe(e.value) + want
	case "aud":
		want, advice := wantTextOrTexts, adviceNoAudience
		if isEmptyArray(e.value) {
			want, advice = "the name of this API in it", adviceNoAudience+adviceOrAudienceClaim
		}
		return text + describe(e.value) + ", want " + want + ": " + advice
	case "scope":
		return text + describe(e.value) + ", want " + wantTextOrTexts
	}
	return text + describe(e.value) + ", want " + wantText
}

// describe returns the type of a value, and nothing of the value.
func describe(v jose.Value) string {
	if v.Kind() != jose.KindArray {
		return v.Kind().String()
	}
	if v.Len() == 0 {
		return "an empty array"
	}
	for element := range v.All() {
		if element.Kind() != jose.KindString {
			return "an array with " + element.Kind().String() + " in it"
		}
	}
	return "an array of strings"
}

// What to do about tokens for other APIs, and about tokens that are not JWTs.
const (
	adviceNoAudience      = "have the client ask for a token for this API, and the issuer put the name of this API into aud"
	adviceOrAudienceClaim = "; or name the claim that says so in Config.AudienceClaim"
	adviceAudienceClaim   = "have the client ask for a token for this API, " +
		"or add the value to Config.Audiences if it names this API or a client of it"
	adviceAudience = "have the client ask for a token for this API, " +
		"or add the value to Config.Audiences if it names this API too"
	adviceOpaque    = "have the client ask for a token for this API, and the issuer make its access tokens JWTs"
	adviceEncrypted = "only signed tokens are read, so turn off the encryption of access tokens at the issuer"

	// Auth0 encrypts the token if the request named no API.
	adviceEncryptedAuth0 = adviceEncrypted + ", and have the client name this API in its request"

	adviceType     = "Config.InsecureSkipTypeCheck accepts every type, ID tokens for the same audience included"
	adviceRFC9068  = "Config.RequireRFC9068 requires it"
	adviceAccess   = "have the client send its access token"
	adviceNoTenant = "no tenant has this issuer"
)

// An otherTypeError is the cause of the rejection of a token for a mark of
// another type of token.
type otherTypeError struct {
	mark    *mark
	RFC9068 bool
}

func (e *otherTypeError) Error() string {
	text := "this is " + e.mark.kind + " by its claim " + e.mark.claim + ", and only access tokens are accepted"
	if e.RFC9068 || e.mark.kind != idToken {
		return text + ": " + adviceAccess // the type check can't be skipped, or need not be
	}
	return text + ": " + adviceAccess + "; " + adviceType
}

// An unknownKeyError is the cause of the rejection of a token whose key isn't
// known.
type unknownKeyError struct {
	kid string
	why error
}

func (e *unknownKeyError) Error() string { return "kid is " + quote(e.kid) + ": " + e.why.Error() }
func (e *unknownKeyError) Unwrap() error { return e.why }

// A keyMismatchError is the cause of the rejection of a token whose algorithm
// fits none of its keys.
type keyMismatchError struct {
	alg  string
	keys []jwks.Key // one at least
}

func (e *keyMismatchError) Error() string {
	const most = 4 // different kinds
	var kinds []string
	says := true
	for i := range e.keys {
		kind, told := e.kindOf(&e.keys[i])
		says = says && told
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		if len(kinds) > most {
			kinds[most] = "others"
			break
		}
	}
	what := "the key is "
	switch {
	case says:
		what = "the key set says "
	case len(e.keys) > 1:
		what = "the keys are "
	}
	advice := ": have the issuer sign with an algorithm for its key, and name that in Config.Algorithms"
	if says {
		advice = ": have the issuer sign with that, and name it in Config.Algorithms, or leave alg out of its key set"
	}
	return "alg is " + quote(e.alg) + ", and " + what + strings.Join(kinds, ", ") + advice
}

// kindOf returns the algorithm or type of a key, and reports whether the key
// set names it.
func (e *keyMismatchError) kindOf(key *jwks.Key) (kind string, told bool) {
	if !allows(key, e.alg) {
		return show.Cut(key.Algorithm, 64), true
	}
	return jose.Describe(key.Public), false
}

// A choiceError is the cause of the rejection of a token whose header leaves a
// choice of keys. Its chain has the error of the first key.
type choiceError struct {
	cause error
	x     choice
	tried int
}

func (e *choiceError) Unwrap() error { return e.cause }

func (e *choiceError) Error() string {
	fitting := 0
	for i := range e.x.keys {
		if e.x.fits(&e.x.keys[i]) {
			fitting++
		}
	}
	name := "no kid"
	switch {
	case e.x.kid != "":
		name = "kid " + quote(e.x.kid)
	case e.x.hashes != certificateHashes{}:
		name = "a key by x5t"
	}
	text := fmt.Sprintf("%v: %s, %d of %d keys tried", e.cause, name, e.tried, fitting)
	switch {
	case e.tried == fitting:
		return text
	case e.x.kid != "":
		return text + ": have the issuer give each of its keys a kid of its own"
	}
	return text + ": have the issuer write kid into its tokens"
}

// errSecret is the cause of the rejection of a token that Config.Secret didn't
// sign.
var errSecret = fmt.Errorf("%w by Config.Secret, which has to be the raw bytes and not base64", jose.ErrSignature)

// A foreignSubjectError is the cause of the rejection of a token of a trust
// domain whose subject is of another one, or is not a SPIFFE ID.
type foreignSubjectError struct{ issuer string }

func (e *foreignSubjectError) Error() string {
	return "iss is " + quote(e.issuer) + ", and sub is not a SPIFFE ID of that trust domain"
}

// A foreignKeyError is the cause of the rejection of a token whose key is in
// the issuer's key set, but marked as another issuer's.
type foreignKeyError struct {
	kid, keyIssuer, issuer string
	hasTenant              bool
}

func (e *foreignKeyError) Error() string {
	text := "the key set says that this key signs for " + quote(e.keyIssuer) + " alone"
	switch {
	case !strings.Contains(e.keyIssuer, "{tenantid}"):
	case e.hasTenant:
		text += ", where {tenantid} is the token's claim tid"
	default:
		text += ", where {tenantid} is the claim tid, which the token doesn't have"
	}
	return "kid is " + quote(e.kid) + ": " + text + ", and iss is " + quote(e.issuer) +
		": the token is not its issuer's, or Config.Keys is the key set of another one"
}
