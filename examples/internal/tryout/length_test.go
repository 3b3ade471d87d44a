package tryout_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestExamplesAreShort keeps the examples to what can be read at a glance.
func TestExamplesAreShort(t *testing.T) {
	t.Parallel()

	const most = 80
	for _, name := range []string{"quickstart", "nethttp", "echo", "gin", "dpop", "opaque"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Count(text, []byte("\n")); got > most {
			t.Errorf("examples/%s/main.go has %d lines, want %d at most", name, got, most)
		}
	}
}
