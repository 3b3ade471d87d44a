package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rsguard/rsguard/benchmarks/rows"
)

// newRequests writes a request for each of n tokens. A request must take little
// time of this process, so that the server limits the load.
func newRequests(issuer *rows.Issuer, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	for i := range requests {
		token, err := issuer.Sign(map[string]any{"jti": fmt.Sprintf("8f0e2c9b6d7a4b1f93c5e0d2%08x", i)})
		if err != nil {
			return nil, err
		}
		requests[i] = fmt.Appendf(nil, "GET /orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: load\r\n"+
			"Accept: application/json\r\nAccept-Encoding: gzip\r\nAuthorization: Bearer %s\r\n\r\n", token)
	}

	return requests, nil
}

// load is a number of closed loops. Each sends a request when it has the
// response to the one before.
type load struct {
	requests [][]byte
	next     atomic.Int64
	conns    []net.Conn
	readers  []*bufio.Reader
}

func newLoad(ctx context.Context, address string, connections int, requests [][]byte) (*load, error) {
	l := &load{requests: requests}
	for range connections {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			l.close()

			return nil, err
		}
		l.conns, l.readers = append(l.conns, conn), append(l.readers, bufio.NewReader(conn))
	}

	return l, nil
}

func (l *load) close() {
	for _, conn := range l.conns {
		_ = conn.Close() // nothing is under way
	}
}

// run sends requests until over, which gets the number of the next one, reports
// true. It returns how many were answered.
func (l *load) run(over func(n int) bool) (answered int, err error) {
	var group sync.WaitGroup
	var done atomic.Int64
	errs := make([]error, len(l.conns))
	for i := range l.conns {
		group.Go(func() {
			for n := 1; !over(n * len(l.conns)); n++ {
				request := l.requests[int(l.next.Add(1))%len(l.requests)]
				if _, errs[i] = l.conns[i].Write(request); errs[i] != nil {
					return
				}
				if errs[i] = readAnswer(l.readers[i]); errs[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()

	return int(done.Load()), errors.Join(errs...)
}

var (
	status200 = []byte("HTTP/1.1 200 OK\r\n")
	length    = []byte("Content-Length: ")
)

// readAnswer reads one response, which must be 200 and short enough for
// net/http to give it a Content-Length.
func readAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Equal(line, status200) {
		return fmt.Errorf("the answer is %q, want 200", strings.TrimSpace(string(line)))
	}
	body := -1
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if digits, ok := bytes.CutPrefix(line, length); ok {
			body = 0
			for _, digit := range bytes.TrimSpace(digits) {
				body = body*10 + int(digit-'0')
			}
		}
	}
	if body < 0 {
		return errors.New("an answer without Content-Length")
	}
	_, err = r.Discard(body)

	return err
}
