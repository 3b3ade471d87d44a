package vectors_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	document = `(?:RFC \d+|OpenID Connect [A-Z][A-Za-z-]*(?: [A-Z][a-z]+)* 1\.0|FIPS [\d-]+|SPIFFE JWT-SVID|SPIFFE-ID|SPIFFE Trust Domain and Bundle|Fetch Standard)`
	number   = `(?:[A-Z]\.?)?\d+(?:\.\d+)*|[A-Z]\b`
	// citation is a document, or sections of the one before it.
	citation = regexp.MustCompile(`(` + document + `)|\b(Section|Appendix)s? ((?:` + number + `)(?:(?:, | and )(?:` + number + `))*)`)
	numbers  = regexp.MustCompile(number)
)

// sectionsOf returns what text cites: "RFC 7515, Section 4", one by one.
// A document that is cited without a section is returned by itself.
func sectionsOf(text string) []string {
	var found []string
	var current string
	pending := false
	flush := func() {
		if pending {
			found = append(found, current)
		}
	}
	for _, m := range citation.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			flush()
			current, pending = m[1], true
			continue
		}
		pending = false
		for _, n := range numbers.FindAllString(m[3], -1) {
			found = append(found, current+", "+m[2]+" "+n)
		}
	}
	flush()
	return found
}

func TestSectionsOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"one spelling", nil},
		{"RFC 7515, Section 4.1.1: alg is a string", []string{"RFC 7515, Section 4.1.1"}},
		{"RFC 7515, Appendix F", []string{"RFC 7515, Appendix F"}},
		{"RFC 7515, Appendix A.1", []string{"RFC 7515, Appendix A.1"}},
		{"(RFC 7519, Sections 2, 4.1.4 and 4.1.5)", []string{"RFC 7519, Section 2", "RFC 7519, Section 4.1.4", "RFC 7519, Section 4.1.5"}},
		{"RFC 9449, Section 4.3, check 10, and Section 9: x", []string{"RFC 9449, Section 4.3", "RFC 9449, Section 9"}},
		{"RFC 7518, Section 3.1, and RFC 8037, Section 3.1", []string{"RFC 7518, Section 3.1", "RFC 8037, Section 3.1"}},
		{"OpenID Connect Back-Channel Logout 1.0, Section 2.4", []string{"OpenID Connect Back-Channel Logout 1.0, Section 2.4"}},
		{"by RFC 7515 and FIPS 186-5, Section 6.4.2", []string{"RFC 7515", "FIPS 186-5, Section 6.4.2"}},
	} {
		if got := sectionsOf(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("sectionsOf(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// listed reads sections.md.
func listed(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("sections.md")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`^## (` + document + `)`)
	row := regexp.MustCompile(`^\| ((?:Section|Appendix) (?:` + number + `)) \| (.+) \|$`)
	sections, current := map[string]string{}, ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			if current = m[1]; current == "Fetch Standard" {
				sections[current] = line
			}
		}
		if m := row.FindStringSubmatch(line); m != nil {
			sections[current+", "+m[1]] = m[2]
		}
	}
	if len(sections) < 100 {
		t.Fatalf("sections.md: %d sections are read, want 100 at least", len(sections))
	}
	return sections
}

// Every section that a reason cites is listed with its rule, and no other.
func TestSectionsAreListed(t *testing.T) {
	t.Parallel()
	sections := listed(t)
	cited := map[string]bool{}
	cite := func(where, text string) {
		for _, section := range sectionsOf(text) {
			cited[section] = true
			if sections[section] == "" {
				t.Errorf("%s cites %s, which sections.md does not list: look it up and add its rule", where, section)
			}
		}
	}
	for _, file := range load(t) {
		cite(file.Name, file.About)
		reported := map[string]bool{}
		for _, v := range file.Vectors {
			if !reported[v.Why] {
				reported[v.Why] = true
				cite(file.Name+": "+v.Name, v.Why)
			}
		}
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if !cited[section] {
			t.Errorf("sections.md lists %s, which no reason cites", section)
		}
	}
}

// Every vector has a reason.
func TestReasons(t *testing.T) {
	t.Parallel()
	for _, file := range load(t) {
		for _, v := range file.Vectors {
			if strings.TrimSpace(v.Why) == "" {
				t.Errorf("%s: %s has no reason", file.Name, v.Name)
			}
		}
	}
}
