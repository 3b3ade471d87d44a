package clientauth

import (
	"math/rand/v2"
	"time"
)

// A grant is a token that has passed its checks.
type grant struct {
	token, tokenType, scope string

	expiry   time.Time
	lifetime time.Duration // from the request for it
	ahead    time.Duration // before the expiry, when it is due to be renewed
	seq      int64         // its number among those in the Store, or 0
}

// newGrant returns a grant that was requested at a time. Its renewal is due at a
// random moment between 70 and 80 percent of its life, so that processes that
// have started together don't renew together.
func newGrant(token, tokenType, scope string, requested, expiry time.Time) *grant {
	lifetime := expiry.Sub(requested)
	return &grant{
		token: token, tokenType: tokenType, scope: scope, expiry: expiry, lifetime: lifetime,
		ahead: lifetime/5 + rand.N(max(lifetime/10, 1)), //nolint:gosec // G404: spreading needs no secrecy
	}
}

// maxMargin is before the expiry, for requests that take their time.
const maxMargin = 10 * time.Second

// left returns how long g lives yet: by the monotonic clock, which stands still
// while a machine sleeps, or by the wall clock, which can be set, whichever is
// shorter. A clock that was set back to before the request says nothing, so g
// counts as ended.
func (g *grant) left(now time.Time) time.Duration {
	wall := g.expiry.Round(0).Sub(now.Round(0))
	if wall > g.lifetime+maxMargin {
		return 0
	}
	return min(g.expiry.Sub(now), wall)
}

// isGood reports whether g can be used for a request that begins now.
func (g *grant) isGood(now time.Time) bool {
	return g.left(now) > min(maxMargin, g.lifetime/4)
}

// untilDue returns the time until g is due to be renewed.
func (g *grant) untilDue(now time.Time) time.Duration { return g.left(now) - g.ahead }
