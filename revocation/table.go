package revocation

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// terms are the times of a rule: IssuedBefore, and when it is no longer in force,
// in Unix time. In 32 bits, they last until 2106.
type terms uint64

// anyAge is an IssuedBefore that all tokens come before.
const anyAge = math.MaxUint32

func newTerms(before, end uint32) terms { return terms(before)<<32 | terms(end) }

func (t terms) before() uint32 { return uint32(t >> 32) }
func (t terms) end() uint32    { return uint32(t) }

// join returns the later of both times.
func (t terms) join(o terms) terms {
	return newTerms(max(t.before(), o.before()), max(t.end(), o.end()))
}

// A table holds rules by the hash of their values. It is read without a lock
// while one goroutine changes it.
//
// It is an open hash table in which a slot that was taken never gets another
// rule. A rule that has ended leaves a mark that keeps its place, and all marks
// go when the rules move to a new table. So a reader that is anywhere in the
// table can't miss a rule, or take the times of one for those of another.
//
// Most tokens have no rule, so a filter comes first. A key sets three bits of
// one of its words. It has 8 to 12 bits for each rule, so that a processor's
// cache holds the filter of a million, and over 95 of 100 questions end there.
// The price of a smaller table would be a slower one, since what a question
// costs is how often it waits for memory.
type table struct {
	slots  []slot
	filter []atomic.Uint64
	most   int // of slots that are taken before the table is full
	taken  int // slots, by rules and marks
}

// A slot holds a rule. Of its values it has two independent hashes. Together,
// they stand for the values.
type slot struct {
	key   atomic.Uint64 // the first hash, or empty or ended
	proof atomic.Uint64 // the second hash, with the mask in its place for it
	terms atomic.Uint64
}

const (
	empty = 0
	ended = 1
)

// proofOf returns the second hash with the mask in its last bits.
func proofOf(hash uint64, m mask) uint64 { return hash&^(masks-1) | uint64(m) }

func (s *slot) mask() mask { return mask(s.proof.Load() & (masks - 1)) }

// keyOf returns a hash that is neither empty nor ended.
func keyOf(hash uint64) uint64 {
	if hash <= ended {
		return hash + 2
	}
	return hash
}

// newTable has room for half as many rules again. A search in a full table looks
// at six slots on average.
func newTable(rules int) *table {
	most := max(rules+rules/2, 8)
	return &table{slots: make([]slot, most*10/7+1), filter: make([]atomic.Uint64, (most+7)/8), most: most}
}

// bit returns the word of the filter for a key, and the key's bits in it. The
// word goes by the first bits of the key and its bits by the last 18.
func (t *table) bit(key uint64) (word *atomic.Uint64, set uint64) {
	i, _ := bits.Mul64(key, uint64(len(t.filter)))
	return &t.filter[i], 1<<(key&63) | 1<<(key>>6&63) | 1<<(key>>12&63)
}

// mayHave returns 0 if the table doesn't have the key, and otherwise 1. There is
// no branch in it, since a processor can't foresee a rare one.
func (t *table) mayHave(key uint64) uint {
	word, set := t.bit(key)
	lacks := set &^ word.Load()
	return uint((lacks - 1) &^ lacks >> 63)
}

// full reports whether the next rule needs a new table.
func (t *table) full() bool { return t.taken >= t.most }

// first is where the search for a key begins.
func (t *table) first(key uint64) int {
	i, _ := bits.Mul64(key, uint64(len(t.slots)))
	return int(i)
}

// next is where it goes on. One slot in three is empty, so it ends.
func (t *table) next(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// add adds a rule that the table doesn't have, to a table that isn't full.
func (t *table) add(key, proof uint64, at terms) {
	i := t.first(key)
	for t.slots[i].key.Load() != empty {
		i = t.next(i)
	}
	word, set := t.bit(key)
	word.Store(word.Load() | set)
	s := &t.slots[i]
	s.proof.Store(proof)
	s.terms.Store(uint64(at))
	s.key.Store(key) // last, because it lets readers in
	t.taken++
}

// find returns the slot of a rule, or nil.
func (t *table) find(key, proof uint64) *slot {
	for i := t.first(key); ; i = t.next(i) {
		s := &t.slots[i]
		switch s.key.Load() {
		case empty:
			return nil
		case key:
			if s.proof.Load() == proof {
				return s
			}
		}
	}
}

// findEnded returns the slot of a rule that has ended. If there is none, it
// returns the end of the one that has not, or 0.
func (t *table) findEnded(key uint64, now int64) (found *slot, end uint32) {
	for i := t.first(key); ; i = t.next(i) {
		s := &t.slots[i]
		switch s.key.Load() {
		case empty:
			return nil, end
		case key:
			at := terms(s.terms.Load()).end()
			if int64(at) <= now {
				return s, 0
			}
			end = at
		}
	}
}

// grown returns a table with the rules of t, of which there are so many, and
// room for as many again.
func (t *table) grown(rules int) *table {
	bigger := newTable(rules + 1)
	for i := range t.slots {
		s := &t.slots[i]
		if key := s.key.Load(); key > ended {
			bigger.add(key, s.proof.Load(), terms(s.terms.Load()))
		}
	}
	return bigger
}
