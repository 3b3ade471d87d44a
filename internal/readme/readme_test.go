package readme_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/racing"
)

const root = "../.."

// TestCodeBlocks builds every Go block of the Markdown files and runs the tests
// among them, in a module that only knows this one by a replace.
//
//nolint:paralleltest // The go commands of TestBrokenBlocks find in the cache what this one has built.
func TestCodeBlocks(t *testing.T) {
	if racing.Enabled {
		t.Skip("other programs do the work")
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("Glob(docs/*.md) = %q, %v, want the pages", pages, err)
	}
	var found []block
	for _, path := range append([]string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")}, pages...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := filepath.Rel(root, path)
		of, err := blocks(filepath.ToSlash(file), string(text))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, of...)
	}
	dir := newModule(t, found)
	out, err := goTest(dir)
	if err != nil {
		t.Fatalf("go test of the blocks: %v\n%s", err, out)
	}
	t.Logf("%d blocks built\n%s", len(found), out)
}

// TestBrokenBlocks shows that a block which does not compile, or whose test
// fails, is found.
func TestBrokenBlocks(t *testing.T) {
	t.Parallel() // after TestCodeBlocks
	const program = "```go\npackage main\n\nfunc main() { println(sum(1, 2)) }\n\nfunc sum(a, b int) int { return a + b }\n```\n"
	for _, tt := range []struct{ name, text, want string }{
		{"an unknown name in a fragment", "```go\nauth.NoSuchMethod(list)\n```\n", "TEXT.md:2"},
		{"a wrong argument in a program", "```go\npackage main\n\nfunc main() { println(len(1)) }\n```\n", "invalid argument"},
		{"a mistake that only vet finds", "```go\npackage main\n\nimport \"fmt\"\n\nfunc main() { x := 1; x = x; fmt.Println(x) }\n```\n", "self-assignment"},
		{"a failing test", program + "```go\npackage main\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif sum(1, 2) != 4 {\n\t\tt.Error(\"sum(1, 2) != 4\")\n\t}\n}\n```\n", "sum(1, 2) != 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found, err := blocks("TEXT.md", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			dir := newModule(t, found)
			out, err := goTest(dir)
			if err == nil || !strings.Contains(out, tt.want) {
				t.Errorf("go test = %v, %q, want an error with %q", err, out, tt.want)
			}
		})
	}
	if _, err := blocks("TEXT.md", "```go\nx := 1\n"); err == nil {
		t.Error("blocks(unclosed) = nil error, want one")
	}
}

// newModule writes the blocks into a module of a newcomer: statements into
// functions of one package, tests of package main beside the programs that they
// are for, and every other block into a package of its own.
// Its go.mod names only this module; what that needs is found by
// the go command from this module's own requirements.
func newModule(t *testing.T, found []block) string {
	t.Helper()
	dir := t.TempDir()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.mod"), fmt.Sprintf(
		"module example.com/newcomer\n\ngo 1.26.0\n\nrequire github.com/rsguard/rsguard v0.0.0\n\nreplace github.com/rsguard/rsguard => %q\n", here))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))

	var statements strings.Builder
	for i, b := range found {
		pkg := fmt.Sprintf("block%02d", i)
		if programs := b.programs(found); len(programs) > 0 {
			for _, program := range programs {
				write(t, filepath.Join(dir, fmt.Sprintf("block%02d", program), fmt.Sprintf("block%d_test.go", i)), b.fileText())
			}
			continue
		}
		if b.test() { // tests without a program
			write(t, filepath.Join(dir, pkg, "block_test.go"), b.fileText())
			continue
		}
		name := "block.go"
		switch {
		case b.statements():
			pkg, name = "statements", pkg+".go" // one package, which is built and vetted once
			statements.WriteString(b.code)
		case !b.program():
			write(t, filepath.Join(dir, pkg, "prelude.go"), prelude(b.code))
		}
		write(t, filepath.Join(dir, pkg, name), b.fileText())
	}
	if statements.Len() > 0 {
		write(t, filepath.Join(dir, "statements", "prelude.go"), prelude(statements.String()))
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// goTest builds and vets every package in dir and runs the tests. All vet checks
// are on, the few of go test and those of go vet. The go command may complete
// go.mod by itself, which is what -mod=mod says. The programs are thrown away,
// so they are linked without debugging information.
func goTest(dir string) (string, error) {
	cmd := exec.Command("go", "test", "-count=1", "-vet=all", "-ldflags=-s -w", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	return string(out), err
}
