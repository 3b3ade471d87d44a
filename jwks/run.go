package jwks

import (
	"context"
	"time"
)

// Run keeps the keys fresh without lookups until ctx is done, and then returns.
// It fetches them at the times at which lookups would. Use it if the first
// request after a silence must not wait for the issuer. The caller starts it in
// a goroutine and ends it:
//
//	ctx, cancel := context.WithCancel(context.Background())
//	defer cancel()
//	go keys.Run(ctx)
//
// Without Run, an idle program sends no requests.
func (c *Cache) Run(ctx context.Context) {
	if c.current.Load() == nil {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if f := c.flight(); f != nil {
			if _, err := f.wait(ctx, 0); err != nil {
				return
			}
		}
		s, now := c.current.Load(), c.cfg.Now()
		c.observe(s, s.state(now))
		timer.Reset(min(max(c.Status().NextRefresh.Sub(now), time.Second), runAtMost))
	}
}

// runAtMost is the longest time that Run sleeps. Timers may stand still while
// the machine sleeps.
const runAtMost = time.Minute
