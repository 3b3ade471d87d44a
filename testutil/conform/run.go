package conform

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/useragent"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// Run runs the cases of target as subtests of t, against target.Handler on a
// loopback port or against target.URL. A failure of [Must] or [Should] fails
// its subtest. One of [May] is logged. With a URL, the API must trust an issuer
// that the test starts before, so that [New] is what such a test uses.
//
// The Handler is served with TLS if target.MTLS is set, and with HTTP/2 in any
// case.
func Run(t *testing.T, target Target) {
	t.Helper()
	if target.Handler == nil || target.URL != "" {
		t.Fatal("conform.Run: the Target needs a Handler, and no URL")
	}
	target = target.withDefaults()
	cfg := mockissuer.Demo()
	if target.Profile == ProfileFAPI2 {
		cfg.Algorithms = []string{"PS256"}
	}
	iss := testutil.NewIssuer(t, cfg)
	server := httptest.NewUnstartedServer(target.Handler(iss))
	server.Config.Protocols = allProtocols()
	if target.MTLS {
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
		server.StartTLS()
		target.RootCAs = x509.NewCertPool()
		target.RootCAs.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	target.URL = server.URL + "/orders"

	runner, err := New(target, iss.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range report.Results {
		t.Run(result.ID, func(t *testing.T) { result.report(t) })
	}
	if report.Fault != "" {
		t.Error(report.Fault)
	}
}

func (r Result) report(t *testing.T) {
	t.Helper()
	switch {
	case r.Outcome == Skipped:
		t.Skip(r.Got)
	case r.Outcome == Failed && r.Level == May:
		t.Logf("%s\ngot %s, want %s (%s)", r.Title, r.Got, r.Want, r.Level)
	case r.Outcome == Failed:
		t.Errorf("%s %s\ngot  %s\nwant %s\nfix  %s\nsent %s", r.Title, r.Why, r.Got, r.Want, r.Fix, strings.Join(r.Sent, "\n"))
	}
}

// A Runner runs the cases against one API. It is not safe for concurrent use.
type Runner struct {
	target Target
	iss    *mockissuer.Issuer
}

// New returns a Runner for an API that trusts iss. It sends nothing. The error
// joins all faults of target. The cases rotate the keys of iss, take it down
// and make it fail.
func New(target Target, iss *mockissuer.Issuer) (*Runner, error) {
	if err := target.check(); err != nil {
		return nil, err
	}
	if iss == nil {
		return nil, errors.New("conform: the issuer is nil")
	}
	return &Runner{target.withDefaults(), iss}, nil
}

// Wait sends a good token every second until the API accepts it. It returns an
// error with the last response if ctx ends before. If said is not nil, it is
// called with each response that differs from the one before.
func (r *Runner) Wait(ctx context.Context, said func(response string)) error {
	s, err := newSession(ctx, r.target, r.iss)
	if err != nil {
		return err
	}
	defer s.close()
	last := ""
	for {
		token, err := r.iss.Sign(s.good())
		if err != nil {
			return err
		}
		a := s.send(s.bearer(token))
		if a.accepted() {
			return nil
		}
		if now := a.String(); now != last && ctx.Err() == nil {
			last = now
			if said != nil {
				said(now)
			}
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the API at %s did not accept a good token: %s", r.target.URL, cmp.Or(last, "no response"))
		}
	}
}

// Run runs the cases in order and returns the report. After each case it calls
// progress, unless that is nil. If ctx ends, the report has the cases so far
// and the error is that of ctx. A failed case is no error.
func (r *Runner) Run(ctx context.Context, progress func(Result)) (*Report, error) {
	s, err := newSession(ctx, r.target, r.iss)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.watch.begin(r.target.Log); err != nil {
		return nil, fmt.Errorf("conform: the log of the API: %w", err)
	}
	report := &Report{Version: useragent.Default(), URL: r.target.URL, Profile: r.target.Profile, Began: time.Now().UTC()}
	defer func() { report.Took, report.Requests = time.Since(report.Began), s.watch.sent }()
	defer r.iss.Heal()

	if v := s.acceptsToken(s.good()); v.outcome != Passed {
		report.Fault = "A good token was not accepted when the run began, so no case was tried: " + v.got
		return report, ctx.Err()
	}
	group := 0
	checks := slices.DeleteFunc(r.target.checks(s), func(c check) bool { return !c.only(r.target.Only) || c.Slow && !r.target.Slow })
	for i, c := range checks {
		if ctx.Err() != nil {
			report.Fault = "The run was stopped."
			return report, ctx.Err()
		}
		result := s.try(c)
		if ctx.Err() != nil { // which may be why it has failed
			continue
		}
		report.Results = append(report.Results, result)
		if progress != nil {
			progress(result)
		}
		if i+1 == len(checks) || checks[i+1].Group() != c.Group() {
			s.confirm(report, report.Results[group:])
			group = len(report.Results)
		}
	}
	return report, ctx.Err()
}

// try runs one check.
func (s *session) try(c check) (result Result) {
	s.exchange, s.repeat, s.watch.id = nil, request{}, c.ID
	v := c.run(s)
	result = Result{Case: c.Case, Outcome: v.outcome, Got: v.got, Want: v.want, Sent: s.exchange[:min(len(s.exchange), 3)]}
	if v.outcome == Failed && len(s.exchange) > 0 {
		r := s.repeat
		result.Curl, _ = s.curl(r)
		result.command = func() string {
			line, variables := s.curl(r)
			return variables + line
		}
	}
	return result
}

// Command returns Curl with the values of its variables, for a shell, or
// nothing if the case has not failed or the result was read. Certificates, and
// the keys of those that were made for the run, are written to new files. If
// Target.Certificate is set, CERT and KEY are the caller's to set. Proofs are
// made anew. The key of the token may have been withdrawn since, if other cases were
// run after this one.
func (r Result) Command() string {
	if r.command == nil {
		return ""
	}
	return r.command()
}

// confirm sends a good token after the cases of a group. An API that rejects it
// has rejected the bad ones for no reason of theirs.
func (s *session) confirm(report *Report, group []Result) {
	if s.stuck {
		return
	}
	if _, last, ok := s.acceptedSoon(); !ok && s.ctx.Err() == nil {
		report.Fault = "The API has stopped accepting good tokens, so its rejections prove nothing: " + last.String()
		for i := range group {
			if group[i].Outcome == Passed {
				group[i].Outcome, group[i].Got = Skipped, "a good token was rejected afterwards"
			}
		}
	}
}

// maxArgument is less than Linux allows for an argument.
const maxArgument = 100 << 10

// curl returns a command line that sends r, and the variables of its secrets.
func (s *session) curl(r request) (line, variables string) {
	req, err := s.build(r)
	if err != nil {
		return "", ""
	}
	words := []string{"curl", "-i"}
	switch {
	case req.Method == http.MethodHead:
		words = []string{"curl", "-I"}
	case req.Method != http.MethodGet || req.Body != nil:
		words = append(words, "-X", req.Method)
	}
	switch {
	case r.client != s.http2 && s.url.Scheme == "https":
		words = append(words, "--http1.1") // curl would prefer HTTP/2
	case r.client != s.http2:
	case s.url.Scheme == "http":
		words = append(words, "--http2-prior-knowledge")
	default:
		words = append(words, "--http2")
	}
	options, files := s.certificateFiles(r)
	words, variables = append(words, options...), files
	pipe := ""
	hide := func(text string) string {
		if r.token == "" {
			return quote(text)
		}
		text = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(strings.ReplaceAll(text, r.token, "\x00"))
		return `"` + strings.ReplaceAll(text, "\x00", "$TOKEN") + `"`
	}
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for i, field := range req.Header[name] {
			switch {
			case name == "User-Agent":
			case field == "":
				words = append(words, "-H", quote(strings.Replace(name, "Dpop", "DPoP", 1)+";")) // a colon would take the field away
			case name == "Dpop":
				proof := fmt.Sprintf("PROOF%d", i+1)
				variables += proof + "=" + quote(field) + "\n"
				words = append(words, "-H", `"DPoP: $`+proof+`"`)
			case name == "Authorization" && len(field) > maxArgument:
				pipe = `printf '%s\n' ` + hide(name+": "+field) + " | "
				words = append(words, "-H", "@-")
			case name == "Authorization":
				words = append(words, "-H", hide(name+": "+field))
			default:
				words = append(words, "-H", quote(name+": "+field))
			}
		}
	}
	if req.Body != nil {
		if req.Header.Get("Content-Type") == "" {
			words = append(words, "-H", "'Content-Type:'") // curl would name that of a form
		}
		words = append(words, "--data-binary", quote(s.target.Body))
	}
	target := quote(req.URL.String())
	if r.query != "" {
		target = hide(req.URL.String())
	}
	line = pipe + strings.Join(append(words, target), " ")
	if strings.Contains(line, "$TOKEN") {
		variables = "TOKEN=" + quote(r.token) + "\n" + variables
	}
	return line, variables
}

// certificateFiles returns curl's options for the certificates of r, and the
// lines of a shell that write them to files.
func (s *session) certificateFiles(r request) (options []string, lines string) {
	file := func(option, name, text string) {
		options = append(options, option, `"$`+name+`"`)
		if text != "" {
			lines += name + "=$(mktemp)\nprintf '%s' " + quote(text) + ` >"$` + name + "\"\n"
		}
	}
	if s.target.RootCAs != nil && s.url.Scheme == "https" {
		file("--cacert", "CACERT", s.root.pem())
	}
	if r.client == nil || s.certified[true] != r.client && s.certified[false] != r.client {
		return options, lines
	}
	certificate := s.own
	if r.client == s.certified[false] {
		certificate = s.other
	}
	text, key := "", ""
	if certificate != s.target.Certificate { // whose key is the caller's
		text, key = pemOf(certificate)
	}
	file("--cert", "CERT", text)
	file("--key", "KEY", key)
	return options, lines
}

// quote quotes text for a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func allProtocols() *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &p
}
