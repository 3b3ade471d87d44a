// Package bounded keeps the values of an attribute of metrics few.
package bounded

import "sync"

// Other stands for all values that come after a Names is full.
const Other = "other"

// Names are the values of an attribute, in the order in which they came. The
// zero value has room for none. Set Most before the first use. It is safe for
// concurrent use.
type Names struct {
	Most int

	mu    sync.RWMutex
	known map[string]bool
}

// Of returns name if it is one of the first, and otherwise [Other]. The empty
// name takes no room.
func (n *Names) Of(name string) string {
	if name == "" {
		return ""
	}
	n.mu.RLock()
	known, full := n.known[name], len(n.known) >= n.Most
	n.mu.RUnlock()
	switch {
	case known:
		return name
	case full:
		return Other
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = make(map[string]bool)
	}
	if len(n.known) >= n.Most && !n.known[name] {
		return Other
	}
	n.known[name] = true
	return name
}
