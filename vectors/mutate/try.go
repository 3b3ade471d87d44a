package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The program runs in the folder vectors. The rules are the root module's, and
// those of its nested modules.
const (
	root        = ".."
	noticedFile = "mutate/noticed.json"
	runner      = "./internal/vectors" // the package that runs the vectors
)

// others are the packages whose tests are asked if no vector notices.
var others = []string{"./internal/jose", "./jwks", "./validator", "./dpop", "./introspection", "./middleware"}

// A notice is a test that fails without a rule.
type notice struct {
	Package string `json:"package"`
	Test    string `json:"test"`
}

var errUnnoticed = errors.New("nothing notices")

// try returns a test that fails with the changed files. If choose is set, it
// runs all vectors and takes the first that is refused, so that the same one is
// found each time.
func (s *suite) try(ctx context.Context, sources map[string]string, last notice, choose bool) (notice, error) {
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return notice{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := writeOverlay(dir, sources)
	if err != nil {
		return notice{}, err
	}

	if last.Test != "" {
		if failed, err := failures(ctx, overlay, last.Package, "-failfast", "-run="+exactly(last.Test)); err != nil || slices.Contains(failed, last.Test) {
			return last, err
		}
	}

	if !areNested(sources) && !areSignals(sources) { // the vectors run through the root module
		args := []string{"-run=^TestVectors$"}
		if !choose {
			args = append(args, "-failfast")
		}
		failed, err := failures(ctx, overlay, runner, args...)
		if err != nil {
			return notice{}, err
		}
		if test := s.best(failed); test != "" {
			return notice{runner, test}, nil
		}
	}
	for _, pkg := range nearest(sources) {
		failed, err := failures(ctx, overlay, pkg, "-failfast", "-skip=^TestVectors$")
		if err != nil {
			return notice{}, err
		}
		if test := s.best(failed); test != "" {
			return notice{pkg, test}, nil
		}
	}
	return notice{}, errUnnoticed
}

// writeOverlay writes the changed files to dir, and a file for go's -overlay.
func writeOverlay(dir string, sources map[string]string) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, source := range sources {
		original, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			return "", err
		}
		changed := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(changed, []byte(source), 0o600); err != nil {
			return "", err
		}
		overlay.Replace[original] = changed
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, data, 0o600)
}

// nearest returns all packages with tests, those of the changed files first.
func nearest(sources map[string]string) []string {
	var near []string
	for file := range sources {
		near = append(near, "./"+path.Dir(file))
	}
	slices.Sort(near)
	if areNested(sources) || areSignals(sources) {
		return slices.Compact(near)
	}
	all := slices.Concat(slices.Compact(near), others, []string{runner})
	var packages []string
	for _, pkg := range all {
		if !slices.Contains(packages, pkg) {
			packages = append(packages, pkg)
		}
	}
	return packages
}

// areNested reports whether all the files are of nested modules, whose tests
// alone can notice.
func areNested(sources map[string]string) bool {
	for file := range sources {
		if moduleOf(path.Dir(file)) == "." {
			return false
		}
	}
	return true
}

// areSignals reports whether all the files are of package revocation, whose own
// tests run the vectors for it.
func areSignals(sources map[string]string) bool {
	for file := range sources {
		if path.Dir(file) != "revocation" {
			return false
		}
	}
	return true
}

// moduleOf returns the folder of the module that a folder is in.
func moduleOf(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, dir, "go.mod")); err == nil {
			break
		}
	}
	return dir
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// failures runs tests of one package and returns the names of those that
// failed.
func failures(ctx context.Context, overlay, pkg string, args ...string) ([]string, error) {
	args = append([]string{"test", "-p=1", "-short", "-vet=off", "-ldflags=-s -w", "-overlay", overlay}, args...)
	module := moduleOf(path.Clean(pkg))
	relative, err := filepath.Rel(module, path.Clean(pkg))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+filepath.ToSlash(relative))...)
	cmd.Dir = filepath.Join(root, module)
	data, err := cmd.CombinedOutput()
	out := string(data)
	if err == nil {
		return nil, nil
	}
	if strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]") {
		return nil, fmt.Errorf("does not compile: %s", strings.Join(strings.Fields(out), " "))
	}
	var failed []string
	for _, m := range failedTest.FindAllStringSubmatch(out, -1) {
		failed = append(failed, m[1])
	}
	if failed == nil {
		failed = []string{"a panic, or a failure outside of a test"}
	}
	return failed, nil
}

// exactly returns a pattern for go test's -run that matches only this test.
func exactly(test string) string {
	elements := strings.Split(test, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	return strings.Join(elements, "/")
}
