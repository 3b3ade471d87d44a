package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
)

// origin is what a server needs to know of the issuer.
type origin struct{ URL, KeySetURL, Algorithm, Token string }

// serveAPI is the main function of the server's process. It reads an origin and
// prints its address. Then, for every line that it reads, it prints the
// processor time that it has used.
func serveAPI(ctx context.Context, name string, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o origin
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	apis := rows.APIs()
	i := slices.IndexFunc(apis, func(api rows.API) bool { return api.Name == name })
	if i < 0 {
		return fmt.Errorf("no API %q", name)
	}
	handler, err := apis[i].Open(ctx, &rows.Issuer{URL: o.URL, KeySetURL: o.KeySetURL, Algorithm: o.Algorithm, Token: o.Token})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", handler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until this process ends

	for answer := listener.Addr().String(); ; answer = strconv.FormatInt(int64(measure.Processor()), 10) {
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
		if _, err := lines.ReadBytes('\n'); err != nil {
			return nil //nolint:nilerr // the process that has started this one is done
		}
	}
}

// pin moves this process off the first core, which is the servers', and reports
// whether it could. It needs the program taskset of util-linux.
func pin(ctx context.Context) bool {
	last := runtime.NumCPU() - 1
	if last < 1 {
		return false
	}
	cmd := exec.CommandContext(ctx, "taskset", "-acp", fmt.Sprintf("1-%d", last), strconv.Itoa(os.Getpid()))
	return cmd.Run() == nil
}

// server is an API in another process.
type server struct {
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	address string
	load    *load
}

func start(ctx context.Context, name string, issuer *rows.Issuer, pinned bool) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{self, "-serve", name}
	if taskset, err := exec.LookPath("taskset"); err == nil && pinned {
		args = append([]string{taskset, "-c", "0"}, args...)
	}
	s := &server{name: name, cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	o, err := json.Marshal(origin{issuer.URL, issuer.KeySetURL, issuer.Algorithm, issuer.Token})
	if err == nil {
		s.address, err = s.ask(string(o))
	}
	if err != nil {
		s.stop()

		return nil, err
	}

	return s, nil
}

func (s *server) ask(line string) (answer string, err error) {
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		return "", err
	}
	answer, err = s.out.ReadString('\n')

	return strings.TrimSpace(answer), err
}

func (s *server) processor() (time.Duration, error) {
	answer, err := s.ask("")
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseInt(answer, 10, 64)

	return time.Duration(ns), err
}

func (s *server) stop() {
	if s.load != nil {
		s.load.close()
	}
	_ = s.in.Close() // and with it the process ends
	_ = s.cmd.Wait()
}

// connect opens the connections and sends every request once, so that the
// measurement begins with everything that a server remembers or fetches at
// first.
func (s *server) connect(ctx context.Context, connections int, requests [][]byte) (err error) {
	if s.load, err = newLoad(ctx, s.address, connections, requests); err != nil {
		return err
	}
	_, err = s.load.run(func(n int) bool { return n > len(requests) })

	return err
}

// take measures one turn.
func (s *server) take(ctx context.Context, turn time.Duration) (result, error) {
	before, err := s.processor()
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	n, err := s.load.run(func(int) bool { return time.Since(began) >= turn || ctx.Err() != nil })
	took := time.Since(began)
	if err != nil {
		return result{}, err
	}
	after, err := s.processor()
	if err != nil {
		return result{}, err
	}

	return result{requests: n, took: took, processor: after - before}, ctx.Err()
}
