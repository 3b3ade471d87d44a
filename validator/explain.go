package validator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
	"github.com/rsguard/rsguard/internal/jose"
)

// A Report lists the steps of the check of a token, and their outcomes. Make
// one with [Validator.Explain]. The zero Report is of no token, and says that
// it is not accepted.
type Report struct {
	Steps []Step // in their order
	Err   error  // that of Validate, an [*Error]; nil if the token is accepted
}

// A Step of a [Report].
type Step struct {
	Name    string // such as "aud"
	Want    string // what is required
	Found   string // what the token says, quoted and cut; empty if it wasn't read
	Outcome Outcome
}

// An Outcome of a [Step].
type Outcome string

// The outcomes.
const (
	Passed     Outcome = "passed"
	Failed     Outcome = "failed"
	NotReached Outcome = "not reached"
)

// Explain validates token as [Validator.Validate] does, by the same code, and
// reports every step. It is for people who want to know why a token is rejected
// or accepted. It fetches keys if necessary. The Report has no signature, and
// no claims except those that are checked here: iss, aud, the times and typ. Of
// other claims it has only names. They are private claims that are ignored
// because they have another JSON type than this package reads, and the claim
// that shows that the token is not an access token.
func (v *Validator) Explain(ctx context.Context, token string) Report {
	x := new(examination)
	var err error
	if panicked := fault.Contain(func() { err = v.examine(ctx, x, token) }); panicked != nil {
		err = internal(panicked)
	}
	if v.cfg == nil {
		return Report{Err: err}
	}
	if err != nil {
		err = x.refusal(err)
	}
	report := Report{Err: err}
	for at := range stepsEnd {
		if at != stepMeant {
			report.Steps = append(report.Steps, x.report(v, at))
		}
	}
	return report
}

// report tells how the token has fared at a step.
func (x *examination) report(v *Validator, at step) Step {
	s := Step{Name: steps[at].name, Want: steps[at].want(v), Outcome: Passed}
	switch {
	case at == x.step:
		s.Outcome = Failed
	case at > x.step:
		s.Outcome = NotReached
	}
	if s.Outcome != NotReached || at > stepClaims && x.step > stepClaims {
		s.Found = steps[at].found(x)
	}
	return s
}

// Code returns the code of r.Err, or "" if the token is accepted.
func (r Report) Code() Code {
	if len(r.Steps) == 0 && r.Err == nil {
		return CodeRefused
	}
	return CodeOf(r.Err)
}

// String returns a table of the steps, and the verdict.
func (r Report) String() string {
	width := 0
	for _, s := range r.Steps {
		width = max(width, len(s.Name))
	}
	var b strings.Builder
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%-11s  %-*s  want %s", s.Outcome, width, s.Name, s.Want)
		if s.Found != "" {
			fmt.Fprintf(&b, "; found %s", s.Found)
		}
		b.WriteByte('\n')
	}
	switch {
	case r.Err != nil:
		fmt.Fprintf(&b, "refused: %v\n", r.Err)
	case len(r.Steps) == 0:
		b.WriteString("refused: no token was examined\n")
	default:
		b.WriteString("accepted\n")
	}
	return b.String()
}

// steps describes each step. The steps themselves are in examination.go.
var steps = [stepsEnd]struct {
	name  string
	want  func(*Validator) string
	found func(*examination) string
}{
	stepForm: {"form",
		func(v *Validator) string {
			return fmt.Sprintf("a compact JWS in strict base64url and JSON, of %d bytes at most (Config.MaxTokenSize), without crit",
				v.cfg.MaxTokenSize)
		},
		func(*examination) string { return "" },
	},
	stepAlgorithm: {"alg",
		func(v *Validator) string { return oneOfText(v.algorithms) },
		func(x *examination) string {
			switch alg := x.token.Header.AlgorithmValue; alg.Kind() {
			case jose.KindNone:
				return "none"
			case jose.KindString:
				return quote(x.token.Header.Algorithm)
			default:
				return alg.Kind().String()
			}
		},
	},
	stepClaims: {"claims",
		func(*Validator) string { return "strict JSON, each registered claim of its type" },
		func(x *examination) string {
			var found []string
			for _, claim := range x.ignored {
				found = append(found, claim.name+" is not "+claim.want+", and is ignored")
			}
			return strings.Join(found, "; ")
		},
	},
	stepType: {"typ",
		func(v *Validator) string {
			switch {
			case v.cfg.InsecureSkipTypeCheck:
				return "anything (InsecureSkipTypeCheck)"
			case v.cfg.RequireRFC9068:
				return `"at+jwt", and the claims of RFC 9068`
			}
			return `"JWT", "at+jwt" or none, and nothing that only other types of token have`
		},
		func(x *examination) string {
			found := "none"
			if x.token.Header.HasType {
				found = quote(x.token.Header.Type)
			}
			if x.mark != nil {
				found += ", and the claim " + x.mark.claim + " of " + x.mark.kind
			}
			return found
		},
	},
	stepIssuer: {"iss",
		func(v *Validator) string { return oneOfText(v.cfg.Issuers) },
		func(x *examination) string { return orMissing(x.hasIssuer, quote(x.Issuer)) },
	},
	stepAudience: {"aud",
		func(v *Validator) string {
			want := oneOfText(v.cfg.Audiences)
			if v.cfg.AudienceClaim != "" {
				want += ", or that in " + quote(v.cfg.AudienceClaim) + " if aud is missing or empty (Config.AudienceClaim)"
			}
			return want
		},
		func(x *examination) string {
			if x.audienceClaim != "" {
				value, there := x.claim(x.audienceClaim)
				found := "none"
				if isEmptyArray(x.audience) {
					found = "an empty array"
				}
				return found + ", and " + quote(x.audienceClaim) + " " + orMissing(there, quoteSome(someTexts(value)))
			}
			return orMissing(x.audience.Kind() != jose.KindNone, quoteSome(someTexts(x.audience)))
		},
	},
	stepExpiry: {"exp",
		func(v *Validator) string {
			return "a time that has not passed, with " + v.cfg.Leeway.String() + " of leeway"
		},
		func(x *examination) string { return orMissing(x.hasExpiry, dateText(x.ExpiresAt)) },
	},
	stepKey: {"kid",
		func(v *Validator) string {
			if v.cfg.Secret != nil {
				return "anything: there is a Secret"
			}
			return "a key of this issuer's that fits alg"
		},
		func(x *examination) string {
			h := &x.token.Header
			switch {
			case h.KeyID != "":
				return quote(h.KeyID)
			case h.X5T != "":
				return "none, and x5t " + quote(h.X5T)
			case h.X5TS256 != "":
				return "none, and x5t#S256 " + quote(h.X5TS256)
			}
			return "none"
		},
	},
	stepSignature: {"signature",
		func(*Validator) string { return "one that the key has made for this header and these claims" },
		func(*examination) string { return "" },
	},
	stepNotBefore: {"nbf",
		func(v *Validator) string {
			return "none, or a time that has come, with " + v.cfg.Leeway.String() + " of leeway"
		},
		func(x *examination) string { return orMissing(!x.NotBefore.IsZero(), dateText(x.NotBefore)) },
	},
	stepIssuedAt: {"iat",
		func(v *Validator) string {
			return "none, or a time that has come, with " + v.cfg.Leeway.String() + " of leeway"
		},
		func(x *examination) string { return orMissing(!x.IssuedAt.IsZero(), dateText(x.IssuedAt)) },
	},
	stepBinding: {"cnf",
		func(*Validator) string { return "none, or a proof with the request" },
		func(x *examination) string {
			if x.cnf.Kind() == jose.KindNone {
				return "none"
			}
			return "a bound token"
		},
	},
	stepChecks: {"checks",
		func(v *Validator) string {
			if len(v.cfg.Checks) == 0 {
				return "nothing: there are none"
			}
			return fmt.Sprintf("each of the %d in Config.Checks to pass", len(v.cfg.Checks))
		},
		func(x *examination) string {
			if x.step == stepChecks {
				return fmt.Sprintf("number %d rejects it", x.check+1)
			}
			return ""
		},
	},
}

func oneOfText(list []string) string {
	if len(list) == 1 {
		return quote(list[0])
	}
	return "one of " + quoteAll(list)
}

func orMissing(there bool, text string) string {
	if !there {
		return "none"
	}
	return text
}

func dateText(t time.Time) string { return t.Format(time.RFC3339) }
