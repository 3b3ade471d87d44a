package validator

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/vouched"
)

func init() { //nolint:gochecknoinits // addresses are put in place, no work is done
	vouched.Read, vouched.Explain, vouched.Open = readVouched, explainVouched, openSigned
	vouched.Actor = (*Claims).actorNames
	vouched.New, vouched.Examine, vouched.ExplainKind = newFor, examineKind, explainKind
}

// readVouched decides about claims that the issuer vouches for by other means
// than a signature, as far as what never changes. What does is for judge, which
// fills in its argument. Size is the memory that judge takes at most.
func readVouched(v *Validator, claims string, rules vouched.Rules) (
	judge func(context.Context, *Claims) error, size int, err error,
) {
	x := new(examination)
	if err := x.vouch(v, claims, rules); err != nil {
		return nil, 0, x.refusal(err)
	}
	size = x.bytes(len(claims))
	x.believe()
	unproven := x.confirm() // for judge to tell, after what comes before it
	known, issued := x.Claims, moment{leeway: v.cfg.Leeway}.window(&x.Claims)
	if !x.hasExpiry {
		issued.until = endless
	}
	return func(ctx context.Context, c *Claims) error {
		at, err := v.moment()
		if err == nil && !at.now.Before(issued.until) {
			err = at.checkExpiry(&known)
		}
		if err == nil {
			known.copyInto(c)
			c.at = at
			err = acceptAgain(ctx, v, c, issued, unproven)
		}
		if err != nil {
			return known.refusal(err)
		}
		return nil
	}, size, nil
}

// endless is when claims without exp end.
var endless = time.Unix(1<<40, 0)

// vouch reads the claims and checks what never changes of them, in the order of
// decide.
func (x *examination) vouch(v *Validator, claims string, rules vouched.Rules) error {
	x.step, x.seen = stepClaims, rules.Seen
	if err := x.read(claims, limit{size: rules.MaxSize}); err != nil {
		return err
	}
	if !x.hasIssuer && rules.Issuer != "" {
		x.Issuer, x.hasIssuer = rules.Issuer, true
	}
	if err := x.checkType(v); err != nil {
		return err
	}
	if err := x.checkIssuer(v); err != nil {
		return err
	}
	x.step = stepAudience
	if x.audience.Kind() != jose.KindNone || !rules.Audience {
		if err := x.checkAudience(v); err != nil {
			return err
		}
	}
	x.step = stepExpiry
	if !x.hasExpiry && !rules.Expiry {
		return x.checkExpiry()
	}
	return nil
}

// explainVouched is readVouched and judge, step by step. Steps that only a
// signed token has are left out.
func explainVouched(ctx context.Context, v *Validator, claims string, rules vouched.Rules) Report {
	x := new(examination)
	err := x.vouch(v, claims, rules)
	if err == nil {
		x.believe()
		err = x.decideVouched(ctx, v)
	}
	if err != nil {
		err = x.refusal(err)
	}
	report := Report{Err: err}
	for at := range stepsEnd {
		switch at {
		case stepForm, stepAlgorithm, stepMeant, stepKey, stepSignature:
		default:
			report.Steps = append(report.Steps, x.report(v, at))
		}
	}
	return report
}

// decideVouched is decide for what may change.
func (x *examination) decideVouched(ctx context.Context, v *Validator) (err error) {
	if x.at, err = v.moment(); err != nil {
		return err
	}
	if x.hasExpiry {
		if err := x.checkExpiry(); err != nil {
			return err
		}
	}
	if err := x.timely(&x.Claims); err != nil {
		return err
	}
	if err := x.checkBinding(ctx); err != nil {
		return err
	}
	return x.runChecks(ctx, v, &x.Claims)
}

// openSigned returns the claims of a JWT of another type than an access token:
// signed by an issuer of v's and made for an audience of v's. What its times
// are is the caller's to judge.
func openSigned(ctx context.Context, v *Validator, token string, kind vouched.Signed) (
	claims string, issuedAt time.Time, err error,
) {
	x := new(examination)
	if err := x.openSigned(ctx, v, token, kind); err != nil {
		return "", time.Time{}, x.refusal(err)
	}
	return x.payload, x.IssuedAt, nil
}

func (x *examination) openSigned(ctx context.Context, v *Validator, token string, kind vouched.Signed) (err error) {
	if err := x.open(token, v.limit(), v); err != nil {
		return err
	}
	if x.at, err = v.moment(); err != nil {
		return err
	}
	if !x.hasIssuer && kind.Issuer != "" {
		x.Issuer, x.hasIssuer = kind.Issuer, true
	}
	if err := x.checkOtherType(kind); err != nil {
		return err
	}
	if err := x.checkIssuer(v); err != nil {
		return err
	}
	if err := x.checkAudience(v); err != nil {
		return err
	}
	if x.hasExpiry {
		if err := x.checkExpiry(); err != nil {
			return err
		}
	}
	if err := x.checkSignature(ctx, v); err != nil {
		return err
	}
	return x.timely(&x.Claims)
}

// checkOtherType requires one of the types of kind.
func (x *examination) checkOtherType(kind vouched.Signed) error {
	x.step = stepType
	typ := strings.ToLower(x.typeName())
	untyped := !x.token.Header.HasType || typ == "jwt"
	if kind.Untyped && untyped || slices.Contains(kind.Types, typ) {
		return nil
	}
	return &Error{Code: CodeType, Err: &mismatch{name: "typ", found: x.types(), want: kind.Types}}
}
