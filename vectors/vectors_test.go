package vectors_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rsguard/rsguard/vectors"
	"github.com/rsguard/rsguard/vectors/forge"
)

// The files are what the generator makes: neither is changed without the other.
func TestFilesAreGenerated(t *testing.T) {
	t.Parallel()
	for dir, files := range map[string][]vectors.File{"data": forge.Files(), "data/idtoken": forge.IDTokens()} {
		made := map[string]bool{}
		for _, file := range files {
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
	ids, err := vectors.IDTokens()
	if err != nil {
		tb.Fatal(err)
	}
	return append(files, ids...)
}

// The signals are what the generator makes. Each has a reason that begins with
// a section, and enough of both kinds are accepted.
func TestSignals(t *testing.T) {
	t.Parallel()
	want, err := vectors.EncodeSignals(forge.Signals())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("signals", "signals.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("signals.json is not what the generator makes: run go generate")
	}
	file, err := vectors.Signals()
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`^(RFC \d+|OpenID [A-Za-z -]+ 1\.0), Section \d+(\.\d+)*(: |$)`)
	counts := map[string]int{}
	for _, v := range file.Vectors {
		if !section.MatchString(v.Why) {
			t.Errorf("%s: the reason %q doesn't begin with a section", v.Name, v.Why)
		}
		counts[v.Kind]++
		if v.Want == vectors.Accept {
			counts[v.Kind+" accepted"]++
		} else if len(v.Revokes) > 0 {
			t.Errorf("%s: it is rejected, and revokes something", v.Name)
		}
	}
	for _, kind := range []string{"logout", "set"} {
		if counts[kind] < 30 || counts[kind+" accepted"]*4 < counts[kind] {
			t.Errorf("%d signals of the kind %s, %d of them accepted; want 30 at least, and a quarter of them accepted", counts[kind], kind, counts[kind+" accepted"])
		}
	}
}
