package idtoken

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rsguard/rsguard/validator"
)

// Explain verifies token as [Verifier.Verify] does, by the same code, and
// reports every step. It is for people who want to know why a token is rejected
// or accepted. The Report has no signature, no nonce and no hash.
func (v *Verifier) Explain(ctx context.Context, token string, expected Expected) validator.Report {
	if v.cfg == nil {
		return validator.Report{Err: errNotMade}
	}
	x := &verification{cfg: v.cfg, want: &expected}
	shared := explain(ctx, v.validator, token, x.kind(), &x.token)
	report := validator.Report{Err: shared.Err}
	for _, s := range shared.Steps {
		switch s.Name {
		case "typ":
			s.Want = `"JWT" or none, and no claim that only other types of token have`
			if v.cfg.InsecureSkipTypeCheck {
				s.Want = "anything (InsecureSkipTypeCheck)"
			}
			if x.shape != "" {
				s.Found += ", and the claim " + x.shape
			}
		case "aud":
			s.Want = v.cfg.audienceText()
			if azp, ok := x.azp.Text(); ok && s.Found != "" {
				s.Found += ", and azp " + quote(azp)
			}
		case "kid":
			report.Steps = append(report.Steps, x.report(stepSubject), x.report(stepNonce))
		}
		report.Steps = append(report.Steps, s)
	}
	for at := stepAge; at < stepsEnd; at++ {
		report.Steps = append(report.Steps, x.report(at))
	}
	return report
}

func (cfg *Config) audienceText() string {
	text := quote(cfg.ClientID)
	if len(cfg.TrustedAudiences) > 0 {
		text += fmt.Sprintf(" and no others but %d that are trusted", len(cfg.TrustedAudiences))
	} else {
		text += " alone"
	}
	if len(cfg.AuthorizedParties) > 0 {
		return text + fmt.Sprintf("; in azp that or one of %d others", len(cfg.AuthorizedParties))
	}
	return text + "; in azp no other"
}

// report tells how the token has fared at a step.
func (x *verification) report(at step) validator.Step {
	s := validator.Step{Name: stepNames[at], Want: x.wanted(at), Outcome: validator.Passed}
	switch {
	case at == x.step:
		s.Outcome = validator.Failed
	case at > x.step:
		s.Outcome = validator.NotReached
	}
	if s.Outcome != validator.NotReached {
		s.Found = x.found(at)
	}
	return s
}

var stepNames = [...]string{
	stepSubject: "sub", stepNonce: "nonce", stepAge: "age", stepAuthTime: "auth_time", stepACR: "acr",
	stepAccessTokenHash: "at_hash", stepCodeHash: "c_hash", stepOrganization: "organization", stepPrevious: "previous",
}

func (x *verification) wanted(at step) string {
	const anything = "anything"
	w := x.want
	switch at {
	case stepSubject:
		return "a user, in 255 bytes at most"
	case stepNonce:
		switch {
		case w.Nonce != "":
			return "that of the request"
		case w.Previous != nil:
			return "none, or that of the earlier token"
		case w.InsecureNoNonce:
			return "none (InsecureNoNonce)"
		}
		return "that of the request, which Expected.Nonce doesn't say"
	case stepAge:
		if x.cfg.MaxTokenAge < 0 {
			return "iat"
		}
		return fmt.Sprintf("iat, at most %v ago, with %v of leeway", x.cfg.MaxTokenAge, x.cfg.Leeway)
	case stepAuthTime:
		if w.MaxAge > 0 {
			return fmt.Sprintf("a login at most %v ago, with %v of leeway", w.MaxAge, x.cfg.Leeway)
		}
		return "none, or a time that has come"
	case stepACR:
		if len(w.ACR) > 0 {
			return "one of " + strings.Join(w.ACR, ", ")
		}
	case stepAccessTokenHash:
		return x.wantedHash(w.AccessToken)
	case stepCodeHash:
		return x.wantedHash(w.Code)
	case stepOrganization:
		if w.Organization != "" {
			return quote(w.Organization)
		}
	case stepPrevious:
		if w.Previous != nil {
			return "the same user and login as in Expected.Previous"
		}
	case stepNone, stepsEnd:
	}
	return anything
}

func (x *verification) wantedHash(text string) string {
	switch {
	case text == "":
		return "anything: Expected has nothing to compare it with"
	case x.want.FromAuthorizationEndpoint:
		return "the hash of what came with the token"
	}
	return "none, or the hash of what came with the token"
}

func (x *verification) found(at step) string {
	presence := func(is bool) string {
		if is {
			return "one"
		}
		return "none"
	}
	switch at {
	case stepNonce:
		return presence(there(x.nonce))
	case stepAge:
		return timeText(x.token.IssuedAt)
	case stepAuthTime:
		authTime, _ := x.authTime.Time()
		return timeText(authTime)
	case stepAccessTokenHash:
		return presence(there(x.atHash))
	case stepCodeHash:
		return presence(there(x.cHash))
	default:
		return ""
	}
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}
