package issuers_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

var update = flag.Bool("update", false, "write docs/issuers.md")

const page = "../docs/issuers.md"

// The page has what presets and shapes say, and what a Validator says of the
// shapes' tokens.
func TestPage(t *testing.T) {
	iss, keySet := signer(t)
	functions := documented(t)
	var table, sections strings.Builder
	accepted, shapes := 0, mockissuer.Shapes()
	for _, s := range shapes {
		serve(&s, keySet)
		cfg, err := configOf(&s)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		claims, err := v.Validate(t.Context(), sign(t, iss, s.AccessToken(iss.Now())))
		verdict := "yes"
		if err != nil {
			verdict = "no"
		} else {
			accepted++
		}
		f, ok := functions[s.Preset]
		if !ok {
			t.Fatalf("package issuers has no %s", s.Preset)
		}
		call := f.call(s.Args)
		fmt.Fprintf(&table, "| [%s](#%s) | `%s` | %s |\n", s.Name, strings.ToLower(s.Name), call, verdict)

		fmt.Fprintf(&sections, "\n## %s\n\n```go\n%s := %s\n```\n\n%s\n", s.Name, f.results, call, f.text)
		if places := placesOf(&s, claims); places != "" {
			fmt.Fprintf(&sections, "\n| of an access token | is in |\n|---|---|\n%s", places)
		}
		fmt.Fprintf(&sections, "\n| rejected | code | the log says |\n|---|---|---|\n")
		for _, o := range s.Others {
			_, err := v.Validate(t.Context(), sign(t, iss, s.Other(o, iss.Now())))
			if err == nil {
				fmt.Fprintf(&sections, "| %s | none: it is accepted | |\n", o.What)
				continue
			}
			code := string(validator.CodeOf(err))
			text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), code), ": ")
			fmt.Fprintf(&sections, "| %s | `%s` | %s |\n", o.What, code, cell(text))
		}
		sections.WriteString(remediesOf(&s))
		if !strings.Contains(f.text, "\nSource") {
			fmt.Fprintf(&sections, "\nSources: %s\n", strings.Join(s.Sources, " and "))
		}
		if s.Unread != "" {
			fmt.Fprintf(&sections, "\nNot read there: %s.\n", strings.TrimSuffix(s.Unread, "."))
		}
	}

	want := fmt.Sprintf(header, len(shapes), accepted) + table.String() + sections.String()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Errorf("docs/issuers.md is not what presets and shapes say: run go generate ./issuers (%v)", err)
	}
}

const header = `# Issuers

<!-- Written by go generate ./issuers from the presets' documentation and the forms of real tokens. -->

Package [issuers](../issuers) has a function for each of these issuers that
returns the ` + "`validator.Config`" + ` for its access tokens. The names in the examples
are made up. Of the %d forms of tokens on this page, %d are accepted by the
function alone. For tests with tokens of these forms see
[Testing](testing.md). ` + "`rsguard issuer -profile`" + ` mints them.

An access token is accepted, and its refresh token, its ID token, a token of
another tenant and one for another API are rejected. The tables say with which
code, and what the log says. The log line of a mistake names what to change.

| issuer | the line | accepted by it alone |
|---|---|---|
`

// A function is one of package issuers.
type function struct {
	name    string
	results string // the left side of its call
	text    string // its documentation in Markdown
}

func (f function) call(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = fmt.Sprintf("%q", arg)
	}
	return "issuers." + f.name + "(" + strings.Join(quoted, ", ") + ")"
}

// documented returns the exported functions of package issuers.
func documented(t *testing.T) map[string]function {
	t.Helper()
	files := token.NewFileSet()
	var parsed []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, e.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	pkg, err := doc.NewFromFiles(files, parsed, "github.com/rsguard/rsguard/issuers")
	if err != nil {
		t.Fatal(err)
	}
	printer := pkg.Printer()
	printer.HeadingLevel = 3
	printer.DocLinkURL = func(link *comment.DocLink) string {
		if link.ImportPath == "" {
			return "#" + strings.ToLower(link.Name) // as GitHub writes the anchors of headings
		}
		return link.DefaultURL("https://pkg.go.dev")
	}
	found := make(map[string]function)
	for _, f := range pkg.Funcs {
		results := "cfg"
		if len(f.Decl.Type.Results.List) == 2 {
			results = "cfg, err"
		}
		found[f.Name] = function{f.Name, results, strings.TrimSpace(string(printer.Markdown(pkg.Parser().Parse(f.Doc))))}
	}
	return found
}

// placesOf says where in an access token the API, the client, the scopes and
// roles are.
func placesOf(s *mockissuer.Shape, claims *validator.Claims) string {
	var places strings.Builder
	row := func(what string, paths []string) {
		if len(paths) > 0 {
			fmt.Fprintf(&places, "| %s | %s |\n", what, strings.ReplaceAll(strings.Join(paths, ", "), "{audience}", s.Audience))
		}
	}
	find := func(placeholder string) []string {
		return pathsOf(s.Claims, nil, func(value any, _ string) bool { return value == placeholder })
	}
	row("the API", append(find("{audience}"), quotedIf(s.AudienceClaim() != "aud" && s.AudienceClaim() != "", s.AudienceClaim())...))
	if claims != nil && claims.ClientID != "" {
		row("`Claims.ClientID`", find("{client}"))
	}
	if claims != nil && len(claims.Scopes) > 0 {
		row("`Claims.Scopes`", find("{scope}"))
	}
	row("`Claims.Subject`", find("{subject}"))
	row("roles, for `validator.Roles`", pathsOf(s.Claims, nil, func(value any, name string) bool {
		_, list := value.([]any)
		return list && (strings.Contains(name, "roles") || strings.Contains(name, "groups"))
	}))
	return places.String()
}

// remediesOf says what to do about each mistake.
func remediesOf(s *mockissuer.Shape) string {
	var remedies strings.Builder
	for _, o := range s.Others {
		if o.Remedy != "" {
			fmt.Fprintf(&remedies, "| %s | %s |\n", o.What, o.Remedy)
		}
	}
	if remedies.Len() == 0 {
		return ""
	}
	return "\n| mistake | what to do |\n|---|---|\n" + remedies.String()
}

func quotedIf(is bool, name string) []string {
	if !is {
		return nil
	}
	return []string{"`" + name + "`"}
}

// pathsOf returns the paths of the members that match, as in a call of Roles.
func pathsOf(members map[string]any, above []string, match func(value any, name string) bool) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		path := append(slices.Clone(above), name)
		value := members[name]
		list, _ := value.([]any)
		switch inner, ok := value.(map[string]any); {
		case ok:
			found = append(found, pathsOf(inner, path, match)...)
		case match(value, name), slices.ContainsFunc(list, func(v any) bool { _, text := v.(string); return text && match(v, name) }):
			found = append(found, "`"+strings.Join(path, "` → `")+"`")
		}
	}
	return found
}

// cell makes a text fit for a table.
func cell(text string) string {
	return "`" + strings.NewReplacer("|", "\\|", "`", "'", "\n", " ").Replace(text) + "`"
}
