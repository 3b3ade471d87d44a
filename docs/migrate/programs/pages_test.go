package programs_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/docs/migrate/programs/internal/trial"
)

// pages are the pages, and the folders of the programs that each shows, in its
// order.
var pages = map[string][]string{
	"echo-jwt":             {"echo-jwt"},
	"gin-jwt":              {"gin-jwt", "gin-jwt-login"},
	"go-jwt-middleware-v2": {"go-jwt-middleware-v2"},
	"go-jwt-middleware-v3": {"go-jwt-middleware-v3"},
	"go-oidc":              {"go-oidc"},
	"golang-jwt-keyfunc":   {"golang-jwt-keyfunc"},
	"jwx":                  {"jwx"},
	"okta-jwt-verifier":    {"okta-jwt-verifier"},
}

var (
	goBlock = regexp.MustCompile("(?s)```go\n(.*?)```\n")
	table   = regexp.MustCompile(`\| request \| before \| after \|\n(\|.*\n)+`)
	code    = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	body    = regexp.MustCompile("`(\\{\"[^`]*)`")
	link    = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
)

// TestPages holds that each page shows its programs word for word, and what
// they answer.
func TestPages(t *testing.T) {
	for page, folders := range pages {
		var blocks, tables []string
		for _, folder := range folders {
			blocks = append(blocks, read(t, folder, "before", "main.go"), read(t, folder, "after", "main.go"))
			tables = append(tables, responses(t, folder))
		}
		check(t, page+".md", blocks, tables)
	}
	check(t, "README.md", []string{
		read(t, "meanwhile", "watch.go"), read(t, "meanwhile", "compare.go"), read(t, "meanwhile", "body.go"),
	}, nil)
}

// TestBodies holds that the bodies that a page quotes are those of the programs
// before.
func TestBodies(t *testing.T) {
	quoted := 0
	for page, folders := range pages {
		var answered string
		for _, folder := range folders {
			before, _ := verdicts(t, folder)
			answered += strings.ReplaceAll(strings.Join(before, "\n"), `\"`, `"`)
		}
		for _, span := range body.FindAllStringSubmatch(read(t, "..", page+".md"), -1) {
			quoted++
			if text, _, _ := strings.Cut(span[1], "…"); !strings.Contains(answered, text) {
				t.Errorf("%s.md quotes %s, which no program before answers", page, span[1])
			}
		}
	}
	if quoted < 5 {
		t.Errorf("%d bodies are quoted, want those of three pages", quoted)
	}
}

// TestEveryProgramHasAPage finds a folder that no page shows.
func TestEveryProgramHasAPage(t *testing.T) {
	folders, err := filepath.Glob("*/before")
	if err != nil {
		t.Fatal(err)
	}
	shown := slices.Concat(slices.Collect(maps.Values(pages))...)
	for _, folder := range folders {
		if name := filepath.Dir(folder); !slices.Contains(shown, name) {
			t.Errorf("no page shows the programs in %s", name)
		}
	}
	if len(folders) != len(shown) {
		t.Errorf("there are %d folders with programs, and the pages show %d", len(folders), len(shown))
	}
}

// TestVerdicts holds what a migration promises.
func TestVerdicts(t *testing.T) {
	for _, folder := range slices.Concat(slices.Collect(maps.Values(pages))...) {
		before, after := verdicts(t, folder)
		if !accepted(before[0]) || !accepted(after[0]) {
			t.Errorf("%s: %s is %q before and %q after, want 200", folder, trial.Rows[0].Name, before[0], after[0])
		}
		for i, row := range trial.Rows {
			is, was := accepted(after[i]), accepted(before[i])
			switch {
			case row.Honest && was && !is:
				t.Errorf("%s: %s is %q before and %q after, want no honest client rejected", folder, row.Name, before[i], after[i])
			case !row.Honest && is:
				t.Errorf("%s: %s is %q after, want it rejected", folder, row.Name, after[i])
			}
		}
	}
}

func accepted(response string) bool { return response == "200" }

// check compares a page's blocks and tables with what they must be, or writes
// them. The links of the page must lead to files.
func check(t *testing.T, name string, blocks, tables []string) {
	t.Helper()
	path := filepath.Join("..", name)
	text := read(t, path)
	for i := range blocks {
		blocks[i] = "```go\n" + blocks[i] + "```\n"
	}
	text = compare(t, name, "Go block", text, goBlock, blocks)
	text = compare(t, name, "table", text, table, tables)
	if *trial.Update {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, "code"), -1) {
		if m[1] == "" || strings.Contains(m[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
			t.Errorf("%s links to %s: %v", name, m[1], err)
		}
	}
}

// compare returns text with want in the place of what the expression finds.
func compare(t *testing.T, name, what, text string, expression *regexp.Regexp, want []string) string {
	t.Helper()
	found := expression.FindAllString(text, -1)
	if len(found) != len(want) {
		t.Errorf("%s has %d of a %s, want %d", name, len(found), what, len(want))
		return text
	}
	i := 0
	return expression.ReplaceAllStringFunc(text, func(is string) string {
		if is != want[i] && !*trial.Update {
			t.Errorf("%s: %s %d is\n%s\nwant\n%s\n(go test ./... -update, twice, writes it)", name, what, i+1, is, want[i])
		}
		i++
		return want[i-1]
	})
}

// responses returns the table of what the programs in a folder answer. Bold
// marks requests of which the verdict changes.
func responses(t *testing.T, folder string) string {
	t.Helper()
	before, after := verdicts(t, folder)
	var s strings.Builder
	s.WriteString("| request | before | after |\n|---|---|---|\n")
	for i, row := range trial.Rows {
		format := "| %s | %s | %s |\n"
		if accepted(before[i]) != accepted(after[i]) {
			format = "| %s | **%s** | **%s** |\n"
		}
		fmt.Fprintf(&s, format, row.Name, short(before[i]), short(after[i]))
	}
	return s.String()
}

var challenge = regexp.MustCompile("`([A-Za-z]+)[^`]*?(?: error=\"([a-z_]+)\"[^`]*)?`")

// short leaves only the schemes and the errors of the challenges, and no body.
func short(response string) string {
	response, _, _ = strings.Cut(response, trial.Body)
	return strings.TrimSpace(strings.ReplaceAll(challenge.ReplaceAllString(response, "$1 $2"), " ,", ","))
}

func verdicts(t *testing.T, folder string) (before, after []string) {
	t.Helper()
	for when, into := range map[string]*[]string{"before": &before, "after": &after} {
		lines, err := trial.Read(filepath.Join(folder, when, trial.File))
		if err != nil {
			t.Fatal(err)
		}
		*into = lines
	}
	return before, after
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
