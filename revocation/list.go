package revocation

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull is the error of [List.Revoke] if the List is full of rules that have
// not ended. No rule is forgotten for a new one.
var ErrFull = errors.New("revocation: the list is full of rules that have not ended; raise Config.Capacity, or use rules for more tokens at once")

// A List holds the rules that have not ended. Make one with [New]. It is safe
// for concurrent use, and must not be copied. A List that New has not made
// rejects every token with [validator.CodeUnavailable].
//
// A question takes no lock and allocates nothing. It looks once for each
// combination of values that rules compare, of which there are usually one or
// two and never over 64, and not for each rule.
//
// Each Revoke removes some of the rules that have ended, so no goroutine is
// needed. If the clock is set back to before the end of a rule that was removed,
// the List can't know whether that rule named a token that is valid again. Such
// tokens are rejected with [validator.CodeUnavailable] until the clock has
// caught up.
type List struct {
	cfg         Config
	key, proof  *hasher
	inUse       atomic.Uint64 // a maskSet
	latest      atomic.Pointer[issuerKey]
	table       atomic.Pointer[table]
	lastRemoved atomic.Uint32 // the latest end of a rule that was removed

	mu     sync.Mutex
	ends   endings
	counts [masks]int // of rules, for each mask

	watches watches
}

// New returns a List without rules. The error joins all faults of cfg.
func New(cfg Config) (*List, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := &List{cfg: cfg.withDefaults(), key: newHasher(), proof: newHasher()}
	l.table.Store(newTable(0))
	return l, nil
}

// Revoke adds a rule. It holds for this List from then on, and for the others as
// soon as Config.Feed has brought it there. If Revoke returns an error, the rule
// may hold for some of them, and the caller has to try again until there is
// none. It may be called more than once with the same rule. A rule that has
// ended changes nothing.
//
// The error is [ErrFull], that of ctx if ctx is done, that of the Feed, or says
// what is wrong with the rule.
func (l *List) Revoke(ctx context.Context, rule Rule) error {
	if l == nil || l.key == nil {
		return errNotMade
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	now, err := l.now()
	if err != nil {
		return err
	}
	if err := errors.Join(rule.check(), rule.checkTimes(now)); err != nil {
		return err
	}
	rule = rule.complete(now, l.cfg.TokenLifetime)
	left, err := l.add(&rule, now)
	if err != nil {
		return err
	}
	if l.cfg.Feed != nil {
		err = l.cfg.Feed.Publish(ctx, rule)
	}
	if left != nil {
		select {
		case <-left:
		case <-ctx.Done():
		}
	}
	return err
}

// Apply adds a rule that another List has published, to this one alone. It is
// for a [Feed]. Unlike with Revoke, Until is required, and IssuedBefore and
// Until may be at any distance, since the other List has judged them by its
// clock. The error is [ErrFull], or says what is wrong with the rule.
func (l *List) Apply(rule Rule) error {
	if l == nil || l.key == nil {
		return errNotMade
	}
	now, err := l.now()
	if err != nil {
		return err
	}
	if err := rule.check(); err != nil {
		return err
	}
	if rule.Until.IsZero() {
		return errors.New("revocation: Rule.Until is zero, and Apply requires it")
	}
	_, err = l.add(&rule, now)
	return err
}

var (
	errNotMade = errors.New("revocation: the List was not made by New")
	errNoTime  = errors.New("revocation: Config.Now returned the zero time")
)

func (l *List) now() (time.Time, error) {
	now := l.cfg.Now()
	if now.IsZero() {
		return now, errNoTime
	}
	return now, nil
}

// add adds a rule that has been checked and has an end. If there are watches
// left to look at, it returns a channel that is closed when that has happened.
func (l *List) add(r *Rule, at time.Time) (left <-chan struct{}, err error) {
	changed, err := l.put(r, at)
	if changed {
		left = l.added(r)
	}
	return left, err
}

// put puts a rule into the table. It reports whether that changes what is
// revoked.
func (l *List) put(r *Rule, at time.Time) (changed bool, err error) {
	now, t := at.Unix(), r.terms()
	if int64(t.end()) <= now {
		// As if it had been removed, in case it is the clock that is wrong.
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lastRemoved.Store(max(l.lastRemoved.Load(), t.end()))
		return false, nil
	}
	key, m := l.key.rule(r)
	proof, _ := l.proof.rule(r)
	key, proof = keyOf(key), proofOf(proof, m)

	l.mu.Lock()
	defer l.mu.Unlock()
	// More are removed than added, so that ended rules don't accumulate. Few
	// are removed at a time, so that no single call pays for the end of many.
	l.sweep(now, 4)
	all := l.table.Load()
	if s := all.find(key, proof); s != nil {
		// Its entry in ends may be too early now, which sweep notices.
		old := terms(s.terms.Load())
		if int64(old.end()) <= now {
			l.lastRemoved.Store(max(l.lastRemoved.Load(), old.end()))
		} else {
			t = t.join(old)
		}
		s.terms.Store(uint64(t))
		return t != old, nil
	}
	if len(l.ends) >= l.cfg.Capacity {
		return false, ErrFull
	}
	if all.full() {
		all = all.grown(len(l.ends))
	}
	all.add(key, proof, t)
	l.table.Store(all)
	if latest := l.latest.Load(); latest == nil || latest.issuer != r.Issuer {
		l.latest.Store(&issuerKey{strings.Clone(r.Issuer), l.key.issuerKey(r.Issuer)})
	}
	l.ends.push(ending{key, t.end()})
	if l.counts[m]++; l.counts[m] == 1 {
		l.inUse.Store(l.inUse.Load() | 1<<m)
	}
	return true, nil
}

// sweep removes up to n rules that have ended. l.mu is held.
func (l *List) sweep(now int64, n int) {
	for range n {
		if len(l.ends) == 0 || int64(l.ends[0].at) > now {
			return
		}
		e := l.ends.pop()
		s, end := l.table.Load().findEnded(e.key, now)
		if s == nil {
			l.ends.push(ending{e.key, end}) // it was prolonged
			continue
		}
		// First, so that a question that misses the rule knows why.
		l.lastRemoved.Store(max(l.lastRemoved.Load(), terms(s.terms.Load()).end()))
		m := s.mask()
		s.key.Store(ended)
		if l.counts[m]--; l.counts[m] == 0 {
			l.inUse.Store(l.inUse.Load() &^ (1 << m))
		}
	}
}

// terms returns the times of a rule, so that it holds no shorter than it says.
func (r *Rule) terms() terms {
	before := uint32(anyAge)
	if !r.IssuedBefore.IsZero() {
		before = uint32(min(r.IssuedBefore.Unix(), anyAge-1))
	}
	end := r.Until.Add(grace + time.Second - 1).Unix() // rounded up
	return newTerms(before, uint32(min(max(end, 0), math.MaxUint32)))
}

// Status is the state of a [List].
type Status struct {
	Rules    int // in force, or ended and not yet removed
	Capacity int
	Watches  int // tokens that are watched
}

// Status returns the state of l.
func (l *List) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Status{Rules: len(l.ends), Capacity: l.cfg.Capacity, Watches: int(l.watches.count.Load())}
}
