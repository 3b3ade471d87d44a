package redisjwks_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A server is a redis-server of a test's own, that it can stop and kill.
type server struct {
	tb   testing.TB
	path string
	addr string
	cmd  *exec.Cmd
}

// newServer starts one on a loopback port. It skips the test if there is no
// redis-server or valkey-server.
func newServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		path, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		tb.Skip("neither redis-server nor valkey-server is installed")
	}
	// The port may be taken by another program before the server has it: then
	// it fails to start, and so does the test.
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{tb: tb, path: path, addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	s.start(args...)
	tb.Cleanup(s.kill)
	return s
}

// start returns when the server takes connections.
func (s *server) start(args ...string) {
	s.tb.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.cmd = exec.Command(s.path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", s.tb.TempDir())
	s.cmd.Args = append(s.cmd.Args, args...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var log []string
	for lines.Scan() {
		log = append(log, lines.Text())
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() {
				for lines.Scan() { // so that the server doesn't wait for a reader
				}
			}()
			return
		}
	}
	s.tb.Fatalf("%s doesn't start:\n%s", s.path, strings.Join(log, "\n"))
}

func (s *server) signal(sig syscall.Signal) {
	s.tb.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.tb.Fatal(err)
	}
}

// kill leaves it no time for anything.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// address is that of a Redis that is there already, as in CI, or of a new one.
func address(tb testing.TB) string {
	tb.Helper()
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		return addr
	}
	return newServer(tb).addr
}

func newClient(tb testing.TB, addr string) *redis.Client {
	tb.Helper()
	client := redis.NewClient(options(addr))
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func options(addr string) *redis.Options {
	return &redis.Options{Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1}
}

func prefix(tb testing.TB) string {
	return "test:" + tb.Name() + ":" + time.Now().Format(time.RFC3339Nano) + ":"
}
