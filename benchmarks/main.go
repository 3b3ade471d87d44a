// Command benchmarks measures how long rsguard takes to check an access token,
// compared with the bare signature check and with other libraries. It prints
// tables of ratios.
//
//	go run .                       # every row
//	go run . -only 'jwx|rsguard'   # some of them
//	go run . -svg chart.svg        # with a chart
//	go run . -soak 5000000         # validate on all cores and watch the memory
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"

	"github.com/rsguard/rsguard/benchmarks/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	slog.SetLogLoggerLevel(slog.LevelWarn) // that keys were fetched is no news here
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	rounds := flag.Int("rounds", 200, "how many `times` every row has its turn")
	only := flag.String("only", "", "measure the rows whose name matches the `regexp`, and the bare signature")
	svg := flag.String("svg", "", "write a chart to the `file`")
	asJSON := flag.Bool("json", false, "print JSON instead of Markdown")
	validations := flag.Int("soak", 0, "validate this many `tokens` on all processors, and watch the memory, instead")
	flag.Parse()

	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *rounds < 1 || flag.NArg() > 0 {
		flag.Usage()

		return fmt.Errorf("%d rounds and arguments %q", *rounds, flag.Args())
	}

	if *validations > 0 {
		return soak(ctx, os.Stdout, *validations)
	}

	result, err := measureAll(ctx, *rounds, pattern)
	if err != nil {
		return err
	}
	if *svg != "" {
		if err := writeChart(*svg, result); err != nil {
			return err
		}
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(result)
	}

	return result.Markdown(os.Stdout)
}

func writeChart(path string, result report.Report) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := result.SVG(file); err != nil {
		_ = file.Close() // the first error says more

		return err
	}

	return file.Close()
}
