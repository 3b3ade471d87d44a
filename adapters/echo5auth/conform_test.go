package echo5auth_test

import (
	"testing"

	"github.com/rsguard/rsguard/internal/conforming"
	"github.com/rsguard/rsguard/testutil/conform"
)

// The adapter on a port, as clients see it.
func TestConformance(t *testing.T) {
	t.Parallel()

	conforming.Run(t, conform.Target{}, conforming.Handler(t, route))
}
