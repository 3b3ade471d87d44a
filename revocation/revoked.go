package revocation

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/validator"
)

// Service is the [validator.Error].Service of errors with
// [validator.CodeUnavailable].
const Service = "revocations"

// Revoked returns a rule in force that names a token with these claims, or nil
// if there is none. The claims must be verified. Of several rules, any may be
// returned. If it can't be known whether the token is revoked, the error is a
// [*validator.Error] with [validator.CodeUnavailable], and the request must be
// rejected.
func (l *List) Revoked(_ context.Context, c *validator.Claims) (*Rule, error) {
	if l == nil || l.key == nil {
		return nil, unavailable(errNotMade)
	}
	if used := maskSet(l.inUse.Load()); used != 0 {
		rule, err := l.search(c, used)
		if rule != nil || err != nil {
			return rule, err
		}
	}
	if err := l.knows(c); err != nil {
		return nil, unavailable(err)
	}
	if l.cfg.Feed != nil {
		if err := l.cfg.Feed.Current(); err != nil {
			return nil, unavailable(err)
		}
	}
	return nil, nil
}

// Check is [List.Revoked] as a [validator.Check]. It fails with
// [validator.CodeRevoked] if the token is revoked. Behind a middleware with
// Config.Revocations it is not needed. It is for a validator.Config whose
// tokens come by other ways than HTTP, and for [validator.Validator.Explain].
func (l *List) Check(ctx context.Context, c *validator.Claims) error {
	rule, err := l.Revoked(ctx, c)
	switch {
	case err != nil:
		return err
	case rule != nil:
		return &validator.Error{Code: validator.CodeRevoked, Err: &revoked{rule, c.IssuedAt.IsZero()}}
	}
	return nil
}

func unavailable(err error) error {
	return &validator.Error{Code: validator.CodeUnavailable, Service: Service, Err: err}
}

// search looks for a rule of each combination in use.
func (l *List) search(c *validator.Claims, inUse maskSet) (*Rule, error) {
	if inUse&withActor == 0 {
		return l.searchBy(c, "", inUse)
	}
	subject, clientID := actorOf(c)
	rule, err := l.searchBy(c, subject, inUse)
	if rule == nil && err == nil && clientID != "" && clientID != subject {
		rule, err = l.searchBy(c, clientID, inUse&withActor)
	}
	return rule, err
}

var actorOf = vouched.Actor.(func(*validator.Claims) (subject, clientID string))

// searchBy is search for an actor of this name.
func (l *List) searchBy(c *validator.Claims, actor string, inUse maskSet) (*Rule, error) {
	all := l.table.Load()
	keys := hashes{of: l.key, claims: c, actor: actor}
	if latest := l.latest.Load(); latest != nil && latest.issuer == c.Issuer {
		keys.issuer = latest.hash
	} else {
		keys.issuer = l.key.issuerKey(c.Issuer)
	}
	for s := inUse; s != 0; {
		// All keys come first and then all looks into the filter, so that the
		// processor waits for several at once.
		var some [together]struct {
			key uint64
			mask
		}
		n := 0
		for ; s != 0 && n < together; s &= s - 1 {
			m := s.first()
			if key, ok := keys.key(m); ok {
				some[n].key, some[n].mask = keyOf(key), m
				n++
			}
		}
		var may uint
		for i := range some[:n] {
			may |= all.mayHave(some[i].key) << i
		}
		for ; may != 0; may &= may - 1 {
			candidate := &some[bits.TrailingZeros(may)]
			rule, err := l.verify(all, candidate.key, c, actor, candidate.mask)
			if rule != nil || err != nil {
				return rule, err
			}
		}
	}
	return nil, nil
}

// together is how many combinations are looked for at a time.
const together = 8

// verify returns the rule in force with this key that names the token, or nil.
func (l *List) verify(all *table, key uint64, c *validator.Claims, actor string, m mask) (*Rule, error) {
	for i := all.first(key); ; i = all.next(i) {
		found := all.slots[i].key.Load()
		if found == empty {
			return nil, nil
		}
		if found != key {
			continue
		}
		proofs := hashes{of: l.proof, claims: c, actor: actor, issuer: l.proof.issuerKey(c.Issuer)}
		proof, _ := proofs.key(m)
		if all.slots[i].proof.Load() != proofOf(proof, m) {
			continue
		}
		t := terms(all.slots[i].terms.Load())
		if !t.concern(c) {
			return nil, nil
		}
		now, err := l.now()
		if err != nil {
			return nil, unavailable(err)
		}
		if now.Unix() < int64(t.end()) {
			return ruleOf(c, actor, m, t), nil
		}
		return nil, nil
	}
}

// concern reports whether a token with these claims is old enough. The second
// of IssuedBefore counts as before, since it may be.
func (t terms) concern(c *validator.Claims) bool {
	return t.before() == anyAge || c.IssuedAt.IsZero() || c.IssuedAt.Unix() <= int64(t.before())
}

// knows returns an error if a rule that named the token may have been removed.
// As long as the clock isn't set back, only tokens that have expired could be
// concerned, and the clock is not even read.
func (l *List) knows(c *validator.Claims) error {
	last := int64(l.lastRemoved.Load())
	if last == 0 || !c.ExpiresAt.IsZero() && c.ExpiresAt.Add(grace).Unix() > last {
		return nil
	}
	now, err := l.now()
	if err == nil && now.Unix() < last {
		err = errSetBack
	}
	return err
}

var errSetBack = errors.New("the clock was set back to before the end of rules that were removed")

// revoked is the cause of a rejection.
type revoked struct {
	rule *Rule
	old  bool // the token has no iat
}

// Error says which values the rule compares, and none of them.
func (r *revoked) Error() string {
	var text strings.Builder
	text.WriteString("a rule by iss")
	for d := range dimensions {
		if r.rule.value(d) != "" {
			text.WriteString(", " + names[d].claim)
		}
	}
	text.WriteString(" revokes the tokens")
	if before := r.rule.IssuedBefore; !before.IsZero() {
		text.WriteString(" issued up to " + before.UTC().Format(time.RFC3339))
		if r.old {
			text.WriteString(", and those without iat like this one")
		}
	}
	text.WriteString(" (in force until " + r.rule.Until.Add(grace).UTC().Format(time.RFC3339) + ")")
	return text.String()
}
