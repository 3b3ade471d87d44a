package readme_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inline  = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unsaid  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks follows each link from a page to a file or to a heading.
func TestLinks(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "vectors/*.md"} {
		some, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, some...)
	}
	followed := 0
	for _, page := range pages {
		text := read(t, page)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			followed++
			if err := follow(t, page, m[1]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if followed < 200 {
		t.Errorf("%d links on %d pages were followed, want 200 or more", followed, len(pages))
	}
}

// TestLinks_dead shows that a link to no file and to no heading is found.
func TestLinks_dead(t *testing.T) {
	t.Parallel()
	page := filepath.Join(root, "README.md")
	for target, dead := range map[string]bool{
		"docs/faq.md": false, "docs": false, "#a-whole-program": false, "docs/mock-issuer.md#an-api-of-yours": false,
		"docs/no-page.md": true, "#A-whole-program": true, "#no-heading": true, "docs/mock-issuer.md#no-heading": true,
	} {
		if err := follow(t, page, target); (err != nil) != dead {
			t.Errorf("follow(README.md, %s) = %v, want an error: %t", target, err, dead)
		}
	}
}

// follow returns an error if a link of a page has no file or heading.
func follow(t *testing.T, page, target string) error {
	t.Helper()
	name, fragment, _ := strings.Cut(target, "#")
	file := page
	if name != "" {
		file = filepath.Join(filepath.Dir(page), filepath.FromSlash(name))
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the link %s leads to no file", target)
		}
	}
	if fragment == "" || filepath.Ext(file) != ".md" {
		return nil
	}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text(t, file), ""), -1) {
		if anchor(m[1]) == fragment {
			return nil
		}
	}
	return fmt.Errorf("the link %s leads to no heading", target)
}

// anchor returns the fragment by which GitHub links to a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(unsaid.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// read returns the text of a page without its code.
func read(t *testing.T, page string) string {
	t.Helper()
	return inline.ReplaceAllString(fenced.ReplaceAllString(text(t, page), ""), "")
}

func text(t *testing.T, page string) string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
