package validator

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A memory holds tokens that were accepted. It remembers what cannot change:
// what the token says, and that its key has signed it. What can change is
// checked every time.
//
// It takes no space before the first token, then grows with the tokens up to
// its limits. Finding a token takes no lock. Adding one takes a lock for a
// moment, after a signature was checked.
type memory struct {
	most   int // tokens, or 0 if there is no limit but room
	room   int // bytes, including what the memory itself needs
	tokens atomic.Pointer[tokenTable]
}

const (
	// defaultRoom is enough for 3,000 tokens of 1 kB.
	defaultRoom = 8 << 20
	// roomForOne is enough for a token of 2 kB.
	roomForOne = 4 << 10
)

// newMemory returns a memory for Config.CacheSize, or nil if that is negative.
func newMemory(size int) *memory {
	switch {
	case size < 0:
		return nil
	case size == 0:
		return &memory{room: defaultRoom}
	}
	return &memory{most: size, room: min(size, math.MaxInt/roomForOne) * roomForOne}
}

// A tokenTable is a hash table with a list for each bucket. Readers of the
// lists take no lock.
//
// The clock algorithm finds the token that is removed. A hand goes around all
// tokens and takes the first that was not recognized since its last turn. A
// flood of tokens that come once thus displaces only its own kind.
type tokenTable struct {
	seed    maphash.Seed
	buckets atomic.Pointer[[]bucket]

	mu    sync.Mutex
	all   []*remembered // in no order
	bytes int           // of all
	hand  int           // the next of all that may have to go
	sweep int           // the next of all that may have expired
}

type bucket struct{ atomic.Pointer[remembered] }

type remembered struct {
	hash  uint64
	token string
	next  atomic.Pointer[remembered] // of the bucket's list
	used  atomic.Bool                // recognized lately
	valid window                     // of the claims

	// owner is the memory of the Validator that has accepted the token, which
	// may use a shared one. It identifies the Validator without keeping it in
	// memory.
	owner     *memory
	trust     int // of its issuer, in the Validator's list
	algorithm string
	key       crypto.PublicKey // nil if Config.Secret signed it
	keyIssuer string           // whose tokens the key signs, by its key set
	claims    Claims           // each request gets a copy, which shares the elements of their slices

	bytes int // that it takes
	at    int // where it is in tokenTable.all
}

// recall finds a token by all of its bytes.
func (m *memory) recall(token string) *remembered {
	if m == nil {
		return nil
	}
	t := m.tokens.Load()
	if t == nil {
		return nil
	}
	hash := t.hash(token)
	for r := t.bucket(hash).Load(); r != nil; r = r.next.Load() {
		if r.hash == hash && r.token == token {
			if !r.used.Load() {
				r.used.Store(true)
			}
			return r
		}
	}
	return nil
}

// hash is that of the token's end. The end is a part of the signature, and thus
// as good as random.
func (t *tokenTable) hash(token string) uint64 {
	return maphash.String(t.seed, token[max(0, len(token)-32):])
}

func (t *tokenTable) bucket(hash uint64) *bucket {
	buckets := *t.buckets.Load()
	return &buckets[hash%uint64(len(buckets))]
}

// remember stores a token that v has accepted. Nothing else is stored.
func (m *memory) remember(v *Validator, token string, x *examination) {
	if m == nil {
		return
	}
	token = strings.Clone(token) // so that the whole request is not kept with it
	r := &remembered{token: token, algorithm: x.token.Header.Algorithm, owner: v.memory}
	for r.trust = range v.trusts {
		if &v.trusts[r.trust] == x.trust {
			break
		}
	}
	x.copyInto(&r.claims)
	r.valid = x.at.window(&r.claims)
	if x.signedBy != nil {
		r.key, r.keyIssuer = x.signedBy.Public, x.signedBy.Issuer
	}
	r.bytes = x.bytes(len(token) + len(token)*3/4) // header and payload are decoded into one piece
	if r.bytes > m.room {
		return
	}
	m.table().add(r, m, x.at.now)
}

// bytes returns the memory that claims take at most that keep n bytes of text.
func (x *examination) bytes(n int) int {
	const own = 576 // a remembered, its Confirmation, and its part of a tokenTable
	texts := count(x.audience) + count(x.scopes) + count(x.permissions)
	n += texts * 16
	if strings.Contains(x.payload, `\`) {
		n += len(x.payload) // strings with escapes are copies
	}
	n += n / 8 // the allocator rounds up
	if n > 32<<10 {
		n += 8 << 10 // to whole pages
	}
	return own + n
}

func (m *memory) table() *tokenTable {
	if t := m.tokens.Load(); t != nil {
		return t
	}
	t := &tokenTable{seed: maphash.MakeSeed()}
	t.buckets.Store(&[]bucket{{}})
	if m.tokens.CompareAndSwap(nil, t) {
		return t
	}
	return m.tokens.Load()
}

// add adds r. It removes the token that r replaces, some that have expired, and
// those that must make room. The work is bounded by maxSwept and maxLooks.
func (t *tokenTable) add(r *remembered, m *memory, now time.Time) {
	r.hash = t.hash(r.token)
	t.mu.Lock()
	defer t.mu.Unlock()
	for old := t.bucket(r.hash).Load(); old != nil; old = old.next.Load() {
		if old.token == r.token { // remembered by another request meanwhile, or with a key that was replaced
			t.remove(old)
			break
		}
	}
	for range min(maxSwept, len(t.all)) {
		t.sweep %= len(t.all)
		if old := t.all[t.sweep]; now.Before(old.valid.until) {
			t.sweep++
		} else {
			t.remove(old) // the last one is in its place now, and is looked at next
		}
	}
	for len(t.all) > 0 && (t.bytes+r.bytes > m.room || len(t.all) == m.most) {
		t.remove(t.idle(now))
	}
	if buckets := len(*t.buckets.Load()); len(t.all) >= buckets {
		t.grow(2 * buckets)
	}
	r.at = len(t.all)
	t.all = append(t.all, r)
	t.bytes += r.bytes
	t.link(r)
}

// maxSwept is how many tokens are looked at to find expired ones. At least half
// of the expired ones found are removed.
const maxSwept = 4

// maxLooks is how many tokens are looked at to find one to remove.
const maxLooks = 32

// idle returns the token to remove: one that has expired, one that was not
// recognized since the hand's last turn, or otherwise the last one looked at.
func (t *tokenTable) idle(now time.Time) *remembered {
	var r *remembered
	for range maxLooks {
		t.hand = (t.hand + 1) % len(t.all)
		r = t.all[t.hand]
		if !r.used.Load() || !now.Before(r.valid.until) {
			break
		}
		r.used.Store(false)
	}
	return r
}

// link adds r at the beginning of its bucket's list.
func (t *tokenTable) link(r *remembered) {
	b := t.bucket(r.hash)
	r.next.Store(b.Load())
	b.Store(r)
}

// remove removes r from its list and from all. A reader that is at r continues
// with the rest of the list.
func (t *tokenTable) remove(r *remembered) {
	previous := &t.bucket(r.hash).Pointer
	for other := previous.Load(); other != r; other = previous.Load() {
		previous = &other.next
	}
	previous.Store(r.next.Load())

	last := len(t.all) - 1
	t.all[r.at] = t.all[last]
	t.all[r.at].at = r.at
	t.all[last] = nil
	t.all = t.all[:last]
	t.bytes -= r.bytes
}

// grow makes n buckets. A reader may meanwhile get into the list of another
// bucket and miss its token, which is then examined like any other. The
// reader's walk ends, because each token that is linked anew leads to those
// before it.
func (t *tokenTable) grow(n int) {
	buckets := make([]bucket, n)
	t.buckets.Store(&buckets)
	for _, r := range t.all {
		t.link(r)
	}
}

// forget removes r.
func (m *memory) forget(r *remembered) {
	t := m.tokens.Load()
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.at < len(t.all) && t.all[r.at] == r {
		t.remove(r)
	}
}

// recognize decides about a token that was accepted before, and fills in c. It
// reports false if r is nil or another Validator's, or if the key that has
// signed the token is no longer the issuer's. The token must then be examined
// like any other.
func (m *memory) recognize(ctx context.Context, v *Validator, r *remembered, c *Claims) (known bool, err error) {
	if r == nil || r.owner != v.memory {
		return false, nil
	}
	at, err := v.moment()
	held := false
	if err == nil {
		held, err = r.held(ctx, v, at)
	}
	switch {
	case err != nil && CodeOf(err) == CodeExpired:
		m.forget(r)
	case err != nil:
	case !held:
		m.forget(r)
		return false, nil
	default:
		r.claims.copyInto(c)
		c.at, c.again = at, true
		err = acceptAgain(ctx, v, c, r.valid, nil)
	}
	if err != nil {
		return true, r.claims.refusal(err)
	}
	return true, nil
}

// held reports whether the key that has signed the token is still the issuer's,
// and still for its algorithm. That the key fits the algorithm was seen when it
// verified the signature. The key of an expired token is not looked up.
func (r *remembered) held(ctx context.Context, v *Validator, at moment) (bool, error) {
	if !at.now.Before(r.valid.until) {
		return false, at.checkExpiry(&r.claims)
	}
	if v.cfg.Secret != nil {
		return true, nil
	}
	keys, err := v.trusts[r.trust].find(ctx, r.claims.keyID, at.now)
	if err != nil {
		return false, keysUnavailable(err)
	}
	for i := range keys {
		// What the key set says of the key is a part of the decision. A key
		// that signs for the same issuer as before signs this token.
		if same(keys[i].Public, r.key) && allows(&keys[i], r.algorithm) && keys[i].Issuer == r.keyIssuer {
			return true, nil
		}
	}
	return false, nil
}

// acceptAgain checks what must be checked every time of claims that were
// accepted before, and are valid in that window. Unproven, if not nil, says why
// no request can prove what they are bound to.
func acceptAgain(ctx context.Context, v *Validator, c *Claims, valid window, unproven error) error {
	var p progress
	if c.at.now.Before(valid.from) {
		if err := p.timely(c); err != nil {
			return err
		}
	}
	if unproven != nil {
		return asError(unproven).clone()
	}
	if c.Confirmation != nil {
		if err := c.Confirmation.Proven(ctx); err != nil {
			return err
		}
	}
	return p.runChecks(ctx, v, c)
}

// same reports whether two keys are the same. Pointers are compared by address,
// because Equal is slow. A key that was fetched again is another pointer, which
// costs one signature check for each token after each fetch.
func same(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return a == b
	case ed25519.PublicKey:
		return a.Equal(b)
	}
	return false
}
