package redisserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/redisserver"
)

// TestMain is also the program that the tests find as redis-server, which
// sends every line back.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "redis-server" {
		os.Exit(m.Run())
	}
	if err := serve(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if slices.Contains(args, "--wrong") {
		return errors.New("Bad directive or wrong number of arguments")
	}
	value := func(name string) string { return args[slices.Index(args, name)+1] }
	l, err := net.Listen("tcp", net.JoinHostPort(value("--bind"), value("--port")))
	if err != nil {
		return err
	}
	fmt.Println("* Ready to accept connections tcp")
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, _ = io.Copy(conn, conn)
		}()
	}
}

// install puts this program on the path as redis-server.
func install(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "redis-server")); err != nil {
		t.Skip(err)
	}
	t.Setenv("PATH", dir)
}

// ask reports whether the server answers in time.
func ask(t *testing.T, addr string, timeout time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		return err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err
}

func TestServer(t *testing.T) {
	install(t)
	s := redisserver.New(t)
	addr := s.Addr()
	answers := func(when string) {
		t.Helper()
		if err := ask(t, addr, time.Minute); err != nil {
			t.Errorf("%s: error = %v, want an answer", when, err)
		}
	}
	refuses := func(when string) {
		t.Helper()
		if err := ask(t, addr, time.Minute); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: error = %v, want a refused connection", when, err)
		}
	}
	answers("new")
	s.Stop()
	refuses("stopped")
	s.Stop()
	s.Restart()
	answers("restarted")
	s.Restart()
	answers("restarted while it ran")
	s.Kill()
	refuses("killed")
	s.Kill()
	s.Restart()
	s.Freeze()
	if err := ask(t, addr, 50*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("frozen: error = %v, want a timeout", err)
	}
	s.Resume()
	answers("resumed")
	s.Freeze()
	s.Kill()
	refuses("killed while it was frozen")
	if s.Addr() != addr {
		t.Errorf("Addr() = %q, want %q as before", s.Addr(), addr)
	}
}

// A recorder is a test that stands for another, of which it keeps the end.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Skip(args ...any)                  { r.stop(fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any)                 { r.stop(fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.stop(fmt.Sprintf(format, args...)) }
func (r *recorder) stop(end string)                   { r.end = end; panic(r) }

func ended(t *testing.T, f func(testing.TB)) (end string) {
	t.Helper()
	r := &recorder{TB: t}
	defer func() {
		if v := recover(); v != nil && v != any(r) {
			panic(v)
		}
		end = r.end
	}()
	f(r)
	return ""
}

func TestNew_missing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if got := ended(t, func(tb testing.TB) { redisserver.New(tb) }); !strings.Contains(got, "installed") {
		t.Errorf("New() without the program ended with %q, want a skip", got)
	}
	t.Setenv("REDIS_ADDR", "192.0.2.1:6379")
	if got := redisserver.Address(t); got != "192.0.2.1:6379" {
		t.Errorf("Address() = %q, want the variable's", got)
	}
}

// A failure says what the program wrote.
func TestNew_wrong(t *testing.T) {
	install(t)
	if got := ended(t, func(tb testing.TB) { redisserver.New(tb, "--wrong") }); !strings.Contains(got, "Bad directive") {
		t.Errorf("New() with a wrong argument ended with %q, want what the program wrote", got)
	}
	if got := ended(t, func(tb testing.TB) {
		s := redisserver.New(tb)
		s.Kill()
		s.Freeze()
	}); !strings.Contains(got, "not running") {
		t.Errorf("Freeze() of a server that was killed ended with %q, want a failure", got)
	}
}
