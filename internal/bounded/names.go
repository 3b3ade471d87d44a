// Package bounded keeps the values of an attribute of metrics few.
package bounded

import (
	"strings"
	"sync"
)

// Other stands for all values that come after a Names is full.
const Other = "other"

// Names are the values of an attribute, in the order in which they came. The
// zero value has room for none. Set Most before the first use. It is safe for
// concurrent use.
type Names struct {
	Most int

	mu    sync.RWMutex
	known map[string]string // what stands for a name
}

// Of returns name if it is one of the first, and otherwise [Other]. The empty
// name takes no room. What is no UTF-8 in a name is replaced, because exporters
// reject such a value, and all others with it.
func (n *Names) Of(name string) string {
	if name == "" {
		return ""
	}
	n.mu.RLock()
	known, ok := n.known[name]
	full := len(n.known) >= n.Most
	n.mu.RUnlock()
	switch {
	case ok:
		return known
	case full:
		return Other
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if known, ok := n.known[name]; ok {
		return known
	}
	if len(n.known) >= n.Most {
		return Other
	}
	if n.known == nil {
		n.known = make(map[string]string)
	}
	n.known[name] = strings.ToValidUTF8(name, "\uFFFD")
	return n.known[name]
}
