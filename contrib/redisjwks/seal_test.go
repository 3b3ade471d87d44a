package redisjwks

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is opened was closed with the same Key, and is the same.
func FuzzSeal(f *testing.F) {
	s := newSeal([]byte(strings.Repeat("k", 32)))
	made := record{
		URL: "https://issuer.example/keys", Seq: 7, Time: time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC), Status: 200,
		Header: map[string]string{"Etag": `"1"`}, Body: []byte("{}\xff"),
	}
	blob := s.close(&made)
	f.Add(blob, []byte("another key"))
	f.Add(blob[:len(blob)-1], []byte{})
	f.Add([]byte("{}"), []byte{})
	f.Fuzz(func(t *testing.T, data, key []byte) {
		got, err := s.open(data)
		if (err == nil) != bytes.Equal(data, blob) || err == nil && !reflect.DeepEqual(*got, made) {
			t.Errorf("open(%q) = %+v, %v, want only what was closed", data, got, err)
		}
		if _, err := newSeal(key).open(blob); err == nil {
			t.Errorf("open() with the key %q: no error", key)
		}
		// As a server's text, it comes back as it was.
		r := record{URL: "a", Status: 200, Body: data, Header: map[string]string{"Age": "1"}}
		if got, err := s.open(s.close(&r)); len(data) <= maxBody && (err != nil || !bytes.Equal(got.Body, data)) {
			t.Errorf("open(close(%q)) = %+v, %v, want the same", data, got, err)
		}
	})
}

// The largest body is stored, and its record is no larger than what is read.
func TestSeal_largest(t *testing.T) {
	t.Parallel()
	s := newSeal(nil)
	r := record{URL: strings.Repeat("u", 2<<10), Body: bytes.Repeat([]byte{0xff}, maxBody), Header: map[string]string{}}
	for _, name := range kept {
		r.Header[name] = strings.Repeat("\x01", maxField) // six bytes each, in JSON
	}
	if _, err := s.open(s.close(&r)); err != nil {
		t.Errorf("open(close(the largest)) error = %v", err)
	}
}

// A secretive is a caller's own type, with a password in it.
type secretive struct {
	nobody

	password string
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	cfg := Config{Client: secretive{password: "canary"}, Key: []byte(strings.Repeat("canary", 6)), Prefix: "orders:"}
	transport, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]any{"Config": cfg, "*Config": &cfg, "*Transport": transport, "Transport": *transport, "in a field": struct{ C any }{cfg}} {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "x", x)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "x", x)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			fmt.Fprintf(&b, verb, x)
		}
		if out := b.String(); strings.Contains(out, "canary") || strings.Contains(out, fmt.Sprintf("%x", "canary")) || strings.Contains(out, "99 97 110") || !strings.Contains(out, "orders:") {
			t.Errorf("%s: %s", name, out)
		}
	}
	// In an unexported field of another struct, fmt calls no method.
	type hidden struct{ t *Transport }
	if out := fmt.Sprintf("%v %+v %x", hidden{transport}, hidden{transport}, hidden{transport}); strings.Contains(out, "canary") || strings.Contains(out, fmt.Sprintf("%x", "canary")) {
		t.Errorf("in an unexported field: %s", out)
	}
}
