//go:build !unix

package redisserver

// Freeze stops the server so that it takes connections and commands, and
// answers none, as one whose machine hangs. It skips the test where a process
// cannot be stopped.
func (s *Server) Freeze() {
	s.tb.Helper()
	s.tb.Skip("a process cannot be stopped here")
}

// Resume ends what Freeze began. The server then answers what it got.
func (s *Server) Resume() {}
