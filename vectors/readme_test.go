package vectors_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/vectors"
)

// README.md explains every member, every code and every check.
func TestReadme(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(data)

	seen := map[reflect.Type]bool{}
	var members func(reflect.Type)
	members = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			field := typ.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("README.md does not explain the member %q of %s", name, typ.Name())
			}
			members(field.Type)
		}
	}
	members(reflect.TypeFor[vectors.File]())

	reported := map[string]bool{}
	explained := func(what, word string) {
		if !reported[word] && !strings.Contains(readme, "`"+word+"`") {
			t.Errorf("README.md does not explain the %s %q", what, word)
		}
		reported[word] = true
	}
	for _, file := range load(t) {
		for _, v := range file.Vectors {
			explained("code", v.Want)
			explained("code", v.Answer.Code)
			for _, c := range v.Config.Checks {
				explained("check", c.Kind)
			}
		}
	}
}
