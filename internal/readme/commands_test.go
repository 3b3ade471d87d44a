package readme_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command is a "go run" of a text, with the folder that it changes to first.
var command = regexp.MustCompile(`(?:cd ([\w./-]+) && )?go run ((?:-[\w.-]+(?:=\S+)? )*)([\w./-]+)(@[\w.]+)?`)

// TestCommands looks for the program of every "go run" in the Markdown files
// and in the comments of the programs. It has to be a command of the module in
// whose folder the reader is, because go runs no other from there.
func TestCommands(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && file != root):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			// A line of code may run a program of its own choice.
			if strings.HasSuffix(name, ".go") && !strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			for _, m := range command.FindAllStringSubmatch(line, -1) {
				found++
				from := path.Dir(filepath.ToSlash(relative))
				if strings.HasSuffix(name, ".go") && m[1] != "" {
					from = "." // it says how to get here
				}
				if err := runnable(from, m[1], m[3]); err != nil {
					t.Errorf("%s:%d: %s: %v", filepath.ToSlash(relative), i+1, m[0], err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 30 {
		t.Errorf("%d commands were found, want 30 or more", found)
	}
}

// TestCommands_wrong shows that a command that does not work is found.
func TestCommands_wrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		ok   bool
	}{
		{"go run ./examples/quickstart", true},
		{"`(cd examples/m2m && go run .)` shows", true},
		{"go run ./examples/m2m", false}, // a module of its own
		{"cd examples/nothing && go run .", false},
		{"go run ./validator", false}, // no command
		{"go run .", false},
		{"go run github.com/rsguard/rsguard/cmd/rsguard@latest conform", true},
		{"go run github.com/rsguard/rsguard/cmd/nothing@latest", false},
	} {
		m := command.FindStringSubmatch(tt.line)
		if m == nil {
			t.Errorf("%s: no command was found", tt.line)
			continue
		}
		if err := runnable(".", m[1], m[3]); (err == nil) != tt.ok {
			t.Errorf("runnable(%s) = %v, want none: %t", tt.line, err, tt.ok)
		}
	}
}

const module = "github.com/rsguard/rsguard"

// runnable returns an error unless go runs this package. The reader is in the
// folder of the module that the text is in, or in one below it, to which the
// text changes.
func runnable(from, change, pkg string) error {
	if within, ok := strings.CutPrefix(pkg, module+"/"); ok {
		return isCommand(within)
	}
	if strings.Contains(strings.Split(pkg, "/")[0], ".") && !strings.HasPrefix(pkg, ".") {
		return nil // another's program
	}
	at := path.Join(moduleOf(from), change)
	target := path.Join(at, pkg)
	if moduleOf(target) != moduleOf(at) {
		return fmt.Errorf("%s is in the module of %s, and the reader is in that of %s", target, moduleOf(target), moduleOf(at))
	}
	return isCommand(target)
}

// moduleOf returns the folder of the module that a folder is in.
func moduleOf(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, dir, "go.mod")); err == nil {
			return dir
		}
	}
	return "."
}

var ofMain = regexp.MustCompile(`(?m)^package main$`)

func isCommand(dir string) error {
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("%s has no program (%w)", dir, errors.Join(err, fs.ErrNotExist))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !strings.HasSuffix(file, "_test.go") && ofMain.Match(text) {
			return nil
		}
	}
	return fmt.Errorf("%s has no package main", dir)
}
