// Package series reads events into the values that an attribute of a metric may
// have. They are few, whatever clients, issuers and servers send.
package series

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/rsguard/rsguard/internal/bounded"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A Reader keeps the values few: all that come after the first are "other". Make
// one with [NewReader]. It is safe for concurrent use.
type Reader struct {
	issuers, codes, services bounded.Names
	names, words             bounded.Names
}

// maxWords limits the constants of package observe, of which there are fewer.
const maxWords = 50

// DefaultMost is the default of maxIssuers and of maxCodes.
const DefaultMost = 100

// NewReader returns a Reader with these limits, or with [DefaultMost] in place
// of zero. Its error is that a limit is negative.
func NewReader(maxIssuers, maxCodes int) (*Reader, error) {
	for _, limit := range []struct {
		name string
		most *int
	}{{"MaxIssuers", &maxIssuers}, {"MaxCodes", &maxCodes}} {
		switch {
		case *limit.most < 0:
			return nil, fmt.Errorf("Config.%s is negative: %d", limit.name, *limit.most)
		case *limit.most == 0:
			*limit.most = DefaultMost
		}
	}
	return &Reader{
		issuers: bounded.Names{Most: maxIssuers}, names: bounded.Names{Most: maxIssuers},
		codes: bounded.Names{Most: maxCodes}, services: bounded.Names{Most: maxCodes},
		words: bounded.Names{Most: maxWords},
	}, nil
}

// A Decision is what metrics have of a middleware.Event.
type Decision struct {
	Outcome, Code, Issuer string
	Seconds               float64
	Remembered            bool   // an accepted token, whose signature was not checked again
	Unavailable           string // the service, or ""
	Fault                 bool   // a function of the program has panicked
	ReportOnly, Compared  bool
	RejectedBy            string // one of Sides if the decisions differ, otherwise ""
}

// Services are the values of Decision.Unavailable, besides those of checks.
var Services = []string{"keys", "tenants", "introspection", "replay store", revocation.Service}

// Sides are the values of Decision.RejectedBy.
var Sides = []string{byRSGuard, byCompare}

const (
	byRSGuard = "rsguard"
	byCompare = "compare"
)

// Decision reads e.
func (r *Reader) Decision(e *middleware.Event) Decision {
	d := Decision{
		Outcome: string(e.Outcome), Code: r.codes.Of(string(e.Code)), Issuer: r.issuers.Of(e.Issuer), Seconds: e.Duration.Seconds(),
		Remembered: e.Remembered && e.Outcome == middleware.Accepted,
		Fault:      e.Code == validator.CodeInternal,
		ReportOnly: e.ReportOnly, Compared: e.Compared,
	}
	if e.Outcome != middleware.Abandoned {
		d.Unavailable = r.services.Of(e.Service)
	}
	switch {
	case !e.Compared || !e.Differs:
	case e.Code == "":
		d.RejectedBy = byCompare
	default:
		d.RejectedBy = byRSGuard
	}
	return d
}

// An IO is what metrics have of an observe.Event.
type IO struct {
	Part, Name, Request, Outcome, State string
	Failed                              bool // the outcome is none of a request that was answered
}

// IO reads e.
func (r *Reader) IO(e *observe.Event) IO {
	return IO{
		Part: r.words.Of(string(e.Part)), Name: r.names.Of(e.Name), Request: r.words.Of(string(e.Request)),
		Outcome: r.words.Of(string(e.Outcome)), State: r.words.Of(e.State),
		Failed: e.Kind == observe.RequestEnded && e.Outcome != observe.OK && e.Outcome != observe.NotModified,
	}
}

// Check joins an error for each member of m that is nil or whose name can't be
// the value of an attribute. Field is its name in a Config.
func Check[T any](field string, m map[string]*T) error {
	var errs []error
	for name, value := range m {
		if value == nil {
			errs = append(errs, fmt.Errorf("Config.%s[%q] is nil", field, name))
		}
		if !utf8.ValidString(name) {
			errs = append(errs, fmt.Errorf("Config.%s[%q]: the name is not UTF-8", field, name))
		}
	}
	return errors.Join(errs...)
}

// OneIf returns 1 for true and 0 for false.
func OneIf[N int64 | float64](is bool) N {
	if is {
		return 1
	}
	return 0
}
