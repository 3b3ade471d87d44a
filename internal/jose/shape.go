package jose

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// A shape is what Decode must know of a type.
type shape struct {
	kind shapeKind
	typ  reflect.Type
	elem *shape    // of a pointer, map, slice or array
	keys shapeKind // of a map

	empty reflect.Value // of a slice

	// Of a struct.
	fields map[string]*structField
	names  *Names
}

// A shapeKind is a way to decode.
type shapeKind byte

const (
	shapeNone      shapeKind = iota // a type that JSON has nothing for
	shapePointer                    // *T
	shapeCustom                     // UnmarshalJSON
	shapeText                       // UnmarshalText
	shapeNumber                     // json.Number
	shapeInterface                  // any interface
	shapeStruct
	shapeMap
	shapeSlice
	shapeArray
	shapeString
	shapeBool
	shapeInt
	shapeUint
	shapeFloat
)

// A structField is a field, possibly of an embedded struct.
type structField struct {
	name   string
	index  []int
	tagged bool // the name is from the tag
	quoted bool // by the tag's option "string"
	shape  *shape
}

// in returns the field of v, and makes the structs that contain it.
func (f *structField) in(v reflect.Value) (reflect.Value, error) {
	for i, n := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !v.CanSet() {
					return v, errUnexported
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, nil
}

// errUnexported says that a type can't be decoded into, as with encoding/json.
var errUnexported = errors.New("an embedded pointer to an unexported struct")

// shapes holds the types that were decoded into. Their number depends on the
// program alone, and not on what it is sent.
var shapes sync.Map // from reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(t, make(shaper).shape(t))
	return s.(*shape)
}

// A shaper holds the shapes of one type's parts, which may be recursive.
type shaper map[reflect.Type]*shape

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (all shaper) shape(t reflect.Type) *shape {
	if s, ok := all[t]; ok {
		return s
	}
	s := &shape{typ: t}
	all[t] = s

	switch t.Kind() {
	case reflect.Pointer:
		s.kind, s.elem = shapePointer, all.shape(t.Elem())
		return s
	case reflect.Interface:
		s.kind = shapeInterface
		return s
	default:
	}
	switch receiver := reflect.PointerTo(t); {
	case receiver.Implements(unmarshaler):
		s.kind = shapeCustom
		return s
	case receiver.Implements(textUnmarshaler):
		s.kind = shapeText
		return s
	case t == reflect.TypeFor[json.Number]():
		s.kind = shapeNumber
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		s.kind = shapeStruct
		all.addFields(s)
	case reflect.Map:
		if s.keys = kindOfKeys(t.Key()); s.keys != shapeNone {
			s.kind, s.elem = shapeMap, all.shape(t.Elem())
		}
	case reflect.Slice:
		s.kind, s.elem, s.empty = shapeSlice, all.shape(t.Elem()), reflect.MakeSlice(t, 0, 0)
	case reflect.Array:
		s.kind, s.elem = shapeArray, all.shape(t.Elem())
	default:
		s.kind = kindOfScalar(t.Kind())
	}
	return s
}

func kindOfScalar(kind reflect.Kind) shapeKind {
	switch {
	case kind == reflect.String:
		return shapeString
	case kind == reflect.Bool:
		return shapeBool
	case reflect.Int <= kind && kind <= reflect.Int64:
		return shapeInt
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		return shapeUint
	case kind == reflect.Float32 || kind == reflect.Float64:
		return shapeFloat
	}
	return shapeNone
}

// kindOfKeys returns how a name becomes a map's key, or shapeNone.
func kindOfKeys(t reflect.Type) shapeKind {
	if reflect.PointerTo(t).Implements(textUnmarshaler) {
		return shapeText
	}
	switch kind := kindOfScalar(t.Kind()); kind {
	case shapeString, shapeInt, shapeUint:
		return kind
	default:
		return shapeNone
	}
}

// addFields finds the fields of a struct and those of the structs that it
// embeds, by the rules of encoding/json. Of several fields with one name, the
// one with the least depth is used. Of several at that depth, the only one with
// a tag is used, or otherwise none.
func (all shaper) addFields(s *shape) {
	s.fields, s.names = map[string]*structField{}, NewNames()
	hidden := map[string]bool{} // by fields that are less deep
	seen := map[reflect.Type]bool{}
	for level := []embedded{{typ: s.typ, times: 1}}; len(level) > 0; {
		var fields []*structField
		var next []embedded
		for _, e := range level {
			if !seen[e.typ] {
				seen[e.typ] = true
				fields, next = all.fieldsOf(e, fields, next)
			}
		}
		for name, rivals := range byName(fields) {
			if field := dominant(rivals); field != nil && !hidden[name] {
				s.fields[name] = field
				s.names.add(name)
			}
			hidden[name] = true
		}
		level = next
	}
}

// An embedded is an embedded struct, found by its index. Its fields count as
// often as it is embedded at the same depth.
type embedded struct {
	typ   reflect.Type
	index []int
	times int
}

// fieldsOf appends the fields of a struct to fields, and the structs that it
// embeds to next.
func (all shaper) fieldsOf(e embedded, fields []*structField, next []embedded) ([]*structField, []embedded) {
	for i := range e.typ.NumField() {
		f := e.typ.Field(i)
		t := f.Type
		if t.Name() == "" && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		isStruct := f.Anonymous && t.Kind() == reflect.Struct
		tag, tagged := f.Tag.Lookup("json")
		if !f.IsExported() && !isStruct || tagged && tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !isName(name) {
			name = ""
		}
		index := append(slices.Clone(e.index), i)
		if isStruct && name == "" {
			if n := slices.IndexFunc(next, func(e embedded) bool { return e.typ == t }); n >= 0 {
				next[n].times++
			} else {
				next = append(next, embedded{t, index, 1})
			}
			continue
		}
		field := &structField{name: name, index: index, tagged: name != "", shape: all.shape(f.Type)}
		if name == "" {
			field.name = f.Name
		}
		if slices.Contains(strings.Split(options, ","), "string") {
			field.quoted = kindOfScalar(t.Kind()) != shapeNone
		}
		for range min(e.times, 2) {
			fields = append(fields, field)
		}
	}
	return fields, next
}

// isName reports whether encoding/json accepts the name of a tag.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func byName(fields []*structField) map[string][]*structField {
	groups := map[string][]*structField{}
	for _, f := range fields {
		groups[f.name] = append(groups[f.name], f)
	}
	return groups
}

// dominant returns the field that is used of several with one name at one
// depth, or nil.
func dominant(rivals []*structField) *structField {
	if len(rivals) > 1 {
		rivals = slices.DeleteFunc(rivals, func(f *structField) bool { return !f.tagged })
	}
	if len(rivals) != 1 {
		return nil
	}
	return rivals[0]
}
