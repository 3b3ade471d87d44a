package introspection

import (
	"context"
	"errors"
	"net/http"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/observe"
)

func newTeller(cfg *Config) *observing.Teller {
	return &observing.Teller{
		Observe: cfg.Observe, Logger: cfg.Logger, Now: cfg.Now, Part: observe.Introspection, Name: cfg.Issuer,
	}
}

// request returns what a call is.
func (cfg *Config) request() observe.Request {
	if cfg.InsecureUserInfo {
		return observe.UserInfo
	}
	return observe.Introspect
}

// tellEnd tells how a request has ended: with res, or with err, which may be of
// reading it.
func tellEnd(ctx context.Context, request *observing.Request, res *response, err error) {
	if request.On() {
		request.End(ctx, outcomeOf(res, err), res.status, len(res.body))
	}
}

func outcomeOf(res *response, err error) observe.Outcome {
	var m *mistake
	switch {
	case err == nil:
		return observe.OK
	case res.status/100 == 3:
		return observe.Redirect
	case errors.As(err, &m) && m.otherIssuer:
		return observe.OtherIssuer
	case res.status == http.StatusOK:
		return observe.Malformed
	case res.status != 0:
		return observe.Status
	case errors.Is(err, errTooLarge):
		return observe.TooLarge
	case errors.Is(err, errSilent):
		return observe.Timeout
	case errors.Is(err, errAuth):
		return observe.Failed
	}
	return observe.Unreachable
}

// A phase is what Config.Observe is told of as a change of state.
type phase struct {
	state   jwks.State
	mistake bool // in the Config, or at the server
}

// newPhase returns the phase that has begun, or lasts. c.mu is held.
func (c *calls) newPhase() phase {
	if !c.teller.On() {
		return phase{}
	}
	is := phase{state: c.state()}
	is.mistake = is.state == jwks.Expired && errors.Is(c.lastError(), jwks.ErrConfig)
	return is
}

func (c *calls) tellPhase(is, was phase) {
	if is == was || !c.teller.On() {
		return
	}
	c.teller.Tell(context.Background(), observe.Event{
		Kind: observe.StateChanged, State: string(is.state), Was: string(was.state),
		Failing: is.state == jwks.Expired, Misconfigured: is.mistake,
	})
}
