package middleware

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// A fault is a rejection that is no fault of the request, but of the program:
// it has the status 500.
type fault struct{ text string }

func (f *fault) Error() string { return f.text }

// faultOf returns the fault that a recovered panic is. It says what panicked
// and where, but not with what value, which might hold a token or a claim. It
// panics on with a handler's own way to abort a response.
func faultOf(recovered any) *fault {
	if recovered == http.ErrAbortHandler {
		panic(recovered)
	}
	return &fault{text: fmt.Sprintf("panic of type %T%s", recovered, panicOrigin())}
}

// panicOrigin returns the place of the panic that is being recovered, "" if it
// is not found.
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
