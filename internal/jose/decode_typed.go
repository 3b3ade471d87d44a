package jose

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// fields stores the members of an object in the fields of a struct.
func (d *decoder) fields(v reflect.Value, s *shape) error {
	if err := d.take(1); err != nil {
		return err
	}
	object := d.open()
	for first := true; ; first = false {
		name, more, err := d.name(first)
		if err != nil {
			return err
		}
		if !more {
			return d.close(object)
		}
		field, ok := s.fields[name]
		if !ok {
			if want, ok := s.names.match(name, d.seen.folded); ok {
				return &NameError{Name: name, Want: want}
			}
			if err := d.skip(); err != nil {
				return err
			}
			continue
		}
		target, err := field.in(v)
		if err != nil {
			return err
		}
		if field.quoted {
			err = d.quoted(target, field.shape)
		} else {
			err = d.value(target, field.shape)
		}
		if err != nil {
			return within(err, s.typ, name)
		}
	}
}

// within adds the name of the field to an error.
func within(err error, structure reflect.Type, field string) error {
	switch e := err.(type) {
	case *json.UnmarshalTypeError:
		if e.Field == "" {
			e.Struct, e.Field = structure.Name(), field
		} else {
			e.Field = field + "." + e.Field
		}
	case *NameError:
		e.path = append(e.path, field)
	}
	return err
}

// keys stores the members of an object in a map.
func (d *decoder) keys(v reflect.Value, s *shape) error {
	if v.IsNil() {
		if s.typ == reflect.TypeFor[map[string]any]() {
			object, err := d.object()
			v.Set(reflect.ValueOf(object))
			return err
		}
		size := 0
		if !d.sized { // a map that grows costs twice as much
			d.sized = true
			size = min(strings.Count(d.s[d.pos:], ":"), TokenLimits.Members)
		}
		v.Set(reflect.MakeMapWithSize(s.typ, size))
	}
	if err := d.take(1); err != nil {
		return err
	}
	scratch := d.scratch
	d.scratch = mapScratch{} // it is busy
	if scratch.shape != s {
		scratch = mapScratch{s, reflect.New(s.typ.Key()).Elem(), reflect.New(s.elem.typ).Elem()}
	}
	object := d.open()
	for first := true; ; first = false {
		name, more, err := d.name(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if first {
			if err := d.take(mapRoom); err != nil {
				return err
			}
		}
		scratch.elem.SetZero()
		if err := d.value(scratch.elem, s.elem); err != nil {
			return err
		}
		if err := d.key(scratch.key, name, s.keys); err != nil {
			return err
		}
		v.SetMapIndex(scratch.key, scratch.elem)
	}
	d.scratch = scratch
	return d.close(object)
}

// A mapScratch has room for a key and an element on their way into a map.
type mapScratch struct {
	shape     *shape
	key, elem reflect.Value
}

// key stores a name in a map's key.
func (d *decoder) key(v reflect.Value, name string, kind shapeKind) error {
	switch kind {
	case shapeText:
		v.SetZero()
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(name))
	case shapeString:
		v.SetString(name)
		return nil
	case shapeInt:
		if n, err := strconv.ParseInt(name, 10, 64); err == nil && !v.OverflowInt(n) {
			v.SetInt(n)
			return nil
		}
	default:
		if n, err := strconv.ParseUint(name, 10, 64); err == nil && !v.OverflowUint(n) {
			v.SetUint(n)
			return nil
		}
	}
	return d.wrongType(v.Type(), "number "+name)
}

func (d *decoder) slice(v reflect.Value, s *shape) error {
	if s.typ == reflect.TypeFor[[]string]() {
		return d.strings(v.Addr().Interface().(*[]string))
	}
	if s.typ == reflect.TypeFor[[]any]() {
		list, err := d.list()
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(list))
		return nil
	}
	if err := d.take(1); err != nil {
		return err
	}
	d.pos++
	v.SetZero() // what is in it stays as it is
	if c := d.peek(); c == '-' || '0' <= c && c <= '9' {
		end := max(strings.IndexByte(d.s[d.pos:], ']'), 0)
		v.Grow(strings.Count(d.s[d.pos:d.pos+end], ",") + 1)
	}
	for n := 0; ; n++ {
		more, err := d.separator(n == 0, ']')
		if err != nil {
			return err
		}
		if !more {
			if n == 0 {
				v.Set(s.empty)
			}
			v.SetLen(n)
			return nil
		}
		if n == 0 {
			if err := d.take(sliceRoom); err != nil {
				return err
			}
		}
		if n == v.Len() {
			v.Grow(max(1, n)) // twice as many: append would grow by less
			v.SetLen(v.Cap())
		}
		element := v.Index(n)
		if c := d.peek(); '0' <= c && c <= '9' && s.elem.kind >= shapeInt {
			err = d.numeric(element, s.elem)
		} else {
			err = d.value(element, s.elem)
		}
		if err != nil {
			return err
		}
	}
}

// strings is slice for the most frequent type.
func (d *decoder) strings(v *[]string) error {
	if err := d.take(1); err != nil {
		return err
	}
	d.pos++
	d.texts = d.texts[:0]
	for first := true; ; first = false {
		more, err := d.separator(first, ']')
		if err != nil {
			return err
		}
		if !more {
			*v = make([]string, len(d.texts))
			copy(*v, d.texts)
			clear(d.texts)
			return nil
		}
		text := ""
		switch d.peek() {
		case '"':
			value, err := d.string()
			if err != nil {
				return err
			}
			text, _ = value.Text()
		case 'n':
			if err := d.skip(); err != nil {
				return err
			}
		default:
			return d.wrongType(reflect.TypeFor[string](), "")
		}
		d.texts = append(d.texts, text)
	}
}

// array stores as many elements as v has room for.
func (d *decoder) array(v reflect.Value, s *shape) error {
	if err := d.take(1); err != nil {
		return err
	}
	d.pos++
	for n := 0; ; n++ {
		more, err := d.separator(n == 0, ']')
		if err != nil {
			return err
		}
		switch {
		case !more:
			for ; n < v.Len(); n++ {
				v.Index(n).SetZero()
			}
			return nil
		case n < v.Len():
			err = d.value(v.Index(n), s.elem)
		default:
			err = d.skip()
		}
		if err != nil {
			return err
		}
	}
}
