// Package isnil finds a nil pointer in an interface that is not nil. A
// constructor whose error was ignored returns it.
package isnil

import "reflect"

// Value reports whether v is nil or holds a nil of a type that can be nil.
func Value(v any) bool {
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Chan, reflect.Func, reflect.Map, reflect.Pointer, reflect.Slice:
		return rv.IsNil()
	default:
		return false
	}
}
