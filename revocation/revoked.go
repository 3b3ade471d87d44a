package revocation

import (
	"context"
	"errors"
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
	var used mask
	for s := inUse; s != 0; s &= s - 1 {
		used |= s.first()
	}
	if !used.has(byActor) {
		return l.searchBy(c, "", inUse, used)
	}
	subject, clientID := actorOf(c)
	rule, err := l.searchBy(c, subject, inUse, used)
	if rule == nil && err == nil && clientID != "" && clientID != subject {
		rule, err = l.searchBy(c, clientID, inUse, used)
	}
	return rule, err
}

var actorOf = vouched.Actor.(func(*validator.Claims) (subject, clientID string))

// searchBy is search for an actor of this name.
func (l *List) searchBy(c *validator.Claims, actor string, inUse maskSet, used mask) (*Rule, error) {
	all := l.table.Load()
	keys, has := l.key.token(c, actor, used)
	for s := inUse; s != 0; s &= s - 1 {
		m := s.first()
		if m&^has != 0 {
			continue // the token doesn't have all of the values
		}
		key := keyOf(keys.of(m))
		if !all.mayHave(key) {
			continue
		}
		for i := all.first(key); ; i = all.next(i) {
			found := all.slots[i].key.Load()
			if found == empty {
				break
			}
			if found != key {
				continue
			}
			proofs, _ := l.proof.token(c, actor, m)
			if all.slots[i].proof.Load() != proofOf(proofs.of(m), m) {
				continue
			}
			t := terms(all.slots[i].terms.Load())
			if !t.concern(c) {
				break
			}
			now, err := l.now()
			if err != nil {
				return nil, unavailable(err)
			}
			if now.Unix() < int64(t.end()) {
				return ruleOf(c, actor, m, t), nil
			}
			break
		}
	}
	return nil, nil
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
