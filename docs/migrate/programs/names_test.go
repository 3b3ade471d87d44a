package programs_test

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The packages that the tables name, by the first and by the second column.
var (
	theirs = map[string]map[string]string{
		"echo-jwt": {"echojwt": "github.com/labstack/echo-jwt/v4", "jwt": "github.com/golang-jwt/jwt/v5"},
		"gin-jwt":  {"jwt": "github.com/golang-jwt/jwt/v5"},
		"go-jwt-middleware-v2": {
			"jwtmiddleware": "github.com/auth0/go-jwt-middleware/v2",
			"validator":     "github.com/auth0/go-jwt-middleware/v2/validator",
			"jwks":          "github.com/auth0/go-jwt-middleware/v2/jwks",
		},
		"go-jwt-middleware-v3": {
			"jwtmiddleware": "github.com/auth0/go-jwt-middleware/v3",
			"validator":     "github.com/auth0/go-jwt-middleware/v3/validator",
			"jwks":          "github.com/auth0/go-jwt-middleware/v3/jwks",
		},
		"go-oidc":            {"oidc": "github.com/coreos/go-oidc/v3/oidc"},
		"golang-jwt-keyfunc": {"jwt": "github.com/golang-jwt/jwt/v5", "keyfunc": "github.com/MicahParks/keyfunc/v3"},
		"jwx": {
			"jwt": "github.com/lestrrat-go/jwx/v3/jwt",
			"jwk": "github.com/lestrrat-go/jwx/v3/jwk",
			"jws": "github.com/lestrrat-go/jwx/v3/jws",
			"jwa": "github.com/lestrrat-go/jwx/v3/jwa",
		},
		"okta-jwt-verifier": {},
	}
	ours = map[string]string{
		"dpop":       "github.com/rsguard/rsguard/dpop",
		"echoauth":   "github.com/rsguard/rsguard/adapters/echoauth",
		"ginauth":    "github.com/rsguard/rsguard/adapters/ginauth",
		"issuers":    "github.com/rsguard/rsguard/issuers",
		"jwks":       "github.com/rsguard/rsguard/jwks",
		"middleware": "github.com/rsguard/rsguard/middleware",
		"validator":  "github.com/rsguard/rsguard/validator",
	}
)

var (
	span = regexp.MustCompile("`[^`]*`")
	name = regexp.MustCompile(`\b([a-z0-9]+)\.([A-Z][A-Za-z0-9]*)(?:\.([A-Z][A-Za-z0-9]*))?`)
)

// TestNames holds that the names in the tables exist, on both sides.
func TestNames(t *testing.T) {
	lookUp := newPackages(t)
	checked := 0
	for page := range pages {
		for line := range strings.Lines(read(t, "..", page+".md")) {
			if !strings.HasPrefix(line, "| ") {
				continue
			}
			for i, cell := range strings.SplitN(strings.Trim(line, "| \n"), " | ", 2) {
				of := ours
				if i == 0 {
					of = theirs[page]
				}
				for _, m := range name.FindAllStringSubmatch(strings.Join(span.FindAllString(cell, -1), " "), -1) {
					path, ok := of[m[1]]
					if !ok {
						continue
					}
					checked++
					if err := exists(lookUp(path), m[2], m[3]); err != nil {
						t.Errorf("%s.md: %s: %v", page, m[0], err)
					}
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d names were checked, want those of all tables", checked)
	}
}

// exists looks for a name in a package and, unless it is empty, for a field or
// method of that name.
func exists(pkg *types.Package, name, member string) error {
	object := pkg.Scope().Lookup(name)
	if object == nil {
		return fmt.Errorf("%s has no %s", pkg.Path(), name)
	}
	if member == "" {
		return nil
	}
	if found, _, _ := types.LookupFieldOrMethod(object.Type(), true, pkg, member); found == nil {
		return fmt.Errorf("%s.%s has no %s", pkg.Path(), name, member)
	}
	return nil
}

// newPackages returns a function that returns the package of a path.
func newPackages(t *testing.T) func(path string) *types.Package {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", "./...")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(filepath.Clean(files[path]))
	})
	return func(path string) *types.Package {
		pkg, err := from.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		return pkg
	}
}
