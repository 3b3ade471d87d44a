// Package vectors runs the test vectors of the module in vectors against this
// library. Its types are a copy of that module's.
package vectors

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Read returns the vectors in dir, which is vectors/data of this checkout. That
// folder belongs to a nested module, so a copy of this module from a proxy
// lacks it. In such a copy the test is skipped, and in a checkout it fails.
func Read(tb testing.TB, dir string) []File {
	tb.Helper()
	files, err := Load(os.DirFS(dir))
	if err == nil {
		return files
	}
	path, absErr := filepath.Abs(dir)
	if absErr == nil && errors.Is(err, fs.ErrNotExist) && downloaded(path) {
		tb.Skipf("Read(%s): a downloaded module comes without the vectors", dir)
	}
	tb.Fatalf("Read(%s): %v", dir, err)
	return nil
}

// downloaded reports whether path is in the module cache, where a module's
// folder is named for its version.
func downloaded(path string) bool {
	return strings.Contains(path, "@v")
}
