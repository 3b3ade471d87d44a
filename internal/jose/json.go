package jose

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// SyntaxError says why something is not a strict token or not strict JSON. Its text is for logs and holds no
// part of what was read.
type SyntaxError struct{ msg string }

func (e *SyntaxError) Error() string { return e.msg }

// Limits bound what [ParseObject] reads. The object itself is at depth 1; members are counted over all depths.
type Limits struct {
	Depth, Members int

	// Shallow leaves duplicate members below the object to whoever parses those values, so that one bad element
	// of an array can be told from a bad document.
	Shallow bool
}

var (
	// TokenLimits are for headers and claims.
	TokenLimits = Limits{Depth: 32, Members: 1024}
	// DocumentLimits are for key sets and metadata, whose size is limited where they are fetched.
	DocumentLimits = Limits{Depth: 32, Members: 1 << 20}
)

// A Kind is one of JSON's kinds of value.
type Kind byte

// The kinds. The zero Value, of a member that isn't there, is of none of them.
const (
	KindNone Kind = iota
	KindNull
	KindBool
	KindNumber
	KindString
	KindArray
	KindObject
)

// A Member of an object: its name, unescaped, and its value.
type Member struct {
	Name  string
	Value Value
}

// A Value is JSON text that was checked already. Its strings share memory with the text that was parsed.
type Value struct {
	raw     string
	kind    Kind
	escaped bool // a string with at least one escape
}

// ParseObject appends the members of the JSON object that s is to dst, in their order. Nothing but white space may
// stand around the object; s must be valid UTF-8, without lone surrogates, and no object at any depth may have
// two members of one name. Its error is a [*SyntaxError].
func ParseObject(dst []Member, s string, limits Limits) ([]Member, error) {
	if !utf8.ValidString(s) {
		return nil, errUTF8
	}
	p := parser{s: s, members: limits.Members, depth: limits.Depth, shallow: limits.Shallow}
	p.space()
	if p.peek() != '{' {
		return nil, errNotObject
	}
	p.pos++
	p.depth--
	var names nameSet
	for first := true; ; first = false {
		m, more, err := p.member(first)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		if !names.add(m.Name) {
			return nil, errDuplicate
		}
		dst = append(dst, m)
	}
	p.space()
	if p.pos != len(s) {
		return nil, errTrailing
	}
	return dst, nil
}

// Lookup finds the member with exactly this name.
func Lookup(members []Member, name string) (Value, bool) {
	for i := range members {
		if members[i].Name == name {
			return members[i].Value, true
		}
	}
	return Value{}, false
}

// Kind is the value's kind, or KindNone for the zero Value.
func (v Value) Kind() Kind { return v.kind }

// Raw is the value's JSON text, without white space around it.
func (v Value) Raw() string { return v.raw }

// Text returns the value of a JSON string.
func (v Value) Text() (string, bool) {
	if v.kind != KindString {
		return "", false
	}
	inner := v.raw[1 : len(v.raw)-1]
	if v.escaped {
		return unescape(inner), true
	}
	return inner, true
}

// Bool returns the value of true or false.
func (v Value) Bool() (value, ok bool) { return v.raw == "true", v.kind == KindBool }

// AppendTexts appends the elements of an array to dst, if all of them are strings.
func (v Value) AppendTexts(dst []string) ([]string, bool) {
	if v.kind != KindArray {
		return dst, false
	}
	p := parser{s: v.raw, pos: 1, depth: 1}
	for first := true; ; first = false {
		element, more, err := p.element(first)
		if err != nil {
			return dst, false // an array or object inside: not strings only
		}
		if !more {
			return dst, true
		}
		text, ok := element.Text()
		if !ok {
			return dst, false
		}
		dst = append(dst, text)
	}
}

// Elements returns the elements of an array.
func (v Value) Elements() ([]Value, bool) {
	if v.kind != KindArray {
		return nil, false
	}
	// What v holds has been within its limits.
	p := parser{s: v.raw, pos: 1, depth: math.MaxInt, members: math.MaxInt, shallow: true}
	var elements []Value
	for first := true; ; first = false {
		element, more, err := p.element(first)
		if err != nil {
			return nil, false
		}
		if !more {
			return elements, true
		}
		elements = append(elements, element)
	}
}

// maxDate is the last second of the year 9999. A date in milliseconds is far beyond it.
const maxDate = 253402300799

// Time returns the time that a NumericDate stands for (RFC 7519, Section 2): a JSON number, which may have a
// fraction or an exponent. A number more than maxDate seconds from 1970 is none.
func (v Value) Time() (time.Time, bool) {
	if v.kind != KindNumber {
		return time.Time{}, false
	}
	if seconds, err := strconv.ParseInt(v.raw, 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC(), -maxDate <= seconds && seconds <= maxDate
	}
	f, err := strconv.ParseFloat(v.raw, 64)
	if err != nil || !(-maxDate <= f && f <= maxDate) {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC(), true
}
