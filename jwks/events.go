package jwks

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/observe"
)

func newTeller(cfg *Config) *observing.Teller {
	return &observing.Teller{
		Observe: cfg.Observe, Logger: cfg.Logger, Now: cfg.Now, Part: observe.Keys, Name: cfg.name(),
	}
}

// tellEnd tells how the request for a document has ended: with res, or with
// err, which may be of reading it.
func tellEnd(ctx context.Context, request *observing.Request, res *response, err error) {
	if !request.On() {
		return
	}
	status := res.status
	if e := (*statusError)(nil); errors.As(err, &e) {
		status = e.code
	}
	request.End(ctx, outcomeOf(res, err), status, len(res.body))
}

func outcomeOf(res *response, err error) observe.Outcome {
	var status *statusError
	var other *otherIssuerError
	switch {
	case err == nil && res.status == http.StatusNotModified:
		return observe.NotModified
	case err == nil:
		return observe.OK
	case errors.As(err, &status) && status.code/100 == 3:
		return observe.Redirect
	case errors.As(err, &status):
		return observe.Status
	case errors.As(err, &other):
		return observe.OtherIssuer
	case res.status != 0:
		return observe.Malformed
	case errors.Is(err, errTooLarge):
		return observe.TooLarge
	case errors.Is(err, errSilent):
		return observe.Timeout
	}
	return observe.Unreachable
}

// tellPhase tells of a change of state.
func (c *Cache) tellPhase(is, was phase) {
	if c.teller.On() {
		c.teller.Tell(context.Background(), observe.Event{
			Kind: observe.StateChanged, State: string(is.state), Was: string(was.state),
			Failing: is.failing, Misconfigured: is.mistake,
		})
	}
}

// tellKeys tells which keys a fetch has brought, and which are held no more.
func (c *Cache) tellKeys(was, is *keySet) {
	if !c.teller.On() || was == is {
		return
	}
	added, withdrawn := notIn(is, was), notIn(was, is)
	if len(added)+len(withdrawn) == 0 {
		return // others are left out
	}
	c.teller.Tell(context.Background(), observe.Event{
		Kind: observe.KeysChanged, Added: observing.IDs(added), Withdrawn: observing.IDs(withdrawn),
	})
}

// notIn returns the IDs of the keys of s that other does not have.
func notIn(s, other *keySet) []string {
	if s == nil {
		return nil
	}
	var ids []string
	for _, key := range s.keys.All() {
		if other != nil {
			same, _ := other.keys.Find(key.ID)
			if slices.ContainsFunc(same, key.equal) {
				continue
			}
		}
		ids = append(ids, key.ID)
	}
	return ids
}

// unknownInterval is the least time between two events for unknown keys. A
// stranger causes as many lookups as requests.
const unknownInterval = 10 * time.Second

// An unknownCount counts the lookups of unknown keys.
type unknownCount struct {
	total atomic.Int64

	mu   sync.Mutex // never held while telling
	told int64
	at   time.Time
}

// since returns the lookups that have not been told of, if there are any and it
// is time to.
func (u *unknownCount) since(now time.Time) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	total := u.total.Load()
	count := total - u.told
	if passed := elapsed(u.at, now); count == 0 || !u.at.IsZero() && 0 <= passed && passed < unknownInterval {
		return 0
	}
	u.told, u.at = total, now
	return int(count)
}

// countUnknown counts a lookup of a key that the issuer does not have.
func (c *Cache) countUnknown(now time.Time) {
	c.unknown.total.Add(1)
	c.tellUnknown(now)
}

// tellUnknown tells of the lookups of unknown keys since the last time.
func (c *Cache) tellUnknown(now time.Time) {
	if !c.teller.On() {
		return
	}
	if count := c.unknown.since(now); count > 0 {
		c.teller.Tell(context.Background(), observe.Event{Kind: observe.UnknownKeys, Count: count})
	}
}
