package vectors_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rsguard/rsguard/internal/vectors"
)

const dir = "../../vectors/data"

func load(tb testing.TB) []vectors.File {
	tb.Helper()
	return vectors.Read(tb, dir)
}

// The types in this package are those of the vectors' own module.
func TestFormatIsACopy(t *testing.T) {
	t.Parallel()
	load(t) // skips the test where that module is not there
	want, err := os.ReadFile("../../vectors/vectors.go")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("format.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, types, ok := bytes.Cut(want, []byte("\npackage vectors\n")); !ok || !bytes.HasSuffix(got, types) {
		t.Error("format.go is not a copy of vectors/vectors.go: run go generate in vectors")
	}
}

// The shapes that presets' vectors are made of are those of the mock issuer.
func TestShapesAreACopy(t *testing.T) {
	t.Parallel()
	load(t) // skips the test where that module is not there
	want, err := os.ReadFile("../../testutil/mockissuer/shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../vectors/forge/shapes.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("vectors/forge/shapes.json is not a copy of testutil/mockissuer/shapes.json: run go generate in vectors")
	}
}

// An outcome records how a test ended.
type outcome struct {
	testing.TB
	skipped, failed bool
}

func (v *outcome) Helper() {}

func (v *outcome) Skipf(string, ...any) { v.skipped = true; runtime.Goexit() }

func (v *outcome) Fatalf(string, ...any) { v.failed = true; runtime.Goexit() }

// A checkout without vectors fails, and a downloaded module skips.
func TestReadWithoutVectors(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	damaged := filepath.Join(temp, "rsguard@v0.1.0", "damaged")
	if err := os.MkdirAll(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "a.json"), []byte(`{"unknown":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, dir string
		skipped   bool
	}{
		{"a checkout", filepath.Join(temp, "rsguard", "vectors", "data"), false},
		{"a downloaded module", filepath.Join(temp, "rsguard@v0.1.0", "vectors", "data"), true},
		{"a file that cannot be read", damaged, false},
	} {
		v := &outcome{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			vectors.Read(v, tt.dir)
		}()
		<-done
		if v.skipped != tt.skipped || v.failed == tt.skipped {
			t.Errorf("Read(%s) skipped = %t, failed = %t, want skipped = %t and the opposite", tt.name, v.skipped, v.failed, tt.skipped)
		}
	}
}
