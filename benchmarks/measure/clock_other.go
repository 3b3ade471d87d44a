//go:build !unix

package measure

import "time"

var started = time.Now()

// clock returns the time that has passed, for want of the processor's.
func clock() time.Duration { return time.Since(started) }
