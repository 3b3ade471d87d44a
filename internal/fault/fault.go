// Package fault turns a panic in a program's own function into an error.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// An Error is a panic that was recovered. It says what panicked and where. It
// leaves out the value, which might hold a token or a claim.
type Error struct {
	text   string
	aborts bool
}

// Contain calls run. It returns nil, or its panic as an error. It doesn't
// return if run ends the goroutine by [runtime.Goexit].
func Contain(run func()) (panicked *Error) {
	// A variable tells whether run has returned. The result of recover doesn't,
	// since it is nil after panic(nil) under GODEBUG=panicnil=1.
	returned := false
	defer func() {
		if !returned {
			panicked = Of(recover())
		}
	}()
	run()
	returned = true
	return nil
}

// Of returns what a panic was, for a deferred function that can't be
// [Contain]'s. It must be called while the panic is being recovered.
func Of(recovered any) *Error {
	return &Error{
		text:   fmt.Sprintf("panic of type %T%s", recovered, origin()),
		aborts: recovered == http.ErrAbortHandler,
	}
}

func (e *Error) Error() string { return e.text }

// Aborts reports whether err is a panic with [http.ErrAbortHandler], by which
// an HTTP handler aborts its response.
func Aborts(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.aborts
}

// origin returns the place of the panic that is being recovered, or "" if it is
// not found.
func origin() string {
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
