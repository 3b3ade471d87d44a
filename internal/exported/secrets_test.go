package exported_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestSecrets prints every exported type, with a canary in each of its fields,
// in all ways that log lines are made of, and wants to see no more than what
// the table says. So a new field has to be hidden, or listed there.
//
// There is one way that no type with exported fields can do anything about: fmt
// prints what is in an unexported field of another struct without asking it.
func TestSecrets(t *testing.T) {
	t.Parallel()
	for name, e := range table {
		if e.typ.Kind() == reflect.Interface || e.typ.Kind() == reflect.Func {
			continue // nothing to print
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSecrets(t, e)
		})
	}
}

func testSecrets(t *testing.T, e entry) {
	f := &filler{t: t, nested: map[reflect.Type]int{}}
	pointer := reflect.New(e.typ)
	f.fill(pointer.Elem(), "")

	shown := map[string]bool{}
	check := func(way, out string, allowed []string) {
		if strings.Contains(out, "PANIC") || strings.Contains(out, "LogValue panicked") {
			t.Errorf("%s panics: %.500s", way, out)
		}
		for _, c := range f.canaries {
			if !c.in(out) {
				continue
			}
			shown[c.path] = true
			if !slices.ContainsFunc(allowed, func(path string) bool { return within(c.path, path) }) {
				t.Errorf("%s shows %s: %.500s", way, c.path, out)
			}
		}
	}
	json := append(slices.Clone(e.json), e.shows...)
	for form, x := range forms(t, e.typ, pointer) {
		shows := e.shows
		if form == hiddenForm {
			shows = append(slices.Clone(shows), e.hidden...)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%t", "%e", "%U", "%8.3v", "%-20s"} {
			check(fmt.Sprintf("Printf(%q, %s)", verb, form), fmt.Sprintf(verb, x), shows)
		}
		check("Println("+form+")", fmt.Sprintln(x), shows)
		check("Errorf("+form+")", fmt.Sprintf("%+v", fmt.Errorf("here: %w", fmt.Errorf("%+v", x))), shows)

		for handler, log := range handlers(x) {
			// A handler of JSON asks the value itself, and encoding/json what
			// it is in.
			allowed := shows
			if strings.HasPrefix(handler, "JSON") && form != "value" && form != "pointer" {
				allowed = json
			}
			check(handler+"("+form+")", log, allowed)
		}
		check("Marshal("+form+")", marshal(x), json)
	}
	for _, path := range json {
		if !slices.ContainsFunc(f.canaries, func(c canary) bool { return within(c.path, path) && shown[c.path] }) {
			t.Errorf("the table says that %s may show %s, and it never does", e.typ, path)
		}
	}
}

// within reports whether a field is one that the table names, or in it.
func within(path, allowed string) bool {
	return allowed == everything || path == allowed || strings.HasPrefix(path, allowed+".")
}

// hiddenForm is a pointer in an unexported field. There fmt asks no method, and
// prints what is behind the pointer for a verb that is wrong for it.
const hiddenForm = "pointer, hidden"

// forms are ways to have a value: by itself, by its address, and inside others.
func forms(t *testing.T, typ reflect.Type, pointer reflect.Value) map[string]any {
	t.Helper()
	hidden := struct{ p any }{pointer.Interface()}
	all := map[string]any{
		"pointer":            pointer.Interface(),
		"pointer in a slice": []any{pointer.Interface()},
		"pointer in a map":   map[string]any{"k": pointer.Interface()},
		"pointer in a field": struct{ P any }{pointer.Interface()},
		hiddenForm:           hidden,
	}
	if hasLock(typ, nil) {
		return all // go vet finds those who copy it
	}
	value := pointer.Elem()
	slice := reflect.MakeSlice(reflect.SliceOf(typ), 0, 1)
	inMap := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), typ))
	inMap.SetMapIndex(reflect.ValueOf("k"), value)
	inField := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: typ}})).Elem()
	inField.Field(0).Set(value)
	all["value"] = value.Interface()
	all["values in a slice"] = reflect.Append(slice, value).Interface()
	all["value in a map"] = inMap.Interface()
	all["value in a field"] = inField.Interface()
	all["value in an interface"] = struct{ V any }{value.Interface()}
	return all
}

// hasLock reports whether a value of a type must not be copied.
func hasLock(typ reflect.Type, seen []reflect.Type) bool {
	if typ.Kind() != reflect.Struct || slices.Contains(seen, typ) {
		return false
	}
	if reflect.PointerTo(typ).Implements(reflect.TypeFor[sync.Locker]()) || typ.PkgPath() == "sync/atomic" || typ.PkgPath() == "sync" {
		return true
	}
	for i := range typ.NumField() {
		if hasLock(typ.Field(i).Type, append(seen, typ)) {
			return true
		}
	}
	return false
}

// handlers returns what slog's handlers make of x.
func handlers(x any) map[string]string {
	logs := map[string]string{}
	for name, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"Text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(make(&b)).With("with", x).WithGroup("group").Info("x", "any", x, slog.Group("g", "any", x))
		logs[name] = b.String()
	}
	return logs
}

// marshal returns x as JSON, and the error if there is one: its text is logged
// too.
func marshal(x any) string {
	data, err := json.Marshal(x)
	return fmt.Sprintf("%s %v", data, err)
}

// A canary that nothing hides is found in each form, or the test above would
// find nothing.
func TestCanary(t *testing.T) {
	t.Parallel()
	type holder struct {
		S string
		B []byte
		A any
		E error
		M map[string]string
		P *struct{ S string }
		h string
	}
	f := &filler{t: t, nested: map[reflect.Type]int{}}
	h := new(holder)
	f.fill(reflect.ValueOf(h).Elem(), "")
	if got := len(f.canaries); got != 8 || h.h == "" {
		t.Fatalf("%d canaries in %+v, want 8", got, h)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out := fmt.Sprintf(verb, h)
		for _, c := range f.canaries {
			if !c.in(out) && c.path != "P.S" && c.path != "E" {
				t.Errorf("Printf(%q) shows no %s: %s", verb, c.path, out)
			}
		}
	}
	out := marshal(h) + fmt.Sprint(h.E) + handlers(h)["JSON"]
	for _, c := range f.canaries {
		if !c.in(out) && c.path != "h" {
			t.Errorf("Marshal() shows no %s: %s", c.path, out)
		}
	}
}
