//go:build unix

package redisserver

import "syscall"

// Freeze stops the server so that it takes connections and commands, and
// answers none, as one whose machine hangs. It skips the test where a process
// cannot be stopped.
func (s *Server) Freeze() {
	s.tb.Helper()
	s.signal(syscall.SIGSTOP)
}

// Resume ends what Freeze began. The server then answers what it got.
func (s *Server) Resume() {
	s.tb.Helper()
	s.signal(syscall.SIGCONT)
}
