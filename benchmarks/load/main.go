// Command load measures the cost of protection for a whole API under load, over
// real connections. The result is requests per second, as a ratio to the
// unprotected API.
//
//	go run ./load
//	go run ./load -rounds 40 -only 'rsguard'
//
// Each API is a server in a process of its own with one processor. GOMAXPROCS
// is 1, and all servers are pinned to the first core if that is possible. The
// load comes from this process. It has closed loops on connections that stay
// open, and each request has the next of many tokens. The servers take turns in
// short rounds, and the figures are medians of the ratios of a round.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	rounds := flag.Int("rounds", 20, "how many `times` every server has its turn")
	turn := flag.Duration("turn", 500*time.Millisecond, "how long a turn is")
	tokens := flag.Int("tokens", 500, "how many `tokens` are in use")
	connections := flag.Int("connections", 16, "how many `connections` a server has")
	only := flag.String("only", "", "measure the APIs whose name matches the `regexp`, and the unprotected one")
	serve := flag.String("serve", "", "be the server of the `API`, for the process that has started this one")
	flag.Parse()
	if *serve != "" {
		return serveAPI(ctx, *serve, os.Stdin, out)
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *rounds < 1 || *turn <= 0 || *tokens < 1 || *connections < 1 || flag.NArg() > 0 {
		flag.Usage()

		return fmt.Errorf("arguments %q", os.Args[1:])
	}

	issuer, err := rows.NewIssuer("RS256")
	if err != nil {
		return err
	}
	defer issuer.Close()
	requests, err := newRequests(issuer, *tokens)
	if err != nil {
		return err
	}

	pinned := pin(ctx)
	var servers []*server
	for _, api := range rows.APIs() {
		if api.Role != rows.Yardstick && !pattern.MatchString(api.Name) {
			continue
		}
		s, err := start(ctx, api.Name, issuer, pinned)
		if err != nil {
			return fmt.Errorf("%s: %w", api.Name, err)
		}
		defer s.stop()
		if err := s.connect(ctx, *connections, requests); err != nil {
			return fmt.Errorf("%s: %w", api.Name, err)
		}
		servers = append(servers, s)
	}

	results := make([][]result, len(servers))
	for round := range *rounds {
		for j := range servers {
			// Each round begins with another server, so that none always
			// follows the same one.
			i := (round + j) % len(servers)
			r, err := servers[i].take(ctx, *turn)
			if err != nil {
				return fmt.Errorf("%s: %w", servers[i].name, err)
			}
			results[i] = append(results[i], r)
		}
	}

	fmt.Fprintf(out, "%s, %s/%s, RS256, %d tokens in turn, %d connections, %d rounds of %v, pinned: %v\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, *tokens, *connections, *rounds, *turn, pinned)
	fmt.Fprintln(out, "| | requests per second of processor time | requests per second |")
	fmt.Fprintln(out, "| --- | ---: | ---: |")
	for i, s := range servers {
		fmt.Fprintf(out, "| %s | %.2f | %.2f |\n", s.name,
			ratio(results[i], results[0], result.perProcessorSecond), ratio(results[i], results[0], result.perSecond))
	}
	var absolute []string
	for i, s := range servers {
		absolute = append(absolute, fmt.Sprintf("%s %.1f µs", s.name, 1e6/median(results[i], result.perProcessorSecond)))
	}
	fmt.Fprintf(out, "\nProcessor time for a request: %s\n", strings.Join(absolute, ", "))

	return nil
}

// A result is the figures of one server's turn.
type result struct {
	requests        int
	took, processor time.Duration
}

func (r result) perSecond() float64          { return float64(r.requests) / r.took.Seconds() }
func (r result) perProcessorSecond() float64 { return float64(r.requests) / r.processor.Seconds() }

func median(results []result, of func(result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}

	return measure.Median(values)
}

// ratio returns the median, over the rounds, of a figure divided by that of the
// same round's first server.
func ratio(results, first []result, of func(result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r) / of(first[i])
	}

	return measure.Median(values)
}
