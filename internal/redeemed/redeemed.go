// Package redeemed remembers which proof a request has redeemed, while several
// Guards decide about that request. A proof is good for one request, and without
// this the second Guard would take the request for a replay of itself.
package redeemed

import (
	"context"
	"slices"
	"sync"
)

// Context returns a copy of ctx with a memory for the decision about one
// request, and the function that ends the decision. After that, nothing is
// remembered, because the context may live on in a handler.
func Context(ctx context.Context) (remembering context.Context, end func()) {
	m := &memory{}
	return context.WithValue(ctx, contextKey{}, m), m.end
}

// Add remembers that verifier has redeemed a proof, if ctx has a memory.
func Add(ctx context.Context, verifier any, proof string) {
	m, ok := ctx.Value(contextKey{}).(*memory)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		m.uses = append(m.uses, use{verifier, proof})
	}
}

// Has reports whether the memory of ctx has the proof. A proof that another
// verifier has redeemed does not count, because that one may have another store.
func Has(ctx context.Context, verifier any, proof string) bool {
	m, ok := ctx.Value(contextKey{}).(*memory)
	if !ok {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.uses, use{verifier, proof})
}

type contextKey struct{}

type use struct {
	verifier any // a pointer
	proof    string
}

type memory struct {
	mu    sync.Mutex
	ended bool
	uses  []use
}

func (m *memory) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended, m.uses = true, nil
}
