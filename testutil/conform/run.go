package conform

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
// error with the last response if ctx ends before.
func (r *Runner) Wait(ctx context.Context) error {
	s, err := newSession(ctx, r.target, r.iss)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		token, err := r.iss.Sign(s.good())
		if err != nil {
			return err
		}
		last := s.send(s.bearer(token))
		if last.accepted() {
			return nil
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("the API at %s did not accept a good token: %s", r.target.URL, last)
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
		result.Curl = s.curl(s.repeat)
	}
	return result
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

// curl returns a command line that sends r.
func (s *session) curl(r request) string {
	req, err := s.build(r)
	if err != nil {
		return ""
	}
	line := []string{"curl", "-i"}
	if req.Method == "HEAD" {
		line = []string{"curl", "-I"}
	} else if req.Method != "GET" {
		line = append(line, "-X", req.Method)
	}
	hide := func(text string) string {
		if r.token != "" {
			return strings.ReplaceAll(text, r.token, "$TOKEN")
		}
		return redactField(text)
	}
	for name, fields := range req.Header {
		for _, field := range fields {
			switch name {
			case "User-Agent", "Dpop":
			case "Authorization":
				line = append(line, "-H", `"Authorization: `+strings.ReplaceAll(hide(field), `"`, `\"`)+`"`)
			default:
				line = append(line, "-H", quote(name+": "+field))
			}
		}
	}
	if len(req.Header["Dpop"]) > 0 {
		line = append(line, "-H", `"DPoP: $PROOF"`)
	}
	if s.target.Body != "" {
		line = append(line, "--data", quote(s.target.Body))
	}
	target := hide(req.URL.String())
	if strings.Contains(target, "$TOKEN") {
		return strings.Join(append(line, `"`+target+`"`), " ")
	}
	return strings.Join(append(line, quote(target)), " ")
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
