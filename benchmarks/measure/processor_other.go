//go:build !unix

package measure

import "time"

var started = time.Now()

// Processor returns the time that has passed, for want of the processor's.
func Processor() time.Duration { return time.Since(started) }
