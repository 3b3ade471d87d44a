package validator

import (
	"context"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/vouched"
)

// examineKind decides about a token of another kind than an access token. It
// fills in c before it calls kind.Believed. The error is an [*Error].
func examineKind(ctx context.Context, v *Validator, token string, kind *vouched.Kind, c *Claims) error {
	_, err := v.examineKind(ctx, token, kind, c)
	return err
}

// explainKind is examineKind, step by step. The Report has the steps that all
// kinds share.
func explainKind(ctx context.Context, v *Validator, token string, kind *vouched.Kind, c *Claims) Report {
	x, err := v.examineKind(ctx, token, kind, c)
	report := Report{Err: err}
	for at := range stepBinding {
		if at != stepMeant {
			report.Steps = append(report.Steps, x.report(v, at))
		}
	}
	return report
}

func (v *Validator) examineKind(ctx context.Context, token string, kind *vouched.Kind, c *Claims) (*examination, error) {
	x := new(examination)
	var err error
	if panicked := fault.Contain(func() { err = x.examineKind(ctx, v, token, kind, c) }); panicked != nil {
		err = internal(panicked)
	}
	if err != nil {
		err = x.refusal(err)
	}
	return x, err
}

// examineKind has the order of decide. What needs no key comes before it.
func (x *examination) examineKind(ctx context.Context, v *Validator, token string, kind *vouched.Kind, c *Claims) (err error) {
	var others otherMarks
	x.seen, x.others = kind.Seen, &others
	if err := x.open(token, v.limit(), v); err != nil {
		return err
	}
	if err := kind.Claims(); err != nil {
		return err
	}
	if x.at, err = v.moment(); err != nil {
		return err
	}
	x.step = stepType
	typ := vouched.Type{Name: x.typeName(), Present: x.token.Header.HasType, IsID: others.isID}
	if others.against != nil {
		typ.Claim, typ.OtherKind = others.against.claim, others.against.kind
	}
	if err := kind.Type(typ); err != nil {
		return err
	}
	if err := x.checkIssuer(v); err != nil {
		return err
	}
	x.step = stepAudience
	if err := kind.Audience(x.audience); err != nil {
		return err
	}
	if err := x.checkExpiry(); err != nil {
		return err
	}
	x.step = stepMeant
	if err := kind.Meant(); err != nil {
		return err
	}
	if err := x.checkSignature(ctx, v); err != nil {
		return err
	}
	x.believe()
	if err := x.timely(&x.Claims); err != nil {
		return err
	}
	x.step = stepBinding
	*c = x.Claims
	if err := kind.Believed(x.at.now); err != nil {
		return err
	}
	x.step = stepsEnd
	return nil
}
