package readiness

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/fault"
)

// A part is asked by one call at a time, which all probes share.
type part struct {
	name     string
	run      func(context.Context) error
	interval time.Duration // how long a result is used

	mu      sync.Mutex // never held while run is called
	running *call      // or nil
	last    *call      // that has ended, or nil
}

// A call of a part's function.
type call struct {
	done  chan struct{}
	ended time.Time // and err: to be read when done is closed
	err   error
}

var errEnded = errors.New("the check was ended from within")

// begin calls the function, unless a call is in progress, or the last one's
// result is still used.
func (p *part) begin(now time.Time, cfg *Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return
	}
	if p.last != nil && p.interval > 0 {
		if age := now.Sub(p.last.ended); 0 <= age && age < p.interval {
			return
		}
	}
	c := &call{done: make(chan struct{}), err: errEnded}
	p.running = c
	go p.call(c, cfg)
}

// call belongs to no probe, because others may wait for it too.
func (p *part) call(c *call, cfg *Config) {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Timeout)
	defer cancel()
	defer func() { // also if the function ends the goroutine
		p.mu.Lock()
		c.ended = cfg.Now()
		p.running, p.last = nil, c
		p.mu.Unlock()
		close(c.done)
	}()
	err := errEnded
	if panicked := fault.Contain(func() { err = p.run(ctx) }); panicked != nil {
		err = panicked
	}
	c.err = err
}

var errSlow = errors.New("no answer in time")

// result returns the error of the call in progress, or of the last one.
func (p *part) result(ctx context.Context) error {
	p.mu.Lock()
	c := p.running
	if c == nil {
		c = p.last
	}
	p.mu.Unlock()
	select {
	case <-c.done: // rather than a context that is done
		return c.err
	default:
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return errSlow
	}
}
