package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// The exit codes of conform beside 0 and 2.
const (
	exitFailures = 1 // of cases
	exitNotTried = 3 // the run could not begin, or came to no end
)

// conformFlags are the command line of conform.
type conformFlags struct {
	target                           conform.Target
	issuerAddr, issuerURL, algorithm string
	https, anywhere, list, hold      bool
	caFile, apiCA, baseline, stored  string
	reports, headers                 []string
	wait                             time.Duration
	only, failOn                     string
	profile                          string
}

func (f *conformFlags) parse(args []string, errOut io.Writer) error {
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	text := func(to *string, name, value, about string) { flags.StringVar(to, name, value, about) }
	list := func(to *[]string, name, about string) {
		flags.Func(name, about, func(value string) error { *to = append(*to, value); return nil })
	}
	text(&f.issuerAddr, "issuer-addr", "127.0.0.1:9650", "let the mock issuer listen on this `address`")
	text(&f.issuerURL, "issuer-url", "", "the mock issuer's `URL`, if it is not the scheme and the address")
	flags.BoolVar(&f.anywhere, "insecure-listen-anywhere", false, "let the mock issuer listen on other addresses than loopback, such as for an API in a container")
	flags.BoolVar(&f.https, "issuer-tls", false, "serve the mock issuer by https, with a certificate of an authority of its own")
	text(&f.caFile, "issuer-ca", "rsguard-ca.pem", "with -issuer-tls, write that authority's certificate to this `file`, for the API to trust")
	text(&f.algorithm, "algorithm", "", "sign tokens by this `algorithm` (default RS256, and PS256 for fapi2)")
	text(&f.target.Audience, "audience", mockissuer.DefaultAudience, "the API's `audience`")
	text(&f.target.Scope, "scope", "", "the `scopes` that the API requires, separated by spaces")
	text(&f.profile, "profile", string(conform.ProfileJWT), "the `form` of the tokens and its rules: jwt, rfc9068, auth0, keycloak, fapi2 or mcp")
	flags.BoolVar(&f.target.DPoP, "dpop", false, "the API accepts tokens that are bound to a key (RFC 9449)")
	flags.BoolVar(&f.target.MTLS, "mtls", false, "the API accepts tokens that are bound to a certificate (RFC 8705)")
	flags.BoolVar(&f.target.Metadata, "metadata", false, "the API has protected resource metadata (RFC 9728)")
	text(&f.target.Method, "method", http.MethodGet, "the `method` of the requests")
	text(&f.target.Body, "body", "", "the `body` of the requests")
	list(&f.headers, "header", "add this `field` to the requests, such as 'Accept: application/json'; may be repeated")
	text(&f.apiCA, "api-ca", "", "trust the authorities in this PEM `file` for the API's certificate")
	text(&f.target.Log, "log", "", "look for tokens in this `file`, which the API logs to")
	list(&f.reports, "report", "write a report to this `file`: .json, .xml (JUnit) or .html; may be repeated")
	text(&f.baseline, "baseline", "", "failures that this `file`, an earlier report in JSON, has too do not count")
	text(&f.stored, "stored", "", "send nothing, and take the results of this `file`, an earlier report in JSON: to compare it with -baseline, or to write it in another form")
	text(&f.failOn, "fail-on", string(conform.Should), "the lowest `level` whose failures count: must, should or may")
	flags.DurationVar(&f.wait, "wait", 5*time.Minute, "how long to wait until the API accepts a good token")
	flags.DurationVar(&f.target.Patience, "patience", conform.DefaultPatience, "how long the API may take to accept a token of a new key")
	flags.BoolVar(&f.target.Slow, "slow", false, "run the cases that wait for the API's cache of keys, too: up to an hour")
	text(&f.only, "only", "", "run these cases or groups alone, separated by commas, such as time,request/query")
	flags.BoolVar(&f.hold, "hold", false, "after the run, print a command line with its token for each failure, and keep the mock issuer running until interrupted; with -only, so that the key has not been changed")
	flags.BoolVar(&f.list, "list", false, "list the cases for these flags and exit: what would be sent, and why")
	if err := parse(flags, args, errOut, 1); err != nil {
		return err
	}
	f.target.URL = flags.Arg(0)
	return f.check()
}

func (f *conformFlags) check() error {
	f.target.Profile = conform.Profile(f.profile)
	if f.only != "" {
		f.target.Only = strings.Split(f.only, ",")
	}
	f.target.Header = make(http.Header)
	for _, field := range f.headers {
		name, value, ok := strings.Cut(field, ":")
		if !ok {
			return misuse("-header %s is not a name, a colon and a value", quoted(field))
		}
		f.target.Header.Add(name, strings.TrimSpace(value))
	}
	if f.target.Profile == conform.ProfileFAPI2 {
		f.target.DPoP = true
		f.algorithm = cmp.Or(f.algorithm, "PS256")
	}
	f.algorithm = cmp.Or(f.algorithm, "RS256")
	if !mockissuer.Asymmetric(f.algorithm) {
		return misuse("-algorithm %s is none that a key set has keys for", quoted(f.algorithm))
	}
	if !slices.Contains(conform.Levels(), conform.Level(f.failOn)) {
		return misuse("-fail-on %s is none of must, should and may", quoted(f.failOn))
	}
	for _, file := range f.reports {
		if reportWriter(file) == nil {
			return misuse("-report %s: its name ends with none of .json, .xml and .html", file)
		}
	}
	switch {
	case f.stored != "" && (f.target.URL != "" || f.list || f.hold || f.only != ""):
		return misuse("-stored sends nothing: it goes with -baseline, -report and -fail-on alone")
	case f.stored != "":
		return nil
	case f.target.URL == "" && !f.list:
		return misuse("the URL of the API is missing, such as http://127.0.0.1:8080/orders")
	case f.target.URL == "":
		f.target.URL = "https://api.example.com/"
	}
	if _, _, err := net.SplitHostPort(f.issuerAddr); err != nil {
		return misuse("-issuer-addr %s is not an address with a port, such as 127.0.0.1:9650", f.issuerAddr)
	}
	if !f.anywhere && !loopback(f.issuerAddr) {
		return misuse("%s is not a loopback address: everyone who reaches it could get any token (-insecure-listen-anywhere allows it)", f.issuerAddr)
	}
	return nil
}

// conformance runs the command conform. That it found failures is the only
// reason for the exit code 1.
func conformance(ctx context.Context, args []string, _ io.Reader, out, errOut io.Writer) error {
	var f conformFlags
	if err := f.parse(args, errOut); err != nil {
		return err
	}
	err := f.run(ctx, out)
	if err == nil || errors.As(err, new(misuseError)) || errors.As(err, new(exitError)) {
		return err
	}
	return exitError{exitNotTried, err}
}

func (f *conformFlags) run(ctx context.Context, out io.Writer) error {
	if f.apiCA != "" {
		text, err := os.ReadFile(f.apiCA)
		if err != nil {
			return err
		}
		f.target.RootCAs = x509.NewCertPool()
		if !f.target.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s has no certificate in PEM", f.apiCA)
		}
	}
	earlier, err := readReport(f.baseline)
	if err != nil {
		return err
	}
	if f.stored != "" {
		return f.compare(out, earlier)
	}
	if f.list {
		return listCases(out, f.target)
	}
	if err := f.checkFiles(); err != nil {
		return err
	}

	iss, stop, err := f.startIssuer()
	if err != nil {
		return err
	}
	defer stop()
	runner, err := conform.New(f.target, iss)
	if err != nil {
		return misuseError{error: err}
	}
	f.sayConfiguration(out, iss)
	f.sayPlan(out)

	waiting, cancel := context.WithTimeout(ctx, f.wait)
	defer cancel()
	if err := runner.Wait(waiting, func(response string) { fmt.Fprintf(out, "waiting: %s\n", response) }); err != nil {
		return err
	}
	report, err := runner.Run(ctx, newProgress(out))
	if report == nil {
		return err
	}
	if earlier != nil {
		report.Compare(earlier)
	}
	if err := f.write(out, report, earlier); err != nil {
		return err
	}
	f.holdFor(ctx, out, report)
	if err != nil {
		return err
	}
	return f.judge(report)
}

// judge returns the exit code of a report.
func (f *conformFlags) judge(report *conform.Report) error {
	switch {
	case report.Fault != "":
		return exitError{exitNotTried, errTold}
	case len(report.Failures(f.counted()...)) > 0:
		return exitError{exitFailures, errTold}
	}
	return nil
}

// checkFiles fails before the run begins rather than when it has ended.
func (f *conformFlags) checkFiles() error {
	if f.target.Log != "" {
		if _, err := os.Stat(f.target.Log); err != nil {
			return fmt.Errorf("-log: %w", err)
		}
	}
	for _, name := range f.reports {
		if _, err := os.Stat(filepath.Dir(name)); err != nil {
			return fmt.Errorf("-report: %w", err)
		}
	}
	return nil
}

// holdFor prints how to repeat the failures, and waits until ctx ends if -hold
// is set.
func (f *conformFlags) holdFor(ctx context.Context, out io.Writer, report *conform.Report) {
	var failures []conform.Result // the musts first
	for _, level := range conform.Levels() {
		failures = append(failures, report.Failures(level)...)
	}
	if len(failures) == 0 || ctx.Err() != nil {
		return
	}
	if !f.hold {
		fmt.Fprintf(out, "\nTo repeat a failure with curl, add -only and its id, and -hold, such as\n-only %s -hold\n", failures[0].ID)
		return
	}
	for _, result := range failures {
		fmt.Fprintf(out, "\n# %s\n%s\n", result.ID, result.Command())
	}
	fmt.Fprintln(out, "\nThe mock issuer runs until this is interrupted.")
	<-ctx.Done()
}

// counted returns the levels whose failures count.
func (f *conformFlags) counted() []conform.Level {
	levels := conform.Levels()
	return levels[:slices.Index(levels, conform.Level(f.failOn))+1]
}

// startIssuer starts the mock issuer of the run.
func (f *conformFlags) startIssuer() (iss *mockissuer.Issuer, stop func(), err error) {
	listener, err := net.Listen("tcp", f.issuerAddr)
	if err != nil {
		return nil, nil, err
	}
	cfg := mockissuer.Demo()
	cfg.Algorithms = []string{f.algorithm}
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.URL = f.issuerURL
	if cfg.URL == "" {
		if err := nameAfter(&cfg, listener.Addr()); err != nil {
			return nil, nil, errors.Join(err, listener.Close())
		}
		if f.https {
			cfg.URL = strings.Replace(cfg.URL, "http:", "https:", 1)
			cfg.Domains = nil
		}
	}
	if err := trustable([]string{cfg.URL}); err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	if iss, err = mockissuer.New(cfg); err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	if _, err := iss.KeyIDs(); err != nil {
		return nil, nil, errors.Join(err, iss.Close(), listener.Close())
	}
	server := &http.Server{Handler: iss, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	if f.https {
		host, err := url.Parse(cfg.URL)
		if err != nil {
			return nil, nil, err
		}
		if server.TLSConfig, err = newAuthority(f.caFile, host.Hostname()); err != nil {
			return nil, nil, errors.Join(err, iss.Close(), listener.Close())
		}
		go func() { _ = server.ServeTLS(listener, "", "") }() // ends with stop
	} else {
		go func() { _ = server.Serve(listener) }() // ends with stop
	}
	return iss, func() { _ = server.Close(); _ = iss.Close() }, nil
}

// listCases prints the cases with their sections.
func listCases(out io.Writer, target conform.Target) error {
	if _, err := conform.New(target, new(mockissuer.Issuer)); err != nil {
		return misuseError{error: err}
	}
	for _, c := range conform.Cases(target) {
		if _, err := fmt.Fprintf(out, "%-40s %-6s %-32s %s\n", c.ID, c.Level, cmp.Or(c.Section, "no standard"), c.Title); err != nil {
			return err
		}
	}
	return nil
}

// sayPlan says what will be sent, before anything is.
func (f *conformFlags) sayPlan(out io.Writer) {
	cases := conform.Cases(f.target)
	fmt.Fprintf(out, "\nOnce the API accepts a good token (a request a second, for %v at most), the run\nbegins: %d cases, some %d requests one after the other, %s to\n\n  %s\n\n"+
		"and to nothing else but loopback. Meanwhile the mock issuer changes its keys and\nis down at times. -list prints the cases.\n\n"+
		"A dot is a case that has passed, a dash one that was skipped. M, S and m are\nfailures of the levels must, should and may.\n\n",
		f.wait, len(cases), len(cases)+60, f.target.Method, f.target.URL)
}

// newProgress returns a function that writes a line for each group of cases.
func newProgress(out io.Writer) func(conform.Result) {
	group := ""
	return func(r conform.Result) {
		if r.Group() != group {
			group = r.Group()
			fmt.Fprintf(out, "\n%-10s ", group)
		}
		fmt.Fprint(out, mark(r))
	}
}

// mark is one character for a result.
func mark(r conform.Result) string {
	switch {
	case r.Outcome == conform.Passed:
		return "."
	case r.Outcome == conform.Skipped:
		return "-"
	case r.Level == conform.Must:
		return "M"
	case r.Level == conform.Should:
		return "S"
	}
	return "m"
}

// write writes the report as text to out, and to the files.
func (f *conformFlags) write(out io.Writer, report, earlier *conform.Report) error {
	fmt.Fprintln(out)
	if err := report.WriteText(out); err != nil {
		return err
	}
	for _, name := range f.reports {
		file, err := os.Create(name)
		if err != nil {
			return err
		}
		err = reportWriter(name)(report, earlier, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(out, "report in %s\n", name)
	}
	return nil
}

// reportWriter returns what writes a report to a file of that name, or nil.
func reportWriter(name string) func(report, earlier *conform.Report, out io.Writer) error {
	switch {
	case strings.HasSuffix(name, ".json"):
		return func(report, _ *conform.Report, out io.Writer) error { return report.WriteJSON(out) }
	case strings.HasSuffix(name, ".xml"):
		return func(report, _ *conform.Report, out io.Writer) error { return report.WriteJUnit(out) }
	case strings.HasSuffix(name, ".html"):
		return func(report, earlier *conform.Report, out io.Writer) error { return report.WriteHTML(out, earlier) }
	}
	return nil
}
