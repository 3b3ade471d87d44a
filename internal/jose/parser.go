package jose

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	errUTF8      = &SyntaxError{"JSON is not valid UTF-8"}
	errNotObject = &SyntaxError{"JSON is not an object"}
	errTrailing  = &SyntaxError{"JSON has something after the object"}
	errDuplicate = &SyntaxError{"JSON has two members of one name in an object"}
	errDepth     = &SyntaxError{"JSON is nested too deep"}
	errMembers   = &SyntaxError{"JSON has too many members"}
	errJSON      = &SyntaxError{"JSON is malformed"}
	errString    = &SyntaxError{"JSON has a malformed string"}
	errSurrogate = &SyntaxError{"JSON has half a surrogate pair"}
)

// A parser reads JSON by RFC 8259 and remembers only where it is and what it may still read.
type parser struct {
	s       string
	pos     int
	members int // how many more
	depth   int // how many levels more
	shallow bool
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

func (p *parser) member(first bool) (m Member, more bool, err error) {
	if more, err = p.separator(first, '}'); err != nil || !more {
		return Member{}, false, err
	}
	if p.members--; p.members < 0 {
		return Member{}, false, errMembers
	}
	name, err := p.string()
	if err != nil {
		return Member{}, false, err
	}
	m.Name, _ = name.Text()
	p.space()
	if p.peek() != ':' {
		return Member{}, false, errJSON
	}
	p.pos++
	p.space()
	m.Value, err = p.value()
	return m, true, err
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
		err := p.array()
		return Value{raw: p.s[start:p.pos], kind: KindArray}, err
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
	if p.depth--; p.depth < 0 {
		return errDepth
	}
	p.pos++
	var names nameSet
	for first := true; ; first = false {
		m, more, err := p.member(first)
		if err != nil {
			return err
		}
		if !more {
			p.depth++
			return nil
		}
		if !p.shallow && !names.add(m.Name) {
			return errDuplicate
		}
	}
}

func (p *parser) array() error {
	if p.depth--; p.depth < 0 {
		return errDepth
	}
	p.pos++
	for first := true; ; first = false {
		_, more, err := p.element(first)
		if err != nil {
			return err
		}
		if !more {
			p.depth++
			return nil
		}
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
		if strings.IndexByte(`"\/bfnrt`, s[1]) < 0 {
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
	b.Grow(len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		n, _ := escape(s)
		switch n {
		case 2:
			b.WriteByte(unescaped[s[1]])
		case 6:
			r, _ := hex4(s)
			b.WriteRune(r)
		case 12:
			high, _ := hex4(s)
			low, _ := hex4(s[6:])
			b.WriteRune(utf16.DecodeRune(high, low))
		}
		s = s[n:]
	}
}

var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// A nameSet holds the names of one object. Most objects are small: comparing beats hashing, until it doesn't.
type nameSet struct {
	few  [24]string
	n    int
	many map[string]struct{}
}

// add reports whether name was new.
func (s *nameSet) add(name string) bool {
	if s.many == nil {
		for i := range s.n {
			if s.few[i] == name {
				return false
			}
		}
		if s.n < len(s.few) {
			s.few[s.n] = name
			s.n++
			return true
		}
		s.many = make(map[string]struct{}, 4*len(s.few))
		for _, name := range s.few {
			s.many[name] = struct{}{}
		}
	}
	if _, ok := s.many[name]; ok {
		return false
	}
	s.many[name] = struct{}{}
	return true
}
