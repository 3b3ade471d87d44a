package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// needClient installs an npm package by the lockfile of a folder here, unless it
// is there. The test is skipped if that is not possible. Tests that run at once
// may need the same one.
func needClient(t *testing.T, folder, name string) {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not tried: %v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "node_modules", name)); err == nil {
		return
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = folder
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("%s cannot be installed: %v\n%s", name, err, out)
	}
}

var installing sync.Mutex
