package jose

import (
	"iter"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits bound what [ParseObject] reads. The object itself has depth 1. Members
// are counted over all depths, and those with an escape in their names four
// times.
type Limits struct {
	Depth, Members int

	// Shallow does not check for duplicate members below the object. It is for
	// text that was checked before.
	Shallow bool
}

var (
	// TokenLimits are for headers, and for the claims of tokens of 16 KiB.
	TokenLimits = Limits{Depth: 32, Members: 1024}
	// ReadBefore is for text that was read within its limits before.
	ReadBefore = Limits{Depth: math.MaxInt, Members: math.MaxInt}
	// DocumentLimits are for metadata, whose size is limited when it is fetched.
	DocumentLimits = Limits{Depth: 32, Members: 1 << 18}
)

// ClaimsLimits are the limits for the claims of tokens of maxSize bytes. The
// number of members grows with maxSize, so that the cost of a token grows with
// its size alone.
func ClaimsLimits(maxSize int) Limits {
	return Limits{TokenLimits.Depth, max(TokenLimits.Members, maxSize/16), false}
}

// A Kind is one of JSON's kinds of value.
type Kind byte

// The kinds. The zero Value, of a missing member, has none of them.
const (
	KindNone Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// String returns the kind with its article, for a text.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "null"
	case KindBool:
		return "a boolean"
	case KindNumber:
		return "a number"
	case KindString:
		return "a string"
	case KindArray:
		return "an array"
	case KindObject:
		return "an object"
	}
	return "missing"
}

// A Member of an object: its name, unescaped, and its value.
type Member struct {
	Name  string
	Value Value
}

// A Value is JSON text that was checked. Its strings share memory with the text
// that was parsed.
type Value struct {
	raw    string
	kind   Kind
	is     trait
	length uint32 // of an array, in elements
}

// A trait is another property of a Value. A Value has four fields, so that the
// compiler can keep them in registers.
type trait byte

const (
	escaped trait = 1 << iota // a string with at least one escape
	texts                     // an array of strings alone
)

// ParseObject appends the members of the JSON object s to dst, in their order,
// by the rules of [Object]. The error is a [*SyntaxError].
func ParseObject(dst []Member, s string, limits Limits) ([]Member, error) {
	var o Object
	o.Open(s, limits)
	for o.Next() {
		dst = append(dst, o.Member)
	}
	if o.err != nil {
		return nil, o.err
	}
	return dst, nil
}

// An Object reads the members of a JSON object one by one, so that members that
// are ignored need no memory. Only white space may stand around the object. It
// must be valid UTF-8, without lone surrogates, and no object at any depth may
// have two members of one name.
//
//	var o jose.Object
//	o.Open(text, jose.TokenLimits)
//	for o.Next() {
//		// Look at o.Member.
//	}
//	if err := o.Err(); err != nil {
//		// Forget what was read.
//	}
type Object struct {
	Member Member // what Next has read

	parser parser
	names  nameSet
	few    [24]placedName
	first  bool
	err    error
}

// Open begins to read the object s.
func (o *Object) Open(s string, limits Limits) {
	p := &o.parser
	*p = parser{s: s, limits: limits, depth: 1}
	p.space()
	o.first = true
	switch {
	case !utf8.ValidString(s):
		o.err = errUTF8
	case p.peek() != '{':
		o.err = errNotObject
	}
	p.pos++
}

// Next reads the next member. It returns false at the end of the object and
// after an error.
func (o *Object) Next() bool {
	if o.err != nil {
		return false
	}
	p := &o.parser
	name, at, more, err := p.name(o.first)
	o.first = false
	switch {
	case err != nil:
		o.err = err
	case !more:
		p.space()
		if p.pos != len(p.s) {
			o.err = errTrailing
		}
	case !o.names.add(p, o.few[:], name, at):
		o.err = errDuplicate(name)
	default:
		o.Member.Name = name
		o.Member.Value, o.err = p.value()
		return o.err == nil
	}
	return false
}

// Err returns why the text is not such an object, as a [*SyntaxError]. It is
// known once Next has returned false.
func (o *Object) Err() error { return o.err }

// Members returns the number of members that Next has read so far, over all
// depths.
func (o *Object) Members() int { return o.parser.members }

// Lookup finds the member with exactly this name.
func Lookup(members []Member, name string) (Value, bool) {
	for i := range members {
		if members[i].Name == name {
			return members[i].Value, true
		}
	}
	return Value{}, false
}

// Kind returns the value's kind, or KindNone for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// Raw returns the value's JSON text, without white space around it.
func (v Value) Raw() string { return v.raw }

// Text returns the value of a JSON string.
func (v Value) Text() (string, bool) {
	if v.kind != KindString {
		return "", false
	}
	inner := v.raw[1 : len(v.raw)-1]
	if v.is&escaped != 0 {
		return unescapedText(inner), true
	}
	return inner, true
}

// Bool returns the value of true or false.
func (v Value) Bool() (value, ok bool) { return v.raw == "true", v.kind == KindBool }

// HasText reports whether v is one of these strings, or an array of strings
// alone with one of them. It allocates nothing.
func (v Value) HasText(wanted []string) bool {
	if v.kind == KindString {
		return slices.ContainsFunc(wanted, v.Is)
	}
	if v.is&texts == 0 || len(wanted) == 0 {
		return false
	}
	shortest, longest := len(wanted[0]), 0
	for _, text := range wanted {
		shortest, longest = min(shortest, len(text)), max(longest, len(text))
	}
	s := v.raw
	for i := 1; ; {
		for i < len(s) && s[i] != '"' {
			i++
		}
		if i == len(s) {
			return false
		}
		p := parser{s: s, pos: i}
		_ = p.passString() // it was checked
		// Most strings differ in length. An escape is longer than what it
		// stands for, by a factor of up to six.
		switch element := s[i+1 : p.pos-1]; {
		case len(element) < shortest || len(element) > len(`\u0000`)*longest:
		case p.is&escaped == 0:
			if slices.Contains(wanted, element) {
				return true
			}
		case hasUnescaped(wanted, element):
			return true
		}
		i = p.pos
	}
}

// hasUnescaped reports whether s without its escapes, which are known to be
// well-formed, is one of texts.
func hasUnescaped(texts []string, s string) bool {
	var few [512]byte
	n, length := unescapeInto(few[:], s)
	if length < len(s) {
		return slices.Contains(texts, unescapedText(s))
	}
	for _, text := range texts {
		if string(few[:n]) == text {
			return true
		}
	}
	return false
}

// Is reports whether v is the JSON string text. It allocates nothing.
func (v Value) Is(text string) bool {
	if v.kind != KindString {
		return false
	}
	inner := v.raw[1 : len(v.raw)-1]
	if v.is&escaped == 0 {
		return inner == text
	}
	return equalUnescaped(inner, text)
}

// Len returns the number of elements of an array.
func (v Value) Len() int { return int(v.length) }

// IsTexts reports whether v is an array of strings alone.
func (v Value) IsTexts() bool { return v.is&texts != 0 }

// AppendTexts appends the elements of an array to dst, if all of them are
// strings.
func (v Value) AppendTexts(dst []string) ([]string, bool) {
	if v.is&texts == 0 {
		return dst, false
	}
	for element := range v.All() {
		text, _ := element.Text()
		dst = append(dst, text)
	}
	return dst, true
}

// All returns the elements of an array. There are none in any other value.
func (v Value) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind != KindArray {
			return
		}
		// The elements of v were within its limits.
		p := parser{s: v.raw, pos: 1, limits: Limits{math.MaxInt, math.MaxInt, true}}
		for first := true; ; first = false {
			if more, err := p.separator(first, ']'); err != nil || !more {
				return
			}
			if element, err := p.value(); err != nil || !yield(element) {
				return
			}
		}
	}
}

// Elements returns the elements of an array.
func (v Value) Elements() ([]Value, bool) {
	if v.kind != KindArray {
		return nil, false
	}
	elements := make([]Value, 0, v.length)
	for element := range v.All() {
		elements = append(elements, element)
	}
	return elements, true
}

// maxDate is the last second of the year 9999. A date in milliseconds exceeds
// it.
const maxDate = 253402300799

// Time returns the time of a NumericDate (RFC 7519, Section 2), a JSON number
// that may have a fraction or an exponent. It is cut to nanoseconds. Time
// reports false for a number more than maxDate seconds from 1970.
func (v Value) Time() (time.Time, bool) {
	if v.kind != KindNumber {
		return time.Time{}, false
	}
	seconds, nanoseconds, ok := decimal(v.raw)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(seconds, nanoseconds).UTC(), true
}

// decimal reads a JSON number in one pass, and reports false if it is out of
// range. The cost of strconv.ParseFloat grows with the number of digits times
// the exponent, both of which a stranger chooses.
func decimal(number string) (seconds, nanoseconds int64, ok bool) {
	digits, negative := strings.CutPrefix(number, "-")
	exponent := 0
	for i := range len(digits) {
		if digits[i]|0x20 == 'e' {
			digits, exponent = digits[:i], exponentOf(digits[i+1:])
			break
		}
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	n, point := len(whole)+len(fraction), len(whole)+exponent
	digit := func(i int) int64 {
		switch {
		case i < 0 || i >= n:
			return 0
		case i < len(whole):
			return int64(whole[i] - '0')
		}
		return int64(fraction[i-len(whole)] - '0')
	}

	for i := range point {
		if i >= n && seconds == 0 {
			break // however many zeros there are
		}
		if seconds = 10*seconds + digit(i); seconds > maxDate {
			return 0, 0, false
		}
	}
	for i := range 9 {
		nanoseconds = 10*nanoseconds + digit(point+i)
	}
	if seconds == maxDate && nanoseconds > 0 {
		return 0, 0, false
	}
	if negative {
		return -seconds, -nanoseconds, true
	}
	return seconds, nanoseconds, true
}

// exponentOf reads the text after the e of a JSON number. Numbers are so short
// that an exponent beyond maxExponent makes no difference.
func exponentOf(s string) int {
	s, negative := strings.CutPrefix(strings.TrimPrefix(s, "+"), "-")
	n := 0
	for i := range len(s) {
		n = min(10*n+int(s[i]-'0'), maxExponent)
	}
	if negative {
		return -n
	}
	return n
}

const maxExponent = 1 << 30
