package introspection

import (
	"context"
	"crypto/sha256"
	"math"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/rsguard/rsguard/validator"
)

// An entry is what the server says of a token that it calls active.
type entry struct {
	judge   func(context.Context, *validator.Claims) error
	problem *validator.Error // by which no such token is accepted, or nil
	asked   time.Time        // when the call began
	claims  string
	size    int // of judge
}

// age is by the monotonic clock or by the wall clock, whichever is larger. A
// clock that was set back to before the call says nothing of the age, so the
// server is asked again.
func (e *entry) age(now time.Time) time.Duration {
	age := max(now.Sub(e.asked), now.Round(0).Sub(e.asked.Round(0)))
	if now.Before(e.asked) {
		return math.MaxInt64
	}
	return age
}

// decide decides about the token of a request.
func (e *entry) decide(ctx context.Context, c *validator.Claims) error {
	if e.problem != nil {
		own := *e.problem
		return &own
	}
	return e.judge(ctx, c)
}

const (
	defaultRoom = 8 << 20
	roomForOne  = 4 << 10

	// How long, and of how many tokens, it is remembered that they are not
	// active.
	inactiveFor  = 10 * time.Second
	inactiveSize = 8192
)

// A memory holds answers. Tokens that are not active are kept apart, so that
// made-up ones displace none that are known.
type memory struct {
	known *otter.Cache[string, *entry] // nil if nothing is remembered
	not   *otter.Cache[[sha256.Size]byte, time.Time]
}

func newMemory(cfg *Config) *memory {
	m := &memory{not: otter.Must(&otter.Options[[sha256.Size]byte, time.Time]{
		MaximumSize: inactiveSize, Logger: &otter.NoopLogger{}, Executor: here,
	})}
	room := uint64(defaultRoom)
	if cfg.CacheSize > 0 {
		room = uint64(min(cfg.CacheSize, math.MaxInt32)) * roomForOne
	}
	if cfg.CacheSize >= 0 {
		m.known = otter.Must(&otter.Options[string, *entry]{
			MaximumWeight: room, Weigher: weight,
			Logger: &otter.NoopLogger{}, Executor: here,
		})
	}
	return m
}

// weight returns the memory that an entry takes at most.
func weight(token string, e *entry) uint32 {
	const own = 768 // an entry, its judge, and its part of the cache
	return uint32(min(uint64(own+len(token)+e.size), math.MaxUint32))
}

// here runs what a cache has to do where it is needed, without a goroutine.
func here(f func()) { f() }

func (m *memory) get(token string) *entry {
	if m.known == nil {
		return nil
	}
	e, _ := m.known.GetIfPresent(token)
	return e
}

// remember keeps an answer.
func (m *memory) remember(token string, e *entry) {
	if m.known == nil {
		return
	}
	m.known.Set(strings.Clone(token), e)
}

func (m *memory) isInactive(token string, now time.Time) bool {
	until, ok := m.not.GetIfPresent(sha256.Sum256([]byte(token)))
	left := until.Sub(now)
	return ok && 0 < left && left <= inactiveFor
}

func (m *memory) rememberInactive(token string, now time.Time) {
	m.not.Set(sha256.Sum256([]byte(token)), now.Add(inactiveFor))
	m.forgetKnown(token)
}

func (m *memory) forget(token string) {
	m.not.Invalidate(sha256.Sum256([]byte(token)))
	m.forgetKnown(token)
}

func (m *memory) forgetKnown(token string) {
	if m.known != nil {
		m.known.Invalidate(token)
	}
}
