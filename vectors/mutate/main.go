// Command mutate removes the rules of DESIGN.md's section on reading a token, one at a time, and tells which vector or test
// notices. Run it in the folder vectors:
//
//	go run ./mutate            # all of them: some minutes
//	go run ./mutate -run crit  # those whose rule has this in it, or one of several words with | between
//	go run ./mutate -n         # is each rule still where it is looked for?
//
// Nothing in the tree is changed: the compiler gets the changed files by its -overlay. A rule that nobody misses, and
// a rule that is no longer found in the source, make it fail.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A mutant is one rule, and what the source is without it.
type mutant struct {
	rule  string
	edits []edit
}

// An edit replaces text that a file has exactly once.
type edit struct{ file, find, replace string }

// suites are asked in their order, until one fails: the vectors first, then every other test.
var suites = [][]string{
	{"-run=^TestVectors$", "./internal/vectors"},
	{"./internal/vectors", "./internal/jose", "./jwks", "./validator", "./dpop", "./middleware"},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mutate: ")
	only := flag.String("run", "", "only the rules whose name this regular expression matches")
	dry := flag.Bool("n", false, "change nothing and run nothing")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}

	// The rules are the root module's.
	if err := os.Chdir(".."); err != nil {
		log.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	removed, missed := 0, 0
	fmt.Println("| rule removed | noticed by |\n|---|---|")
	for _, m := range mutants {
		if !wanted.MatchString(m.rule) {
			continue
		}
		removed++
		sources, err := m.apply()
		noticed := "-"
		if err == nil && !*dry {
			noticed, err = try(context.Background(), dir, sources)
		}
		switch {
		case err != nil:
			missed++
			noticed = "**" + err.Error() + "**"
		case noticed == "":
			missed++
			noticed = "**nobody**"
		}
		fmt.Printf("| %s | %s |\n", m.rule, noticed)
	}
	fmt.Printf("\n%d rules, %d of them unnoticed or not found\n", removed, missed)
	if missed > 0 {
		_ = os.RemoveAll(dir)
		os.Exit(1)
	}
}

// apply returns the files that are changed, without the rule.
func (m mutant) apply() (map[string]string, error) {
	sources := map[string]string{}
	for _, e := range m.edits {
		source, ok := sources[e.file]
		if !ok {
			data, err := os.ReadFile(e.file)
			if err != nil {
				return nil, err
			}
			source = string(data)
		}
		if n := strings.Count(source, e.find); n != 1 {
			return nil, fmt.Errorf("%s has %d times `%s`", e.file, n, e.find)
		}
		sources[e.file] = strings.Replace(source, e.find, e.replace, 1)
	}
	return sources, nil
}

// try returns the first test that fails with the changed files, or "" if all pass.
func try(ctx context.Context, dir string, sources map[string]string) (string, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, source := range sources {
		original, err := filepath.Abs(file)
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
	if err := os.WriteFile(list, data, 0o600); err != nil {
		return "", err
	}

	for _, suite := range suites {
		args := append([]string{"test", "-short", "-vet=off", "-ldflags=-s -w", "-overlay", list}, suite...)
		out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
		if err == nil {
			continue
		}
		if built := !strings.Contains(string(out), "[build failed]"); !built {
			return "", fmt.Errorf("does not compile: %s", strings.Join(strings.Fields(string(out)), " "))
		}
		return failure(string(out)), nil
	}
	return "", nil
}

var failed = regexp.MustCompile(`--- FAIL: (\S+)`)

// failure names the first test that failed by itself, not by one within it, and counts the others.
func failure(out string) string {
	var first string
	count := 0
	names := failed.FindAllStringSubmatch(out, -1)
	for i, name := range names {
		if i+1 < len(names) && strings.HasPrefix(names[i+1][1], name[1]+"/") {
			continue
		}
		if count++; count == 1 {
			first = strings.TrimPrefix(name[1], "TestVectors/all/")
		}
	}
	switch first = strings.ReplaceAll(first, "|", "¦"); count {
	case 0:
		return "a panic or a failure outside of a test"
	case 1:
		return "`" + first + "`"
	default:
		return fmt.Sprintf("%d, first `%s`", count, first)
	}
}
