package jose

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"sync"
)

// Decode stores the JSON object text, which [ParseObject] has accepted, in the
// value that into points to. It differs from [json.Unmarshal] as follows:
//
//   - A name must be exactly a field's. One that json.Unmarshal would take for
//     a field's regardless of case is a [*NameError], at any depth. So is one
//     of the object itself that differs by case from a name in reserved, and
//     one that differs from another of the same object by the case of ASCII
//     letters alone, whether or not the object goes anywhere.
//   - The first error ends it.
//   - A slice is always a new one, and strings share memory with text.
//   - It takes time in proportion to the text: nothing is read twice, and what
//     goes nowhere is only skipped.
//
// A method UnmarshalJSON reads its part of the text by its own rules.
func Decode(text string, into any, reserved *Names) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(into)}
	}
	d := decoders.Get().(*decoder)
	defer d.release()
	d.parser, d.reserved = parser{s: text, limits: Limits{Members: math.MaxInt}}, reserved
	d.room = max(minRoom, len(text)/bytesToRoom)
	d.space()
	return d.value(v, shapeOf(v.Type()))
}

// decoders keeps the buffers that grow from one text to the next.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// release drops all that was decoded.
func (d *decoder) release() {
	clear(d.members)
	clear(d.values)
	clear(d.texts)
	d.seen.clear()
	if max(cap(d.members), cap(d.values), cap(d.texts), cap(d.seen.names)) > maxKept {
		return
	}
	*d = decoder{members: d.members[:0], values: d.values[:0], texts: d.texts[:0], seen: d.seen}
	decoders.Put(d)
}

// minRoom and bytesToRoom bound the objects and arrays that are stored. The
// bound is minRoom, or one for each bytesToRoom bytes of a longer text. An
// empty one takes two bytes of text and as much work as a hundred other bytes.
const (
	minRoom     = 2048
	bytesToRoom = 5
)

// The additional count of an object or array with contents that becomes a map,
// or a slice of another type than any and string.
const (
	mapRoom   = 4
	sliceRoom = 1
)

// take counts n objects or arrays.
func (d *decoder) take(n int) error {
	if d.room -= n; d.room < 0 {
		return errRoom
	}
	return nil
}

var errRoom = &SyntaxError{format: "JSON has too many objects and arrays for its size"}

// maxKept is enough for a token of the default size.
const maxKept = 1 << 13

// A decoder reads the text once.
type decoder struct {
	parser   // never fails, unless the text has not been accepted
	level    int
	reserved *Names
	seen     seenNames
	effort   int // see float

	copied []byte // the text, if a part of it is needed as bytes
	room   int    // how many more objects and arrays may be stored

	// The members read so far of objects and the elements read so far of
	// arrays, where these have no type, and of arrays of strings.
	members []anyMember
	values  []any
	texts   []string

	lists   []any      // room for short lists to come
	sized   bool       // a map was made with room for all names to come
	scratch mapScratch // of the last map
}

type anyMember struct {
	name  string
	value any
}

// value stores the current value in v, which has the type of s.
func (d *decoder) value(v reflect.Value, s *shape) error {
	c := d.peek()
	switch s.kind {
	case shapePointer:
		return d.pointer(v, s, c == 'n')
	case shapeCustom:
		return d.custom(v)
	}
	if c == 'n' {
		switch v.Kind() {
		case reflect.Map, reflect.Slice:
			v.SetZero()
		case reflect.Interface:
			return d.iface(v, true)
		default: // null leaves other values as they are
		}
		return d.skip()
	}
	switch s.kind {
	case shapeInterface:
		return d.iface(v, false)
	case shapeText:
		return d.text(v)
	case shapeNumber:
		if c == '"' || c == '-' || '0' <= c && c <= '9' {
			return d.jsonNumber(v)
		}
	case shapeStruct:
		if c == '{' {
			return d.fields(v, s)
		}
	case shapeMap:
		if c == '{' {
			return d.keys(v, s)
		}
	case shapeSlice:
		switch {
		case c == '[':
			return d.slice(v, s)
		case c == '"' && s.elem.typ.Kind() == reflect.Uint8: // in base64
			return d.bytes(v)
		}
	case shapeArray:
		if c == '[' {
			return d.array(v, s)
		}
	case shapeString:
		if c == '"' {
			text, err := d.string()
			if err != nil {
				return err
			}
			value, _ := text.Text()
			v.SetString(value)
			return nil
		}
	case shapeBool:
		if c == 't' || c == 'f' {
			v.SetBool(c == 't')
			return d.skip()
		}
	case shapeInt, shapeUint, shapeFloat:
		if c == '-' || '0' <= c && c <= '9' {
			return d.numeric(v, s)
		}
	default:
	}
	return d.wrongType(v.Type(), "")
}

func (d *decoder) pointer(v reflect.Value, s *shape, null bool) error {
	if null && v.CanSet() {
		v.SetZero()
		return d.skip()
	}
	if v.IsNil() {
		if !v.CanSet() {
			return errUnexported
		}
		v.Set(reflect.New(s.elem.typ))
	}
	return d.value(v.Elem(), s.elem)
}

// iface stores a value in an interface, or in the value that a pointer in it
// points to.
func (d *decoder) iface(v reflect.Value, null bool) error {
	if e := v.Elem(); e.Kind() == reflect.Pointer && !e.IsNil() && !pointsTo(e, v) &&
		(!null || e.Elem().Kind() == reflect.Pointer) {
		return d.value(e, shapeOf(e.Type()))
	}
	if null {
		v.SetZero()
		return d.skip()
	}
	if v.NumMethod() > 0 {
		return d.wrongType(v.Type(), "")
	}
	value, err := d.any()
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

// pointsTo reports whether e points to the interface that holds it.
func pointsTo(e, v reflect.Value) bool {
	return e.Elem().Kind() == reflect.Interface && e.Elem().Elem().IsValid() && e.Elem().Elem().Equal(v.Elem())
}

// custom passes the value to its type's UnmarshalJSON.
func (d *decoder) custom(v reflect.Value) error {
	start := d.pos
	if err := d.skip(); err != nil {
		return err
	}
	if !v.CanInterface() {
		return errUnexported
	}
	if d.copied == nil {
		d.copied = []byte(d.s) // once for all
	}
	raw := d.copied[start:d.pos:d.pos]
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes(raw) // nothing else has this part of it
		return nil
	}
	return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(raw)
}

// text passes a string to its type's UnmarshalText.
func (d *decoder) text(v reflect.Value) error {
	switch {
	case d.peek() != '"':
		return d.wrongType(v.Type(), "")
	case !v.CanInterface():
		return errUnexported
	}
	value, err := d.string()
	if err != nil {
		return err
	}
	text, _ := value.Text()
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}

// bytes stores a string in base64 in a slice of bytes.
func (d *decoder) bytes(v reflect.Value) error {
	text, err := d.string()
	if err != nil {
		return err
	}
	encoded, _ := text.Text()
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	v.SetBytes(decoded)
	return nil
}

// jsonNumber stores a number, or a string that is one, in a [json.Number].
func (d *decoder) jsonNumber(v reflect.Value) error {
	number, err := d.parser.value()
	if err != nil {
		return err
	}
	text, ok := number.Text()
	if !ok {
		text = number.raw
	} else {
		p := parser{s: text}
		if _, err := p.number(); err != nil || p.pos != len(text) {
			return errQuoted
		}
	}
	v.SetString(text)
	return nil
}

// quoted is value for a field with the tag's option "string". The text of its
// value is in a JSON string.
func (d *decoder) quoted(v reflect.Value, s *shape) error {
	switch d.peek() {
	case 'n':
		return d.value(v, s)
	case '"':
	default:
		return errQuoted
	}
	text, err := d.string()
	if err != nil {
		return err
	}
	inner := decoder{effort: d.effort}
	inner.s, _ = text.Text()
	if p := inner.parser; inner.s == "" || inner.s[0] == '{' || inner.s[0] == '[' {
		return errQuoted
	} else if _, err := p.value(); err != nil || p.pos != len(p.s) {
		return errQuoted
	}
	err = inner.value(v, s)
	d.effort = inner.effort
	return err
}

var errQuoted = errors.New("a string that does not hold a value of the type")

func (d *decoder) numeric(v reflect.Value, s *shape) error {
	number, err := d.number()
	if err != nil {
		return err
	}
	var fits bool
	switch s.kind {
	case shapeInt:
		n, err := strconv.ParseInt(number.raw, 10, 64)
		if fits = err == nil && !v.OverflowInt(n); fits {
			v.SetInt(n)
		}
	case shapeUint:
		n, err := strconv.ParseUint(number.raw, 10, 64)
		if fits = err == nil && !v.OverflowUint(n); fits {
			v.SetUint(n)
		}
	default:
		f, err := d.float(number.raw, s.typ.Bits())
		if err != nil {
			return err
		}
		v.SetFloat(f)
		return nil
	}
	if !fits {
		return d.wrongType(v.Type(), "number "+number.raw)
	}
	return nil
}

// wrongType says that the current value can't go into a t.
func (d *decoder) wrongType(t reflect.Type, value string) error {
	if value == "" {
		switch d.peek() {
		case '{':
			value = "object"
		case '[':
			value = "array"
		case '"':
			value = "string"
		case 't', 'f':
			value = "bool"
		default:
			value = "number"
		}
	}
	return &json.UnmarshalTypeError{Value: value, Type: t, Offset: int64(d.pos)}
}
