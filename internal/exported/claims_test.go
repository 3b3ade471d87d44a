package exported_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/rsguard/rsguard/validator"
)

// Claims that are not from a token are written with all of their fields, so
// that a new field gets its name in JSON.
func TestClaimsJSON(t *testing.T) {
	t.Parallel()
	f := &filler{t: t, nested: map[reflect.Type]int{}}
	claims := new(validator.Claims)
	v := reflect.ValueOf(claims).Elem()
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() {
			f.fill(v.Field(i), field.Name)
		}
	}
	out, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.canaries {
		if !c.in(string(out)) {
			t.Errorf("Marshal() has no %s: %s", c.path, out)
		}
	}
}
