package jose

import (
	"slices"
	"strings"
)

// A NameError says that encoding/json would take a name for another one.
type NameError struct {
	Name, Want string

	path []string // the fields that lead to it, the innermost first
}

func (e *NameError) Error() string {
	return "the name " + e.Field() + " differs from " + e.Want + " by case alone"
}

// Field returns the path of field names that leads to the name, joined by dots.
func (e *NameError) Field() string {
	path := append(slices.Clone(e.path), "")
	slices.Reverse(path)
	return strings.Join(append(path[1:], e.Name), ".")
}

// Names are names that others must not be confused with.
type Names struct {
	folded map[string]string // by what appendFolded makes of them
	other  []string          // those that are not in ASCII
}

// NewNames returns the Names.
func NewNames(names ...string) *Names {
	n := &Names{folded: make(map[string]string, len(names))}
	for _, name := range names {
		n.add(name)
	}
	return n
}

func (n *Names) add(name string) {
	if isASCII(name) {
		n.folded[string(appendFolded(nil, name))] = name
	} else {
		n.other = append(n.other, name)
	}
}

// match returns a name of n that encoding/json would take name for. The folded
// form of name is given too.
func (n *Names) match(name string, folded []byte) (string, bool) {
	if want, ok := n.folded[string(folded)]; ok {
		return want, true
	}
	for _, want := range n.other {
		if strings.EqualFold(name, want) {
			return want, true
		}
	}
	return "", false
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > '~' })
}

// appendFolded appends name to dst with its ASCII letters in upper case. The
// long s and the Kelvin sign become the S and K to which they fold. If one of
// two names is in ASCII, the two are equal by [strings.EqualFold] if and only
// if this makes them the same.
func appendFolded(dst []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case c == longS[0] && strings.HasPrefix(name[i:], longS):
			c, i = 'S', i+len(longS)-1
		case c == kelvin[0] && strings.HasPrefix(name[i:], kelvin):
			c, i = 'K', i+len(kelvin)-1
		}
		dst = append(dst, c)
	}
	return dst
}

const (
	longS  = "\u017f"
	kelvin = "\u212a"
)

// seenNames finds two names of an object that differ by the case of ASCII
// letters alone. It holds the names of all open objects, those of the innermost
// last.
type seenNames struct {
	names  []string
	hashes []uint64 // of their folded forms
	folded []byte   // that of the last one
}

func (s *seenNames) enter(name string) {
	s.folded = appendFolded(s.folded[:0], name)
	hash := uint64(14695981039346656037) // FNV-1a
	for _, c := range s.folded {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	s.names, s.hashes = append(s.names, name), append(s.hashes, hash)
}

func (s *seenNames) clear() {
	clear(s.names)
	s.names, s.hashes, s.folded = s.names[:0], s.hashes[:0], s.folded[:0]
}

// leave ends the object whose first name is names[start].
func (s *seenNames) leave(start int) error {
	if start == len(s.names) {
		return nil
	}
	names, hashes := s.names[start:], s.hashes[start:]
	s.names, s.hashes = s.names[:start], s.hashes[:start]
	defer clear(names)
	if !anyTwice(hashes) {
		return nil
	}
	// Otherwise an attacker has searched for names with the same hash.
	folded := make(map[string]string, len(names))
	for _, name := range names {
		s.folded = appendFolded(s.folded[:0], name)
		if other, ok := folded[string(s.folded)]; ok {
			return &NameError{Name: name, Want: other}
		}
		folded[string(s.folded)] = name
	}
	return nil
}

// anyTwice may change the order.
func anyTwice(hashes []uint64) bool {
	const few = 12 // comparing beats sorting
	if len(hashes) > few {
		slices.Sort(hashes)
		for i := 1; i < len(hashes); i++ {
			if hashes[i] == hashes[i-1] {
				return true
			}
		}
		return false
	}
	for i := range hashes {
		if slices.Contains(hashes[:i], hashes[i]) {
			return true
		}
	}
	return false
}
