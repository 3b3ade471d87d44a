// Package redisserver starts a Redis for a test, which may stop it, kill it,
// freeze it and start it again.
//
//	s := redisserver.New(t)
//	client := redis.NewClient(&redis.Options{Addr: s.Addr()})
//	s.Kill()
//	s.Restart()
package redisserver

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to start or to stop, on a machine
// with much to do.
const patience = time.Minute

// A Server is a redis-server on a loopback port that it keeps. It stores
// nothing on disk unless its arguments say so. Its methods end the test if they
// fail, so they are for the test's goroutine alone.
type Server struct {
	tb     testing.TB
	path   string
	dir    string
	addr   string
	args   []string
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// New starts a Server with further arguments of redis-server, and ends it with
// the test. It skips the test if neither redis-server nor valkey-server is
// installed.
func New(tb testing.TB, args ...string) *Server {
	tb.Helper()

	path, err := exec.LookPath("redis-server")
	if err != nil {
		path, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		tb.Skip("neither redis-server nor valkey-server is installed")
	}

	// The port may be taken by another program before the server has it. Then
	// it fails to start, and so does the test.
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, path: path, dir: tb.TempDir(), addr: l.Addr().String(), args: args}
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}

	tb.Cleanup(s.Kill)
	s.start()
	return s
}

// Address returns the address of the Redis that the environment variable
// REDIS_ADDR names, which other tests use at the same time, or of a new one.
func Address(tb testing.TB) string {
	tb.Helper()
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		return addr
	}
	return New(tb).Addr()
}

// Addr returns the host and port of the server, also while it is stopped.
func (s *Server) Addr() string { return s.addr }

// Stop lets the server end as it does when its machine shuts down.
func (s *Server) Stop() {
	s.tb.Helper()
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGTERM)
	select {
	case <-s.exited:
		s.cmd = nil
	case <-time.After(patience):
		s.tb.Fatalf("%s did not stop in %v", s.path, patience)
	}
}

// Kill ends the server, frozen or not, without time for anything.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.exited
	s.cmd = nil
}

// Restart starts the server again, on its port and in its directory, and kills
// it before if it runs.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	s.start()
}

// start returns when the server takes connections.
func (s *Server) start() {
	s.tb.Helper()

	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	out := &output{ready: make(chan struct{})}
	args := []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir}
	ctx := context.WithoutCancel(s.tb.Context())                        // Kill ends it, after the other clean-ups
	cmd := exec.CommandContext(ctx, s.path, append(args, s.args...)...) //nolint:gosec // a test chooses the arguments
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a server that is killed ends with an error
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited

	select {
	case <-out.ready:
	case <-exited:
		s.cmd = nil
		s.tb.Fatalf("%s does not start:\n%s", s.path, out)
	case <-time.After(patience):
		s.tb.Fatalf("%s is not ready after %v:\n%s", s.path, patience, out)
	}
}

func (s *Server) signal(sig os.Signal) {
	s.tb.Helper()
	if s.cmd == nil {
		s.tb.Fatal("the server is not running")
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Fatal(err)
	}
}

// An output keeps what a server writes until it is ready, and drops the rest.
type output struct {
	mu    sync.Mutex
	text  []byte
	ready chan struct{} // closed when the server takes connections
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.ready:
		return len(p), nil
	default:
	}
	o.text = append(o.text, p...)
	if bytes.Contains(o.text, []byte("Ready to accept connections")) {
		close(o.ready)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
