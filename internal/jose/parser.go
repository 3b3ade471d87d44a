package jose

import (
	"hash/maphash"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A parser reads JSON by RFC 8259 and keeps only its position and its limits.
// It reads everything that a stranger can send, so its loops are short. The
// shortest elements and members cost least.
type parser struct {
	s       string
	pos     int
	limits  Limits
	members int // how many there were, see escapedName
	depth   int // of how many levels
	names   nameTable

	unescaped strings.Builder // names

	// These are of the value that was read last.
	is     trait
	length uint32
}

// peek returns the next byte, or 0 at the end. Outside of an error, no JSON
// text has a 0.
func (p *parser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for p.pos < len(p.s) && isSpace[p.s[p.pos]] {
		p.pos++
	}
}

// isSpace has the white space of RFC 8259, Section 2.
var isSpace = [256]bool{' ': true, '\t': true, '\n': true, '\r': true}

// separator moves to the next item of an array or object. It reports false at
// the end, past the closing byte.
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

// string reads the current string.
func (p *parser) string() (Value, error) {
	start := p.pos
	p.is, p.length = 0, 0
	if err := p.passString(); err != nil {
		return Value{}, err
	}
	return Value{p.s[start:p.pos], KindString, p.is, 0}, nil
}

// number reads the current number.
func (p *parser) number() (Value, error) {
	start := p.pos
	if err := p.passNumber(); err != nil {
		return Value{}, err
	}
	return Value{raw: p.s[start:p.pos], kind: KindNumber}, nil
}

// name reads the name of a member, moves to its value, and also returns the
// position of the name. It reports false at the end of the object, past its
// brace.
func (p *parser) name(first bool) (name string, at int, more bool, err error) {
	s, i := p.s, p.pos
	for i < len(s) && isSpace[s[i]] {
		i++
	}
	if i < len(s) && s[i] == '}' {
		p.pos = i + 1
		return "", 0, false, nil
	}
	if !first {
		if i == len(s) || s[i] != ',' {
			return "", 0, false, errJSON
		}
		for i++; i < len(s) && isSpace[s[i]]; {
			i++
		}
	}
	if p.members++; p.members > p.limits.Members {
		return "", 0, false, &MembersError{p.limits.Members}
	}

	at = i
	if i == len(s) || s[i] != '"' {
		return "", 0, false, errJSON
	}
	for i++; i < len(s) && ordinary[s[i]]; {
		i++
	}
	if i < len(s) && s[i] == '"' {
		name = s[at+1 : i]
		i++
	} else {
		if p.members += escapedName - 1; p.members > p.limits.Members {
			return "", 0, false, &MembersError{p.limits.Members}
		}
		p.pos = at
		if err := p.passString(); err != nil {
			return "", 0, false, err
		}
		i = p.pos
		name = p.unescapeName(s[at+1 : i-1])
	}

	for i < len(s) && isSpace[s[i]] {
		i++
	}
	if i == len(s) || s[i] != ':' {
		return "", 0, false, errJSON
	}
	for i++; i < len(s) && isSpace[s[i]]; {
		i++
	}
	p.pos = i
	return name, at, true, nil
}

// escapedName is the count of a member with an escape in its name, in
// proportion to the work. Issuers have few of them, such as "https:\/\/…".
const escapedName = 4

// unescapeName resolves the escapes of a name. All names share one buffer, so
// that a thousand names don't cause a thousand allocations.
func (p *parser) unescapeName(s string) string {
	start := p.unescaped.Len()
	unescape(&p.unescaped, s)
	return p.unescaped.String()[start:]
}

func (p *parser) value() (Value, error) {
	start := p.pos
	kind, err := p.skip()
	return Value{p.s[start:p.pos], kind, p.is, p.length}, err
}

// skip moves past a value.
func (p *parser) skip() (Kind, error) {
	p.is, p.length = 0, 0
	switch c := p.peek(); {
	case c == '"':
		return KindString, p.passString()
	case c == '-' || '0' <= c && c <= '9':
		return KindNumber, p.passNumber()
	case c == '{':
		return KindObject, p.object()
	case c == '[':
		return KindArray, p.array()
	case c == 't':
		return KindBool, p.word("true")
	case c == 'f':
		return KindBool, p.word("false")
	case c == 'n':
		return KindNull, p.word("null")
	}
	return KindNone, errJSON
}

func (p *parser) word(word string) error {
	if !strings.HasPrefix(p.s[p.pos:], word) {
		return errJSON
	}
	p.pos += len(word)
	return nil
}

func (p *parser) object() error {
	if p.depth++; p.depth > p.limits.Depth {
		return errDepth(p.limits.Depth)
	}
	var few [12]placedName
	var names nameSet
	if p.names.slots != nil && p.names.objects < maxObjects {
		// There are many names already.
		names.n, names.object = len(few)+1, p.names.begin(0, 0)
	}
	p.pos++
	for first := true; ; first = false {
		name, at, more, err := p.name(first)
		if err != nil {
			return err
		}
		if !more {
			p.depth--
			return nil
		}
		if !p.limits.Shallow && !names.add(p, few[:], name, at) {
			return errDuplicate(name)
		}
		if _, err := p.skip(); err != nil {
			return err
		}
	}
}

// array moves past an array and all arrays in it, in one loop.
func (p *parser) array() error {
	s, i := p.s, p.pos+1
	level := p.depth + 1 // of the innermost array
	if level > p.limits.Depth {
		return errDepth(p.limits.Depth)
	}
	first := true // whether nothing stands in the innermost array before i
	is, length := texts, uint32(0)
	for {
		for i < len(s) && isSpace[s[i]] {
			i++
		}
		if i == len(s) {
			return errJSON
		}
		c := s[i]
		isEnd := c == ']' && first
		if level == p.depth+1 && !isEnd {
			length++
			if c != '"' {
				is = 0
			}
		}
		switch {
		case isEnd:
		case c == '[':
			if level++; level > p.limits.Depth {
				return errDepth(p.limits.Depth)
			}
			i++
			first = true
			continue
		case '1' <= c && c <= '9' && i+1 < len(s) && (s[i+1] == ',' || s[i+1] == ']'):
			i++ // the shortest number
		case c == '"' && i+1 < len(s) && s[i+1] == '"':
			i += 2 // the shortest string
		case c == '{' && i+1 < len(s) && s[i+1] == '}' && level < p.limits.Depth:
			i += 2 // the shortest object
		default:
			outside := p.depth
			p.pos, p.depth = i, level
			_, err := p.skip()
			p.depth = outside
			if err != nil {
				return err
			}
			i = p.pos
		}

		// The text after a value ends arrays, or begins the next value.
		for first = false; ; i++ {
			for i < len(s) && isSpace[s[i]] {
				i++
			}
			if i < len(s) && s[i] == ']' {
				if level--; level == p.depth {
					p.pos, p.is, p.length = i+1, is, length
					return nil
				}
				continue
			}
			if i == len(s) || s[i] != ',' {
				return errJSON
			}
			i++
			break
		}
	}
}

func (p *parser) passNumber() error {
	s, i := p.s, p.pos
	if i < len(s) && s[i] == '-' {
		i++
	}
	switch end := digits(s, i); {
	case end == i:
		return errJSON
	case s[i] == '0':
		i++ // and no further digit
	default:
		i = end
	}
	if i < len(s) && s[i] == '.' {
		end := digits(s, i+1)
		if end == i+1 {
			return errJSON
		}
		i = end
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		end := digits(s, i)
		if end == i {
			return errJSON
		}
		i = end
	}
	p.pos = i
	return nil
}

// digits returns the end of the digits at i, if there are any.
func digits(s string, i int) int {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

func (p *parser) passString() error {
	if p.peek() != '"' {
		return errJSON
	}
	s, i := p.s, p.pos+1 // local variables stay in registers
	for {
		for i < len(s) && ordinary[s[i]] {
			i++
		}
		switch {
		case i == len(s):
			return errString
		case s[i] == '"':
			p.pos = i + 1
			return nil
		case s[i] != '\\':
			return errString // a control character
		case i+1 < len(s) && unescaped[s[i+1]] != 0:
			i += 2
		default:
			n, err := escape(s[i:])
			if err != nil {
				return err
			}
			i += n
		}
		p.is = escaped
	}
}

// ordinary are the bytes that need no escape in a string (RFC 8259, Section 7).
var ordinary = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// escape returns the length of the escape at the beginning of s: two bytes,
// six, or the twelve of a surrogate pair.
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

// hex4 reads the rune of the \uXXXX at the beginning of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	r := hexDigits[s[2]]<<12 | hexDigits[s[3]]<<8 | hexDigits[s[4]]<<4 | hexDigits[s[5]]
	return r, r >= 0
}

// hexDigits are the values of hexadecimal digits. All other bytes have negative
// values.
var hexDigits = func() (table [256]rune) {
	for c := range table {
		table[c] = -1
	}
	for value, c := range []byte("0123456789abcdef") {
		table[c] = rune(value)
	}
	for value, c := range []byte("ABCDEF") {
		table[c] = rune(10 + value)
	}
	return table
}()

// unescapedText returns s without its escapes, which are known to be
// well-formed.
func unescapedText(s string) string {
	var b strings.Builder
	b.Grow(len(s)) // no escape stands for something longer
	unescape(&b, s)
	return b.String()
}

// unescape appends s to b without its escapes, which are known to be
// well-formed.
func unescape(b *strings.Builder, s string) {
	var chunk [128]byte
	for s != "" {
		n, length := unescapeInto(chunk[:], s)
		b.Write(chunk[:n])
		s = s[length:]
	}
}

// unescapeInto writes as much of s to dst as fits. It returns how many bytes it
// has written, and how many of s they stand for.
func unescapeInto(dst []byte, s string) (n, length int) {
	i := 0
	for i < len(s) && n <= len(dst)-utf8.UTFMax {
		switch {
		case s[i] != '\\':
			dst[n] = s[i]
			n++
			i++
		case s[i+1] != 'u':
			dst[n] = unescaped[s[i+1]]
			n++
			i += 2
		default:
			r, length := unescapeOne(s[i:])
			n += utf8.EncodeRune(dst[n:], r)
			i += length
		}
	}
	return n, i
}

// unescapeOne returns the rune and the length of the escape at the beginning of
// s.
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

// equalUnescaped reports whether s without its escapes, which are known to be
// well-formed, is text.
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

// unescaped are the characters of the two-byte escapes (RFC 8259, Section 7).
// All other bytes have 0.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// A nameSet holds the names of one object. Most objects are small, and
// comparing their names is faster than hashing. The names of larger ones go to
// the nameTable of the parser, which all objects share.
type nameSet struct {
	n      int
	object uint16 // in the table
}

type placedName struct {
	name string
	at   int
}

// add reports whether name, at this position, was new. The first names are in
// few, which the caller can keep on the stack.
func (s *nameSet) add(p *parser, few []placedName, name string, at int) bool {
	if s.n > len(few) {
		return p.names.add(p.s, name, at, s.object)
	}
	for i := range few[:s.n] {
		if few[i].name == name {
			return false
		}
	}
	s.n++
	if s.n <= len(few) {
		few[s.n-1] = placedName{name, at}
		return true
	}
	s.object = p.names.begin(len(p.s)-at, p.limits.Members-p.members)
	for _, placed := range few {
		p.names.add(p.s, placed.name, placed.at, s.object)
	}
	return p.names.add(p.s, name, at, s.object)
}

// A nameTable holds the names of large objects, in open addressing by a keyed
// hash. It has positions in the text instead of names, so that 16 KiB suffice
// for all members that [TokenLimits] allows.
type nameTable struct {
	seed    maphash.Seed
	slots   []namePlace // a power of two, at least half of them free
	n       int
	objects uint16
}

// A namePlace is the position of a name plus 1, the number of its object, and a
// part of their hash. The zero namePlace is a free slot.
type namePlace struct {
	at          uint32
	object, tag uint16
}

// begin returns the number of a new object, of which so many bytes are left and
// as many members at most.
func (t *nameTable) begin(left, members int) (object uint16) {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
		few := len("\"\":0,")
		t.slots = make([]namePlace, slotsFor(min(left/few, members)))
	}
	t.objects++
	return t.objects
}

// slotsFor returns how many slots this many more names need at first.
func slotsFor(names int) int {
	const least, most = 1 << 7, 1 << 11
	slots := least
	for slots < 2*(names+32) && slots < most {
		slots *= 2
	}
	return slots
}

// add reports whether name, at this position of text, is the first of its kind
// in its object.
func (t *nameTable) add(text, name string, at int, object uint16) bool {
	if 2*t.n >= len(t.slots) {
		t.grow(text)
	}
	t.n++
	hash := t.hash(name, object)
	place := namePlace{uint32(at) + 1, object, uint16(hash)}
	for i := hash >> 16; ; i++ {
		slot := &t.slots[i&uint64(len(t.slots)-1)]
		switch {
		case slot.at == 0:
			*slot = place
			return true
		case slot.object == object && slot.tag == place.tag && nameAt(text, *slot).Is(name):
			return false
		}
	}
}

// hash spreads names that repeat in many objects.
func (t *nameTable) hash(name string, object uint16) uint64 {
	return maphash.String(t.seed, name) + uint64(object)*0x9e3779b97f4a7c15
}

func (t *nameTable) grow(text string) {
	before := t.slots
	t.slots = make([]namePlace, 4*len(before))
	for _, place := range before {
		if place.at == 0 {
			continue
		}
		name, _ := nameAt(text, place).Text()
		i := t.hash(name, place.object) >> 16 & uint64(len(t.slots)-1)
		for t.slots[i].at != 0 {
			i = (i + 1) & uint64(len(t.slots)-1)
		}
		t.slots[i] = place
	}
}

// maxObjects leaves enough numbers for the objects that need them.
const maxObjects = math.MaxUint16 / 2

// nameAt reads the name at a position again.
func nameAt(text string, place namePlace) Value {
	p := parser{s: text, pos: int(place.at) - 1}
	v, _ := p.value()
	return v
}
