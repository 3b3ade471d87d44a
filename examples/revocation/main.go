// Command revocation shows that a token is rejected by every replica of an API
// as soon as its issuer has ended the user's session. A mock issuer, a
// redis-server and two processes of the API run on loopback. A user signs in,
// calls both, and keeps a stream open at one of them. Then the issuer sends a
// logout token to the other. What is printed are the milliseconds as they were.
//
//	cd examples/revocation && go run .
//
// It needs a program redis-server in PATH, or the address of a Redis or Valkey
// in REDIS_ADDR, and says so where there is neither.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run is the program. With arguments, it is one of the API's processes.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 3 && args[0] == "api" {
		return serveAPI(ctx, args[1], args[2], out)
	}
	redis, stop, err := startRedis(ctx)
	if errors.Is(err, errNoRedis) {
		_, err := fmt.Fprintln(out, "Nothing was shown:", err)
		return err
	}
	if err != nil {
		return err
	}
	defer stop()
	return tour(ctx, out, redis)
}

var errNoRedis = errors.New("there is no redis-server in PATH, and REDIS_ADDR is not set")

// startRedis returns the address of a Redis.
func startRedis(ctx context.Context) (addr string, stop func(), err error) {
	if addr := os.Getenv("REDIS_ADDR"); addr != "" {
		return addr, func() {}, nil
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", nil, errNoRedis
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = free.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err := errors.Join(err, free.Close()); err != nil {
		return "", nil, err
	}
	server := exec.CommandContext(ctx, program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	if err := server.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}
	for range 500 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return addr, stop, conn.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	return "", nil, errors.New("redis-server doesn't listen")
}
