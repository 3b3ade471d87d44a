package middleware

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// A fault is a refusal that is no fault of the request, but of the program: it is answered with status 500.
type fault struct{ text string }

func (f *fault) Error() string { return f.text }

// guard is identify, but a panic in it is a [*fault], so that the code of others that runs in it cannot let a request
// through by failing.
func (a *Authenticator) guard(r *http.Request, checks []validator.Check) (id *identity, err error) {
	// Whether it returned is told by a variable, not by what recover returns: that is nil after panic(nil) under
	// GODEBUG=panicnil=1, and the results would be nil as well, which means a request that may pass.
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == http.ErrAbortHandler {
			panic(v)
		}
		id, err = nil, newFault(v)
	}()

	id, err = a.identify(r, checks)
	returned = true
	return id, err
}

// newFault says what panicked and where, but not with what value, which might hold a token or a claim.
func newFault(v any) *fault {
	return &fault{text: fmt.Sprintf("panic of type %T%s", v, panicOrigin())}
}

// panicOrigin returns the place of the panic that is being recovered, "" if it is not found.
func panicOrigin() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(frame.Function, "runtime."):
			return fmt.Sprintf(" in %s (%s:%d)", frame.Function, frame.File, frame.Line)
		}
		if !more {
			return ""
		}
	}
}
