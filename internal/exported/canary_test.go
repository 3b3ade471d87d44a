package exported_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/MicahParks/jwkset"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A canary is a text that stands in one field of a value, by which one sees
// where the field is shown.
type canary struct {
	path  string   // of the field, as in "Confirmation.JKT"
	forms []string // that fmt and encoding/json give to it, as a string or as bytes
}

// in reports whether out shows c in any of its forms.
func (c canary) in(out string) bool {
	return slices.ContainsFunc(c.forms, func(form string) bool { return strings.Contains(out, form) })
}

func formsOf(text string) []string {
	bytes := make([]string, len(text))
	hexes := make([]string, len(text))
	for i, b := range []byte(text) {
		bytes[i], hexes[i] = fmt.Sprint(b), fmt.Sprintf("%#x", b)
	}
	hexadecimal := hex.EncodeToString([]byte(text))
	forms := []string{
		text,
		hexadecimal, strings.ToUpper(hexadecimal),
		strings.Join(bytes, " "), strings.Join(bytes, ", "), strings.Join(bytes, ","),
		strings.Join(hexes, ", "),
	}
	// In base64, as a whole or within a longer text: the characters that the
	// bytes before and after have no part in.
	for before := range 3 {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
			if form := encoded[(before+2)/3*4 : len(encoded)-4]; !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return forms
}

// A filler puts canaries into every field of a value that can hold one,
// exported or not.
type filler struct {
	t        *testing.T
	canaries []canary
	nested   map[reflect.Type]int
}

func (f *filler) canary(path string) string {
	text := fmt.Sprintf("canary-%03d-secret", len(f.canaries))
	f.canaries = append(f.canaries, canary{path, formsOf(text)})
	return text
}

// ours is the beginning of the paths of this module's packages.
const ours = "github.com/rsguard/rsguard/"

// fill sets v, which is addressable. A type that it doesn't know fails the
// test, so that a field of that type can't go unnoticed.
func (f *filler) fill(v reflect.Value, path string) {
	f.t.Helper()
	if !v.CanSet() { // an unexported field
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
	}
	switch v.Type() {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration]():
		return
	}
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8,
		reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float64, reflect.Func, reflect.Chan:
	case reflect.String:
		v.SetString(f.canary(path))
		if path == "payload" { // of Claims, which is JSON
			v.SetString(`{"claim":"` + v.String() + `"}`)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(f.canary(path)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0), path)
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), path)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, path)
		f.fill(value, path)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		// A pointer to what is not ours prints as an address, if it isn't the
		// first that is printed.
		if elem := v.Type().Elem(); elem.Kind() != reflect.Struct || elem.PkgPath() == "" || strings.HasPrefix(elem.PkgPath(), ours) {
			if f.nested[elem]++; f.nested[elem] < 3 {
				v.Set(reflect.New(elem))
				f.fill(v.Elem(), path)
			}
		}
	case reflect.Struct:
		if v.Type().PkgPath() != "" && !strings.HasPrefix(v.Type().PkgPath(), ours) {
			return // locks, atomics
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			at := field.Name
			if path != "" {
				at = path + "." + at
			}
			f.fill(v.Field(i), at)
		}
	case reflect.Interface:
		f.fillInterface(v, path)
	default:
		f.t.Errorf("%s is of kind %s: teach fill to put a canary there", path, v.Kind())
	}
}

func (f *filler) fillInterface(v reflect.Value, path string) {
	f.t.Helper()
	set := func(x any) { v.Set(reflect.ValueOf(x)) }
	switch v.Type() {
	case reflect.TypeFor[any](), reflect.TypeFor[crypto.PublicKey]():
		set(f.canary(path))
	case reflect.TypeFor[error]():
		set(errors.New(f.canary(path)))
	case reflect.TypeFor[crypto.Signer]():
		key := make(ed25519.PrivateKey, ed25519.PrivateKeySize)
		copy(key, f.canary(path))
		set(key)
	case reflect.TypeFor[testing.TB](), reflect.TypeFor[context.Context]():
	case reflect.TypeFor[validator.KeySource](), reflect.TypeFor[middleware.Validator](),
		reflect.TypeFor[introspection.Validator](), reflect.TypeFor[dpop.ReplayStore](),
		reflect.TypeFor[dpop.NonceSource](), reflect.TypeFor[revocation.Feed](), reflect.TypeFor[revocation.Revoker](), reflect.TypeFor[jwkset.Storage]():
		set(anything{secret: f.canary(path)})
	default:
		f.t.Errorf("%s is a %s: teach fillInterface to put a canary there", path, v.Type())
	}
}

// anything is what a caller's own type may be: a struct with a secret in it.
type anything struct {
	jwkset.Storage
	secret string
}

func (anything) Keys(context.Context, string) ([]jwks.Key, error)            { return nil, nil }
func (anything) Validate(context.Context, string) (*validator.Claims, error) { return nil, nil }
func (anything) Add(context.Context, string, time.Time) (bool, error)        { return false, nil }
func (anything) Revoke(context.Context, revocation.Rule) error               { return nil }
func (anything) Publish(context.Context, revocation.Rule) error              { return nil }
func (anything) Current() error                                              { return nil }
func (anything) Nonce() string                                               { return "" }
func (anything) Valid(string) bool                                           { return false }
