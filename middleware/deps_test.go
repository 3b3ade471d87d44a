package middleware_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program that uses net/http alone builds no framework and no second JWT
// library.
func TestDependencies(t *testing.T) {
	t.Parallel()

	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list -deps . error = %v", err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 10 {
		t.Fatalf("go list -deps . = %q, want more", packages)
	}
	for _, p := range packages {
		for _, unwanted := range []string{"labstack/", "gin-gonic/", "MicahParks/", "golang-jwt/", "rsguard/testutil", "testing"} {
			if strings.Contains(p, unwanted) {
				t.Errorf("middleware depends on %s", p)
			}
		}
	}
}
