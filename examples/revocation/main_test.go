package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// The test's own program is a process of the API too.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "api" {
		if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestTour(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("REDIS_ADDR") == "" {
		t.Skip(errNoRedis)
	}
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatalf("run() = %v\n%s", err, &out)
	}
	for _, want := range []string{
		`signs in`, `process 1: GET /orders: 200`, `process 2: GET /orders: 200`, `process 2: GET /news: 200, and stays open`, `revokes the session`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("run() printed no %q:\n%s", want, &out)
		}
	}
	for _, want := range []string{`process 1: GET /orders: 401`, `process 2: GET /orders: 401`, `process 2: the stream of GET /news ends`} {
		found := regexp.MustCompile(`(?m)^ *([0-9.]+) ms  ` + want + `$`).FindSubmatch(out.Bytes())
		if found == nil {
			t.Errorf("run() printed no %q:\n%s", want, &out)
			continue
		}
		if ms, err := strconv.ParseFloat(string(found[1]), 64); err != nil || ms > 10_000 {
			t.Errorf("%s after %s ms, want it sooner", want, found[1])
		}
	}
}

// Without Redis, the program says so.
func TestNoRedis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("REDIS_ADDR", "")
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil || out.String() != "Nothing was shown: there is no redis-server in PATH, and REDIS_ADDR is not set\n" {
		t.Errorf("run() = %v and %q, want that there is no Redis", err, &out)
	}
}
