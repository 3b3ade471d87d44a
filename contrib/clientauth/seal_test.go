package clientauth

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// What opens was closed with one of the keys, for the same request, and is the
// same.
func FuzzSeal(f *testing.F) {
	key := bytes.Repeat([]byte("k"), 32)
	s, err := newSeal([][]byte{key})
	if err != nil {
		f.Fatal(err)
	}
	bound := []byte("bound")
	made := record{Seq: 7, Token: "token", Type: "DPoP", Scope: "a b", Requested: 1, Lifetime: 2, Failed: 3, Until: 4, Status: 503, Why: "it is down"}
	value := s.close(&made, bound)
	f.Add(value, bound, key)
	f.Add(value[:len(value)-1], bound, bytes.Repeat([]byte("n"), 32))
	f.Add([]byte{sealVersion}, []byte{}, []byte{})
	f.Add([]byte(`{"token":"a"}`), bound, key)
	f.Fuzz(func(t *testing.T, data, place, secret []byte) {
		// A seed may be a value of another process with the key.
		got, err := s.open(data, place)
		if err == nil && (!reflect.DeepEqual(*got, made) || !bytes.Equal(place, bound)) || err != nil && bytes.Equal(data, value) && bytes.Equal(place, bound) {
			t.Errorf("open(%q, %q) = %+v, %v, want only what was closed", data, place, got, err)
		}
		other, err := newSeal([][]byte{secret})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.open(value, bound); (err == nil) != bytes.Equal(secret, key) {
			t.Errorf("open() with the key %q error = %v, want one with every other key", secret, err)
		}
		// Two values of the same record are not alike.
		if again := s.close(&made, place); bytes.Equal(again, value) || bytes.Contains(again, []byte("token")) {
			t.Errorf("close() = %q, want other bytes each time, and nothing in clear", again)
		}
	})
}

// The value of the largest token that Config.MaxTokenSize allows is kept.
func TestSeal_largest(t *testing.T) {
	t.Parallel()
	s, err := newSeal([][]byte{bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		t.Fatal(err)
	}
	r := record{Token: strings.Repeat("t", maxTokenSize), Scope: strings.Repeat("s", 64<<10), Why: strings.Repeat("\x01", maxSaid)}
	value := s.close(&r, nil)
	if got, err := s.open(value, nil); err != nil || *got != r {
		t.Errorf("open(close(the largest)) error = %v", err)
	}
	if len(value) > MaxStored {
		t.Errorf("the largest value has %d bytes, over MaxStored, %d", len(value), MaxStored)
	}
}
