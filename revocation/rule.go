package revocation

import (
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// The limits of a [Rule]. What exceeds them is most likely a mistake in the
// unit.
const (
	maxValue = 2 << 10 // bytes of one field
	maxAhead = 10 * time.Minute
	maxEnd   = 400 * 24 * time.Hour
)

// A Rule names tokens that are revoked. A token is one of them if it has the
// Issuer and every other value that is set. A rule with no value but Issuer and
// IssuedBefore names all tokens of the issuer. Values are compared exactly. An
// empty one is not compared.
//
// Rules that set the same values to the same are one. The later IssuedBefore
// and the later Until of them count. So it doesn't matter in which order rules
// arrive, and how often. A rule can't be withdrawn. Clients that get a new token
// are not concerned by one with IssuedBefore.
//
// Package fmt and logs show of a rule its issuer, its times and which values are
// set.
type Rule struct {
	Issuer string // iss; required

	ID        string // jti
	Subject   string // sub
	SessionID string // sid
	ClientID  string // validator.Claims.ClientID
	OrgID     string // org_id

	// Actor is the "sub" or the "client_id" of the token's current actor,
	// whichever issuer it is named by. See [validator.Claims.Actor].
	Actor string

	// IssuedBefore limits the rule to tokens that were issued before this time,
	// by their "iat" and thus by the issuer's clock. Most issuers write whole
	// seconds, so a token of the same second may be older, and counts as issued
	// before. So does a token without iat. If zero, the rule is for tokens of
	// any age. That is an error unless ID or SessionID is set, because new
	// tokens would be rejected as well. So is a time over 10 minutes in the
	// future.
	IssuedBefore time.Time

	// Until is when the rule ends. It must not be before the "exp" of the last
	// token that the rule names. The rule is in force for 10 minutes more, since
	// Validators accept tokens after exp by their leeway, which is at most 5
	// minutes, and clocks differ. If zero, it is Config.TokenLifetime after
	// IssuedBefore, or after the time of [List.Revoke] if there is none. A time
	// over 400 days in the future is an error.
	Until time.Time
}

// grace is how long a rule is in force after Until.
const grace = 10 * time.Minute

// check returns an error for what can never be a rule.
func (r *Rule) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("revocation: Rule."+format, args...)) }

	if r.Issuer == "" {
		wrong("Issuer is empty")
	}
	if len(r.Issuer) > maxValue {
		wrong("Issuer has %d bytes, over %d", len(r.Issuer), maxValue)
	}
	for d := range dimensions {
		if value := r.value(d); len(value) > maxValue {
			wrong("%s has %d bytes, over %d", names[d].field, len(value), maxValue)
		}
	}
	switch {
	case !r.IssuedBefore.IsZero() && r.IssuedBefore.Unix() < 0:
		wrong("IssuedBefore is %v, before 1970", r.IssuedBefore)
	case r.IssuedBefore.IsZero() && r.ID == "" && r.SessionID == "":
		wrong("IssuedBefore is zero, and so new tokens would be rejected too; it may be zero only with ID or SessionID")
	}
	return errors.Join(errs...)
}

// checkTimes returns an error for times that are most likely a mistake.
func (r *Rule) checkTimes(now time.Time) error {
	var errs []error
	if ahead := r.IssuedBefore.Sub(now); !r.IssuedBefore.IsZero() && ahead > maxAhead {
		errs = append(errs, fmt.Errorf("revocation: Rule.IssuedBefore is %v in the future, over %v", ahead, maxAhead))
	}
	if ahead := r.Until.Sub(now); ahead > maxEnd {
		errs = append(errs, fmt.Errorf("revocation: Rule.Until is %v in the future, over %v", ahead, maxEnd))
	}
	return errors.Join(errs...)
}

// complete returns r with its end.
func (r Rule) complete(now time.Time, lifetime time.Duration) Rule {
	switch {
	case !r.Until.IsZero():
	case r.IssuedBefore.IsZero():
		r.Until = now.Add(lifetime)
	default:
		r.Until = r.IssuedBefore.Add(lifetime)
	}
	return r
}

// A dimension is a value by which a rule can name tokens, besides their issuer.
type dimension uint

const (
	byID dimension = iota
	bySubject
	bySessionID
	byClientID
	byOrgID
	byActor
	dimensions
)

// names of the dimensions: those of Rule's fields, and of the claims.
var names = [dimensions]struct{ field, claim string }{
	{"ID", "jti"}, {"Subject", "sub"}, {"SessionID", "sid"}, {"ClientID", "client_id"}, {"OrgID", "org_id"}, {"Actor", "act"},
}

func (r *Rule) value(d dimension) string {
	return [dimensions]string{r.ID, r.Subject, r.SessionID, r.ClientID, r.OrgID, r.Actor}[d]
}

// ruleOf returns the rule in force on a token. Its values are the token's, so it
// need not have been kept.
func ruleOf(c *validator.Claims, actor string, m mask, t terms) *Rule {
	r := &Rule{Issuer: c.Issuer, Until: time.Unix(int64(t.end()), 0).Add(-grace)}
	for d, p := range [dimensions]struct {
		to   *string
		from string
	}{
		{&r.ID, c.ID}, {&r.Subject, c.Subject}, {&r.SessionID, c.SessionID}, {&r.ClientID, c.ClientID}, {&r.OrgID, c.OrgID}, {&r.Actor, actor},
	} {
		if m.has(dimension(d)) {
			*p.to = p.from
		}
	}
	if before := t.before(); before != anyAge {
		r.IssuedBefore = time.Unix(int64(before), 0)
	}
	return r
}
