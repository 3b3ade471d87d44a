package jose

// A looseParser finds where the parts of a JSON text begin and end. It checks
// the grammar of RFC 8259, and no more: strings may have half a surrogate pair
// or bytes that are not UTF-8, names may repeat, and values may be nested to any
// depth. It is for a text whose parts are read strictly one by one, so that an
// odd part does not affect the others. It takes time and memory in proportion
// to the text, since it does not recurse and keeps no names.
type looseParser struct {
	parser
	open []byte // the closing bytes of the arrays and objects that are open
}

// looseMembers calls f for each member of the JSON object s, with the text of
// its name and of its value.
func looseMembers(s string, f func(name, value string)) error {
	p := looseParser{parser: parser{s: s}}
	p.space()
	if p.peek() != '{' {
		return errNotObject
	}
	p.pos++
	for first := true; ; first = false {
		more, err := p.separator(first, '}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		start := p.pos
		end, err := p.passLooseName()
		if err != nil {
			return err
		}
		name, start := s[start:end], p.pos
		if err := p.passLooseValue(); err != nil {
			return err
		}
		f(name, s[start:p.pos])
	}
	p.space()
	if p.pos != len(s) {
		return errTrailing
	}
	return nil
}

// looseElements calls f for the text of each element of the JSON array s, which
// looseMembers has found.
func looseElements(s string, f func(element string)) {
	p := looseParser{parser: parser{s: s, pos: 1}}
	for first := true; ; first = false {
		if more, err := p.separator(first, ']'); err != nil || !more {
			return
		}
		start := p.pos
		if p.passLooseValue() != nil {
			return
		}
		f(s[start:p.pos])
	}
}

// looseName reports whether the text of a name stands for name, which no escape
// makes longer than six times its length.
func looseName(text, name string) bool {
	if len(text) > len(`""`)+len(`\u0000`)*len(name) {
		return false
	}
	p := parser{s: text}
	v, err := p.string()
	return err == nil && v.Is(name)
}

// looseKind returns the kind of the value with this text.
func looseKind(text string) Kind {
	if text == "" {
		return KindNone
	}
	switch text[0] {
	case '{':
		return KindObject
	case '[':
		return KindArray
	case '"':
		return KindString
	case 't', 'f':
		return KindBool
	case 'n':
		return KindNull
	}
	return KindNumber
}

// passLooseValue moves past a value, in one loop however deep it is.
func (p *looseParser) passLooseValue() error {
	for {
		begun, err := p.beginLooseValue()
		if err != nil {
			return err
		}
		// The text after a value ends those that it is in, or leads to the next.
		for {
			if len(p.open) == 0 {
				return nil
			}
			closing := p.open[len(p.open)-1]
			more, err := p.separator(begun, closing)
			if err != nil {
				return err
			}
			if more {
				if closing == '}' {
					if _, err := p.passLooseName(); err != nil {
						return err
					}
				}
				break
			}
			p.open = p.open[:len(p.open)-1]
			begun = false
		}
	}
}

// beginLooseValue moves past a value that has no parts. Of an array or an
// object it moves past the first byte, and reports that it has begun.
func (p *looseParser) beginLooseValue() (begun bool, err error) {
	switch c := p.peek(); c {
	case '{', '[':
		p.open = append(p.open, c+2) // the closing byte
		p.pos++
		return true, nil
	case '"':
		return false, p.passLooseString()
	case 't':
		return false, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return false, p.word("null")
	}
	return false, p.passNumber()
}

// passLooseName moves past the name of a member, to its value, and returns where
// the name ends.
func (p *looseParser) passLooseName() (end int, err error) {
	if err := p.passLooseString(); err != nil {
		return 0, err
	}
	end = p.pos
	p.space()
	if p.peek() != ':' {
		return 0, errJSON
	}
	p.pos++
	p.space()
	return end, nil
}

// passLooseString moves past a string, whatever its escapes stand for.
func (p *looseParser) passLooseString() error {
	if p.peek() != '"' {
		return errJSON
	}
	s, i := p.s, p.pos+1
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
			if _, ok := hex4(s[i:]); !ok {
				return errString
			}
			i += 6
		}
	}
}
