package jose

import (
	"hash/maphash"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A parser reads JSON by RFC 8259 and remembers only where it is and what it may still read.
type parser struct {
	s       string
	pos     int
	limits  Limits
	members int // how many there were
	depth   int // of how many levels
	names   nameTable
}

// peek returns the next byte, or 0, which no JSON text has outside of an error, at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for p.pos < len(p.s) {
		switch p.s[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// separator moves to the next item of an array or object. It reports false at the end, past the closing byte.
func (p *parser) separator(first bool, closing byte) (more bool, err error) {
	p.space()
	switch {
	case p.peek() == closing:
		p.pos++
		return false, nil
	case first:
		return true, nil
	case p.peek() != ',':
		return false, errJSON
	}
	p.pos++
	p.space()
	return true, nil
}

func (p *parser) element(first bool) (v Value, more bool, err error) {
	if more, err = p.separator(first, ']'); err != nil || !more {
		return Value{}, false, err
	}
	v, err = p.value()
	return v, true, err
}

// member also returns where the member's name stands.
func (p *parser) member(first bool) (m Member, at int, more bool, err error) {
	if more, err = p.separator(first, '}'); err != nil || !more {
		return Member{}, 0, false, err
	}
	if p.members++; p.members > p.limits.Members {
		return Member{}, 0, false, &MembersError{p.limits.Members}
	}
	at = p.pos
	name, err := p.string()
	if err != nil {
		return Member{}, 0, false, err
	}
	m.Name, _ = name.Text()
	p.space()
	if p.peek() != ':' {
		return Member{}, 0, false, errJSON
	}
	p.pos++
	p.space()
	m.Value, err = p.value()
	return m, at, true, err
}

func (p *parser) value() (Value, error) {
	start := p.pos
	switch c := p.peek(); {
	case c == '"':
		return p.string()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == '{':
		err := p.object()
		return Value{raw: p.s[start:p.pos], kind: KindObject}, err
	case c == '[':
		length, texts, err := p.array()
		return Value{raw: p.s[start:p.pos], kind: KindArray, texts: texts, length: length}, err
	case c == 't':
		return p.word("true", KindBool)
	case c == 'f':
		return p.word("false", KindBool)
	case c == 'n':
		return p.word("null", KindNull)
	}
	return Value{}, errJSON
}

func (p *parser) word(word string, kind Kind) (Value, error) {
	if !strings.HasPrefix(p.s[p.pos:], word) {
		return Value{}, errJSON
	}
	p.pos += len(word)
	return Value{raw: word, kind: kind}, nil
}

func (p *parser) object() error {
	if p.depth++; p.depth > p.limits.Depth {
		return errDepth(p.limits.Depth)
	}
	start := p.pos
	p.pos++
	// An empty object takes two bytes, and isn't counted. It needs no nameSet,
	// which would have to be cleared first.
	if more, err := p.separator(true, '}'); err != nil || !more {
		p.depth--
		return err
	}
	names := nameSet{object: start}
	for first := true; ; first = false {
		m, at, more, err := p.member(first)
		if err != nil {
			return err
		}
		if !more {
			p.depth--
			return nil
		}
		if !p.limits.Shallow && !names.add(p, m.Name, at) {
			return errDuplicate(m.Name)
		}
	}
}

func (p *parser) array() (length uint32, texts bool, err error) {
	if p.depth++; p.depth > p.limits.Depth {
		return 0, false, errDepth(p.limits.Depth)
	}
	p.pos++
	texts = true
	for first := true; ; first = false {
		v, more, err := p.element(first)
		if err != nil {
			return 0, false, err
		}
		if !more {
			p.depth--
			return length, texts, nil
		}
		length++
		texts = texts && v.kind == KindString
	}
}

func (p *parser) number() (Value, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	if p.peek() == '0' {
		p.pos++ // and no further digit
	} else if !p.digits() {
		return Value{}, errJSON
	}
	if p.peek() == '.' {
		p.pos++
		if !p.digits() {
			return Value{}, errJSON
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return Value{}, errJSON
		}
	}
	return Value{raw: p.s[start:p.pos], kind: KindNumber}, nil
}

func (p *parser) digits() bool {
	start, i := p.pos, p.pos
	for i < len(p.s) && '0' <= p.s[i] && p.s[i] <= '9' {
		i++
	}
	p.pos = i
	return i > start
}

func (p *parser) string() (Value, error) {
	start := p.pos
	if p.peek() != '"' {
		return Value{}, errJSON
	}
	escaped := false
	s := p.s // a local variable stays in a register
	for i := start + 1; i < len(s); i++ {
		c := s[i]
		if ordinary[c] {
			continue
		}
		switch c {
		case '"':
			p.pos = i + 1
			return Value{raw: s[start : i+1], kind: KindString, escaped: escaped}, nil
		case '\\':
			n, err := escape(s[i:])
			if err != nil {
				return Value{}, err
			}
			i += n - 1
			escaped = true
		default:
			return Value{}, errString // a control character
		}
	}
	return Value{}, errString
}

// ordinary are the bytes that stand for themselves in a string (RFC 8259, Section 7).
var ordinary = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// escape returns the length of the escape that s begins with: two bytes, or six, or the twelve of a surrogate pair.
func escape(s string) (int, error) {
	if len(s) < 2 {
		return 0, errString
	}
	if s[1] != 'u' {
		if unescaped[s[1]] == 0 {
			return 0, errString
		}
		return 2, nil
	}
	r, ok := hex4(s)
	if !ok {
		return 0, errString
	}
	if !utf16.IsSurrogate(r) {
		return 6, nil
	}
	low, ok := hex4(s[6:])
	if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return 0, errSurrogate
	}
	return 12, nil
}

// hex4 reads the rune of the \uXXXX that s begins with.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape resolves the escapes of s, which are known to be well-formed.
func unescape(s string) string {
	var b strings.Builder
	b.Grow(len(s)) // no escape stands for something longer
	for start, i := 0, 0; ; {
		for i < len(s) && s[i] != '\\' {
			i++
		}
		b.WriteString(s[start:i])
		if i == len(s) {
			return b.String()
		}
		r, n := unescapeOne(s[i:])
		if r < utf8.RuneSelf {
			b.WriteByte(byte(r))
		} else {
			b.WriteRune(r)
		}
		i += n
		start = i
	}
}

// unescapeOne returns the rune and the length of the escape that s begins with.
func unescapeOne(s string) (rune, int) {
	if s[1] != 'u' {
		return rune(unescaped[s[1]]), 2
	}
	r, _ := hex4(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, _ := hex4(s[6:])
	return utf16.DecodeRune(r, low), 12
}

// equalUnescaped reports whether s, whose escapes are known to be well-formed,
// is text once they are resolved.
func equalUnescaped(s, text string) bool {
	var few [utf8.UTFMax]byte
	for s != "" {
		if s[0] != '\\' {
			if text == "" || s[0] != text[0] {
				return false
			}
			s, text = s[1:], text[1:]
			continue
		}
		r, n := unescapeOne(s)
		encoded := utf8.AppendRune(few[:0], r)
		if len(text) < len(encoded) || text[:len(encoded)] != string(encoded) {
			return false
		}
		s, text = s[n:], text[len(encoded):]
	}
	return text == ""
}

// unescaped are the characters that two-byte escapes stand for (RFC 8259,
// Section 7). Every other is 0.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// A nameSet holds the names of one object. Most objects are small: comparing
// beats hashing, until it doesn't. Then the names go to the nameTable of the
// parser, which all objects share.
type nameSet struct {
	object int // where the object stands
	n      int
	few    [24]string
	at     [24]uint32
}

// add reports whether name, which stands at this place, was new.
func (s *nameSet) add(p *parser, name string, at int) bool {
	if s.n > len(s.few) {
		return p.names.add(p.s, name, at, s.object)
	}
	for i := range s.n {
		if s.few[i] == name {
			return false
		}
	}
	if s.n < len(s.few) {
		s.few[s.n], s.at[s.n] = name, uint32(at)
		s.n++
		return true
	}
	s.n++ // now it is in the table
	for i, name := range s.few {
		p.names.add(p.s, name, int(s.at[i]), s.object)
	}
	return p.names.add(p.s, name, at, s.object)
}

// A nameTable holds the names of large objects, in open addressing by a keyed
// hash. It has places in the text instead of names, so that 24 KiB are enough
// for all members that [TokenLimits] lets a token have.
type nameTable struct {
	seed  maphash.Seed
	slots []namePlace // a power of two, at least half of them free
	n     int
}

// A namePlace is where a name and its object stand, each plus 1. The zero
// namePlace is a free slot.
type namePlace struct{ name, object uint32 }

// add reports whether name, which stands at this place of text, is the first of
// its kind in its object.
func (t *nameTable) add(text, name string, at, object int) bool {
	if 2*t.n >= len(t.slots) {
		t.grow(text)
	}
	place := namePlace{uint32(at) + 1, uint32(object) + 1}
	slot := t.find(text, name, place)
	if *slot != (namePlace{}) {
		return false
	}
	*slot = place
	t.n++
	return true
}

// find returns the slot of this name in this object, or a free one.
func (t *nameTable) find(text, name string, place namePlace) *namePlace {
	mask := uint64(len(t.slots) - 1)
	// Names that repeat in many objects must not come together.
	hash := maphash.String(t.seed, name) + uint64(place.object)*0x9e3779b97f4a7c15
	for i := hash >> 32; ; i++ {
		slot := &t.slots[i&mask]
		if *slot == (namePlace{}) || slot.object == place.object && nameAt(text, *slot).Is(name) {
			return slot
		}
	}
}

func (t *nameTable) grow(text string) {
	before := t.slots
	if before == nil {
		t.seed = maphash.MakeSeed()
	}
	t.slots = make([]namePlace, max(4*len(before), 128))
	for _, place := range before {
		if place != (namePlace{}) {
			name, _ := nameAt(text, place).Text()
			*t.find(text, name, place) = place
		}
	}
}

// nameAt reads the name at a place once more.
func nameAt(text string, place namePlace) Value {
	p := parser{s: text, pos: int(place.name) - 1}
	name, _ := p.string()
	return name
}
