// Package redeemed remembers which proofs a request has redeemed. A proof is
// good for one request, and without this the second Guard that the request
// passes would take it for a replay of itself.
package redeemed

import (
	"context"
	"slices"
	"sync"
)

// Context returns a copy of ctx with a memory for a decision about one request,
// and the function that ends the decision. The contexts that are made of the
// copy keep what was remembered until then. Nothing is added after that, because
// a handler may make other requests with its context.
func Context(ctx context.Context) (remembering context.Context, end func()) {
	outer, _ := ctx.Value(contextKey{}).(*memory)
	m := &memory{outer: outer}
	return context.WithValue(ctx, contextKey{}, m), m.end
}

// Add remembers that verifier has redeemed a proof, for each decision of ctx
// that has not ended.
func Add(ctx context.Context, verifier any, proof string) {
	m, _ := ctx.Value(contextKey{}).(*memory)
	for ; m != nil; m = m.outer {
		m.add(use{verifier, proof})
	}
}

// Has reports whether a decision of ctx has redeemed the proof. A proof that
// another verifier has redeemed does not count, because that one may have another
// store, or one that forgets the proof earlier.
func Has(ctx context.Context, verifier any, proof string) bool {
	m, _ := ctx.Value(contextKey{}).(*memory)
	for ; m != nil; m = m.outer {
		if m.has(use{verifier, proof}) {
			return true
		}
	}
	return false
}

type contextKey struct{}

type use struct {
	verifier any // a pointer
	proof    string
}

type memory struct {
	outer *memory // of an earlier decision about the request, or nil

	mu    sync.Mutex
	ended bool
	uses  []use
}

func (m *memory) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
}

func (m *memory) add(u use) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		m.uses = append(m.uses, u)
	}
}

func (m *memory) has(u use) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.uses, u)
}
