package conform

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"time"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Error   *junitMessage `xml:"error,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, with a test suite for each group.
// Known failures, and those of [May], are skipped tests there.
func (r *Report) WriteJUnit(out io.Writer) error {
	all := junitSuites{Name: "rsguard conform", Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	for _, result := range r.Results {
		n := slices.IndexFunc(all.Suites, func(s junitSuite) bool { return s.Name == result.Group() })
		if n < 0 {
			n = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: result.Group(), Timestamp: r.Began.Format(time.RFC3339)})
		}
		suite := &all.Suites[n]
		c := junitCase{Class: "conform." + result.Group(), Name: result.ID}
		switch {
		case result.Outcome == Failed && !result.Known && result.Level != May:
			c.Failure = &junitMessage{result.Title, string(result.Level), result.details()}
			suite.Failures++
		case result.Outcome == Failed:
			c.Skipped = &junitMessage{Message: "failed, and does not count: " + result.Title, Text: result.details()}
			suite.Skipped++
		case result.Outcome == Skipped:
			c.Skipped = &junitMessage{Message: result.Got}
			suite.Skipped++
		}
		suite.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	if r.Fault != "" {
		all.Suites = append(all.Suites, junitSuite{Name: "run", Tests: 1, Errors: 1, Timestamp: r.Began.Format(time.RFC3339), Cases: []junitCase{
			{Class: "conform.run", Name: "run", Error: &junitMessage{Message: r.Fault}},
		}})
	}
	for _, suite := range all.Suites {
		all.Tests, all.Failures, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Skipped+suite.Skipped
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(out)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func (r Result) details() string {
	text := r.Title + "\n"
	for _, line := range [][2]string{
		{"why", r.Why}, {"section", r.Section}, {"got", r.Got}, {"want", r.Want}, {"fix", r.Fix}, {"repeat", r.Curl},
	} {
		if line[1] != "" {
			text += line[0] + ": " + line[1] + "\n"
		}
	}
	for _, sent := range r.Sent {
		text += "sent: " + sent + "\n"
	}
	return text
}
