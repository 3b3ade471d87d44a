package conform

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// hostile serves each request with what answer writes to the connection.
func hostile(t *testing.T, answer func(conn net.Conn, r *http.Request)) *session {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the end of the test
			}
			go func() {
				defer conn.Close()
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					answer(conn, r)
				}
			}()
		}
	}()
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://issuer.example/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = iss.Close() })
	target := Target{URL: "http://" + listener.Addr().String() + "/orders"}.withDefaults()
	s, err := newSession(t.Context(), target, iss)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	s.limits = limits{200 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond}
	return s
}

// untilGone waits until the client has closed the connection.
func untilGone(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// What an API does can't hold up a run, fill its memory, lead it elsewhere, or
// make it take an acceptance for a rejection.
func TestSend_hostile(t *testing.T) {
	t.Parallel()

	elsewhere := hostile(t, func(_ net.Conn, r *http.Request) { t.Errorf("%s was sent elsewhere", r.URL) })
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name   string
		answer func(conn net.Conn, r *http.Request)
		status int // 0 for no response
	}{
		{"it hangs", func(conn net.Conn, _ *http.Request) { untilGone(conn) }, 0},
		{"it hangs in the header", func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, ok+"X: ")
			untilGone(conn)
		}, 0},
		{"it ends the connection", func(net.Conn, *http.Request) {}, 0},
		{"it resets the connection", func(conn net.Conn, _ *http.Request) {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		}, 0},
		{"it answers no HTTP", func(conn net.Conn, _ *http.Request) { _, _ = io.WriteString(conn, "\x1b[2Jhello\r\n\r\n") }, 0},
		{"it sends a header without end", func(conn net.Conn, _ *http.Request) {
			_, err := io.WriteString(conn, ok)
			for err == nil {
				_, err = io.WriteString(conn, "X: "+strings.Repeat("x", 4000)+"\r\n")
			}
		}, 0},
		{"it sends interim responses without end", func(conn net.Conn, _ *http.Request) {
			var err error
			for err == nil {
				_, err = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n")
			}
		}, 0},
		{"the body never comes", func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, ok+"Content-Length: 9\r\n\r\n")
			untilGone(conn)
		}, 200},
		{"the body breaks off", func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, ok+"Content-Length: 9\r\n\r\nabc")
		}, 200},
		{"the body never ends", func(conn net.Conn, _ *http.Request) {
			_, err := io.WriteString(conn, ok+"Transfer-Encoding: chunked\r\n\r\n")
			for err == nil {
				_, err = io.WriteString(conn, "1\r\nx\r\n")
			}
		}, 200},
		{"the body has 100 MB", func(conn net.Conn, _ *http.Request) {
			_, err := io.WriteString(conn, ok+"Content-Length: 100000000\r\n\r\n")
			for range 100 {
				if err == nil {
					_, err = io.WriteString(conn, strings.Repeat("x", 1_000_000))
				}
			}
		}, 200},
		{"it redirects", func(conn net.Conn, _ *http.Request) {
			_, _ = io.WriteString(conn, "HTTP/1.1 307 Temporary Redirect\r\nLocation: "+elsewhere.target.URL+"\r\nContent-Length: 0\r\n\r\n")
		}, 307},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := hostile(t, tt.answer)
			began := time.Now()
			a := s.send(request{authorization: []string{"Bearer x"}})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("send took %v, want less than %v and some", took, s.limits.response+s.limits.body)
			}
			if a.status != tt.status || (a.err == nil) != (tt.status > 0) || len(a.body) > maxResponse {
				t.Errorf("send = %d, %v, a body of %d bytes, want %d", a.status, a.err, len(a.body), tt.status)
			}
			if got := len(s.watch.silent); got > 0 != (tt.status == 0) {
				t.Errorf("%d requests without a response were noticed, want one if there is none", got)
			}
			if strings.ContainsFunc(a.String(), unicode.IsControl) {
				t.Errorf("String = %q, want no control character", a.String())
			}
		})
	}
}

// An API that hangs at all bad tokens is not waited for each time.
func TestSend_timeouts(t *testing.T) {
	t.Parallel()

	s := hostile(t, func(conn net.Conn, _ *http.Request) { untilGone(conn) })
	for i := range 2 * manyTimeouts {
		want := s.limits.response
		if i >= manyTimeouts {
			want = s.limits.afterMany
		}
		a := s.send(request{})
		if !errors.Is(a.err, context.DeadlineExceeded) || !strings.Contains(a.String(), want.String()) {
			t.Errorf("send %d = %s, want a timeout after %v", i, a, want)
		}
	}
}

// A run that is stopped does not wait for the API.
func TestSend_stopped(t *testing.T) {
	t.Parallel()

	s := hostile(t, func(conn net.Conn, _ *http.Request) { untilGone(conn) })
	ctx, cancel := context.WithCancel(t.Context())
	s.ctx, s.limits.response = ctx, time.Minute
	cancel()
	if a := s.send(request{}); !errors.Is(a.err, context.Canceled) {
		t.Errorf("send = %s, want that of the context", a)
	}
}

// Nothing of a token, and nothing that a terminal obeys, comes into a report
// by what the API answers.
func TestSend_echo(t *testing.T) {
	t.Parallel()

	const signature = "c2lnbmF0dXJlLW9mLXNvbWV0aGluZw"
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0." + signature
	for _, tt := range []struct {
		name    string
		control string
		echoes  int
	}{
		{"in an answer", "\u009b2J\u202e\xff", 2}, // in the header and in the body
		{"in what is no answer", "\x1b]0;\x07", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := hostile(t, func(conn net.Conn, r *http.Request) {
				body := r.Header.Get("Authorization") + " " + signature
				fmt.Fprintf(conn, "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer error=\"%s%s\", realm=\"%s\"\r\nLocation: /?%s\r\nContent-Length: %d\r\n\r\n%s",
					tt.control, token, signature, token, len(body), body)
			})
			a := s.send(request{authorization: []string{"Bearer " + token}, token: token})
			if got := a.String() + a.body; strings.Contains(got, signature) {
				t.Errorf("the response is kept as %q, want no token in it", got)
			}
			if got := a.String(); strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("String = %q, want what can be printed alone", got)
			}
			if got := len(s.watch.echoes); got != tt.echoes {
				t.Errorf("%d echoes were noticed, want %d", got, tt.echoes)
			}
		})
	}
}
