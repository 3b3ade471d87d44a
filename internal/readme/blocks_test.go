package readme_test

import (
	"fmt"
	"regexp"
	"strings"
)

// A block is one fenced Go code block of a Markdown file.
type block struct {
	file string
	line int // of its first line of code
	code string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// program says that b is a whole file; test, that it is a file of tests.
func (b block) program() bool { return strings.HasPrefix(b.code, "package ") }
func (b block) test() bool    { return b.program() && strings.Contains(b.code, "\nfunc Test") }

func (b block) statements() bool { return !b.program() && !declaration.MatchString(b.code) }

// programs returns the indexes in found of the programs that b tests. A test of
// routes tests all programs with routes. Any other tests the first program of
// the same framework.
func (b block) programs(found []block) []int {
	var programs []int
	if !b.test() || !strings.HasPrefix(b.code, "package main\n") {
		return nil
	}
	ofRoutes := strings.Contains(b.code, "routes(auth)")
	for i, p := range found {
		switch {
		case !p.program() || p.test() || !strings.HasPrefix(p.code, "package main\n"):
		case ofRoutes && strings.Contains(p.code, "\nfunc routes("):
			programs = append(programs, i)
		case !ofRoutes && p.framework() == b.framework():
			return []int{i}
		}
	}
	return programs
}

// framework returns the import path of the framework that b is for, "" for
// net/http.
func (b block) framework() string {
	for _, path := range []string{"github.com/labstack/echo", "github.com/gin-gonic/gin"} {
		if strings.Contains(b.code, path) {
			return path
		}
	}
	return ""
}

// blocks returns the Go code blocks of a Markdown text, and an error if a fence
// is never closed.
func blocks(file, text string) ([]block, error) {
	var found []block
	var code []string
	start := 0
	for i, line := range strings.Split(text, "\n") {
		switch {
		case start == 0 && line == "```go":
			start, code = i+2, nil
		case start != 0 && line == "```":
			found = append(found, block{file, start, strings.Join(code, "\n") + "\n"})
			start = 0
		case start != 0:
			code = append(code, line)
		}
	}
	if start != 0 {
		return nil, fmt.Errorf("%s:%d: the code block is never closed", file, start)
	}
	return found, nil
}

// given are the types of the names that a fragment may take as given, because
// the text around it has introduced them.
var given = []struct{ name, kind string }{
	{"ctx", "context.Context"},
	{"secret", "string"},
	{"auth", "*middleware.Authenticator"},
	{"v", "*validator.Validator"},
	{"mux", "*http.ServeMux"},
	{"e", "*echo.Echo"},
	{"g", "*gin.Engine"},
	{"r", "*http.Request"},
	{"proofs", "*dpop.Verifier"},
	{"list", "http.Handler"},
	{"create", "http.Handler"},
	{"revocations", "*revocation.List"},
	{"events", "*revocation.EventReceiver"},
	{"keys", "*jwks.Cache"},
	{"introspector", "*introspection.Introspector"},
	{"replays", "interface{ Ping(context.Context) error }"},
	{"feed", "revocation.Feed"},
}

// prelude returns a file that declares the given names among the words of code.
// To compile all of them takes seconds, mostly for the frameworks' types.
func prelude(code string) string {
	words := map[string]bool{}
	for _, w := range word.FindAllString(code, -1) {
		words[w] = true
	}
	var vars strings.Builder
	for _, g := range given {
		if words[g.name] {
			fmt.Fprintf(&vars, "var %s %s\n", g.name, g.kind)
		}
	}
	return "package fragment\n\n" + importing(vars.String()) + vars.String()
}

// imports are the packages a fragment may name without importing them.
var imports = map[string]string{
	"context":       "context",
	"errors":        "errors",
	"fmt":           "fmt",
	"http":          "net/http",
	"url":           "net/url",
	"httptest":      "net/http/httptest",
	"log":           "log",
	"os":            "os",
	"strings":       "strings",
	"testing":       "testing",
	"slices":        "slices",
	"time":          "time",
	"tls":           "crypto/tls",
	"echo":          "github.com/labstack/echo/v4",
	"gin":           "github.com/gin-gonic/gin",
	"echoauth":      "github.com/rsguard/rsguard/adapters/echoauth",
	"ginauth":       "github.com/rsguard/rsguard/adapters/ginauth",
	"json":          "encoding/json",
	"subtle":        "crypto/subtle",
	"dpop":          "github.com/rsguard/rsguard/dpop",
	"idtoken":       "github.com/rsguard/rsguard/idtoken",
	"introspection": "github.com/rsguard/rsguard/introspection",
	"issuers":       "github.com/rsguard/rsguard/issuers",
	"jwks":          "github.com/rsguard/rsguard/jwks",
	"middleware":    "github.com/rsguard/rsguard/middleware",
	"readiness":     "github.com/rsguard/rsguard/readiness",
	"revocation":    "github.com/rsguard/rsguard/revocation",
	"testutil":      "github.com/rsguard/rsguard/testutil",
	"validator":     "github.com/rsguard/rsguard/validator",
}

var (
	declaration = regexp.MustCompile(`^(func|type|var|const) `)
	definition  = regexp.MustCompile(`(?m)^([\w, ]+) :=`)
	selector    = regexp.MustCompile(`\b(\w+)\.[A-Z]`)
	word        = regexp.MustCompile(`\w+`)
)

// importing returns the import declaration for the packages that code names.
func importing(code string) string {
	var s strings.Builder
	s.WriteString("import (\n")
	seen := map[string]bool{}
	for _, m := range selector.FindAllStringSubmatch(code, -1) {
		if path, ok := imports[m[1]]; ok && !seen[path] {
			seen[path] = true
			fmt.Fprintf(&s, "\t%q\n", path)
		}
	}
	s.WriteString(")\n\n")
	return s.String()
}

// fileText wraps a fragment into a file: declarations as they are, statements
// in a function.
func (b block) fileText() string {
	if b.program() {
		return b.code
	}
	var s strings.Builder
	s.WriteString("package fragment\n\n" + importing(b.code))
	if !b.statements() {
		fmt.Fprintf(&s, "//line %s:%d\n%s", b.file, b.line, b.code)
		return s.String()
	}
	fmt.Fprintf(&s, "func _() {\n//line %s:%d\n%s", b.file, b.line, b.code)
	// A fragment may define what only the text after it uses.
	for _, m := range definition.FindAllStringSubmatch(b.code, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			// A loop's variables have "for" before them, and are used in it.
			if name = strings.TrimSpace(name); name != "_" && !strings.HasPrefix(m[1], "for ") {
				fmt.Fprintf(&s, "\t_ = %s\n", name)
			}
		}
	}
	s.WriteString("}\n")
	return s.String()
}
