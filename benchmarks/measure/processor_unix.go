//go:build unix

package measure

import (
	"syscall"
	"time"
)

// Processor returns the processor time that this process has used. Time in
// which other programs have the processor is not in it.
func Processor() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // the arguments are constant
	}

	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
