package vectors_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rsguard/rsguard/vectors"
	"github.com/rsguard/rsguard/vectors/forge"
)

const dir = "data"

// The files are what the generator makes: neither is changed without the other.
func TestFilesAreGenerated(t *testing.T) {
	t.Parallel()
	made := map[string]bool{}
	for _, file := range forge.Files() {
		want, err := vectors.Encode(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, file.Name+".json")
		made[path] = true
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator makes: run go generate", path)
		}
	}

	stored, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stored {
		if !made[path] {
			t.Errorf("%s is of no theme of the generator", path)
		}
	}
}

// A rejection proves little if no similar input is accepted.
func TestEnoughAreAccepted(t *testing.T) {
	t.Parallel()
	total, accepted := 0, 0
	for _, file := range load(t) {
		inFile := 0
		for _, v := range file.Vectors {
			total++
			if v.Want == vectors.Accept {
				inFile++
			}
		}
		if inFile == 0 {
			t.Errorf("%s has no vector that is accepted", file.Name)
		}
		accepted += inFile
	}
	if total < 500 || accepted*5 < total {
		t.Errorf("%d vectors, %d of them accepted; want 500 at least, and a fifth of them accepted", total, accepted)
	}
}

func load(tb testing.TB) []vectors.File {
	tb.Helper()
	files, err := vectors.All()
	if err != nil {
		tb.Fatal(err)
	}
	return files
}
