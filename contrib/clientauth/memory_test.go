package clientauth_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A memory is a Store. Its hook, if any, comes before each call.
type memory struct {
	mu     sync.Mutex
	values map[string]value
	leases map[string]held
	calls  int
	hook   func(ctx context.Context, call string) error
}

type value struct {
	data []byte
	ends time.Time
}

type held struct {
	holder string
	ends   time.Time
}

func (m *memory) enter(ctx context.Context, call string) error {
	m.mu.Lock()
	m.calls++
	hook := m.hook
	m.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, call); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Load(ctx context.Context, name string) ([]byte, error) {
	if err := m.enter(ctx, "load"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok := m.values[name]; ok && time.Now().Before(v.ends) {
		return slices.Clone(v.data), nil
	}
	return nil, nil
}

func (m *memory) Lease(ctx context.Context, name, holder string, lease time.Duration) (bool, error) {
	if err := m.enter(ctx, "lease"); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h, ok := m.leases[name]; ok && time.Now().Before(h.ends) {
		return false, nil
	}
	if m.leases == nil {
		m.leases = map[string]held{}
	}
	m.leases[name] = held{holder, time.Now().Add(lease)}
	return true, nil
}

func (m *memory) Save(ctx context.Context, name, holder string, data []byte, life time.Duration) error {
	if err := m.enter(ctx, "save"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[name].holder == holder {
		delete(m.leases, name)
	}
	if data != nil {
		if m.values == nil {
			m.values = map[string]value{}
		}
		m.values[name] = value{slices.Clone(data), time.Now().Add(life)}
	}
	return nil
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

func (m *memory) set(hook func(ctx context.Context, call string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = hook
}

// copied returns what is stored, by name.
func (m *memory) copied() map[string]value {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

// change lets an attacker with write access change all values.
func (m *memory) change(f func(name string, data []byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, v := range m.values {
		m.values[name] = value{f(name, slices.Clone(v.data)), time.Now().Add(24 * time.Hour)}
	}
}

// shows reports whether a text is in a name or a value.
func (m *memory) shows(text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, v := range m.values {
		if strings.Contains(name, text) || strings.Contains(string(v.data), text) {
			return true
		}
	}
	return false
}
