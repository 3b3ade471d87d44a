package jwks_test

import (
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// No goroutine of the package's is left when all tests are done. A fetch that
// was just told that its time is over gets a moment to end, which is long on a
// busy machine.
func TestMain(m *testing.M) {
	code := m.Run()
	var left string
	for attempt := 0; attempt < 600; attempt++ {
		var b strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
			panic(err)
		}
		if left = b.String(); !strings.Contains(left, "rsguard/jwks.") {
			os.Exit(code)
		}
		<-time.After(100 * time.Millisecond)
	}
	fmt.Printf("goroutines are left:\n%s", left)
	os.Exit(1)
}
