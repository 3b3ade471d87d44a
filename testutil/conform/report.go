package conform

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// An Outcome says how a case went.
type Outcome string

// The outcomes.
const (
	Passed Outcome = "passed"
	Failed Outcome = "failed"
	// Skipped cases could not be tried. Result.Got says why.
	Skipped Outcome = "skipped"
)

// A Result is what came of a case.
type Result struct {
	Case

	Outcome Outcome `json:"outcome"`
	// Sent are the requests, at most three, with tokens readable and without
	// their signatures.
	Sent []string `json:"sent,omitempty"`
	// Got is the response, or the reason why the case was skipped.
	Got string `json:"got"`
	// Want is what the response should have been. It is empty if the case has
	// not failed.
	Want string `json:"want,omitempty"`
	// Curl is a command line that repeats the last request, with the token in
	// the variable TOKEN and proofs in PROOF1 and so on. The variables CACERT,
	// CERT and KEY are names of files: the authority of the API's certificate,
	// and the client's certificate with its key. See [Result.Command].
	Curl string `json:"curl,omitempty"`
	// Known says that the baseline has the failure.
	Known bool `json:"known,omitempty"`

	command func() string
}

// A Report is the result of a run.
type Report struct {
	Version  string        `json:"version"`
	URL      string        `json:"url"`
	Profile  Profile       `json:"profile"`
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"took_ns"`
	Requests int           `json:"requests"`
	// Fault says why the run ended early, or why its rejections prove nothing.
	Fault   string   `json:"fault,omitempty"`
	Results []Result `json:"results"`
	// Mended are the cases that failed in the baseline and have passed.
	Mended []string `json:"mended,omitempty"`
}

// Counts are how many cases of a level went how.
type Counts struct{ Passed, Failed, Known, Skipped int }

// Count returns the counts of a level. Known failures are in Failed, too.
func (r *Report) Count(level Level) Counts {
	var n Counts
	for _, result := range r.Results {
		if result.Level == level {
			n.add(result)
		}
	}
	return n
}

func (n *Counts) add(r Result) {
	switch r.Outcome {
	case Passed:
		n.Passed++
	case Failed:
		n.Failed++
		if r.Known {
			n.Known++
		}
	case Skipped:
		n.Skipped++
	}
}

func (n Counts) all() int { return n.Passed + n.Failed + n.Skipped }

// Failures returns the failures of the given levels that no baseline has.
func (r *Report) Failures(levels ...Level) []Result {
	var list []Result
	for _, result := range r.Results {
		for _, level := range levels {
			if result.Level == level && result.Outcome == Failed && !result.Known {
				list = append(list, result)
			}
		}
	}
	return list
}

// Compare marks the failures that an earlier report has, too, and lists what
// has been mended since.
func (r *Report) Compare(earlier *Report) {
	failed := make(map[string]bool)
	for _, result := range earlier.Results {
		failed[result.ID] = result.Outcome == Failed
	}
	r.Mended = nil
	for i := range r.Results {
		result := &r.Results[i]
		result.Known = failed[result.ID] && result.Outcome == Failed
		if failed[result.ID] && result.Outcome == Passed {
			r.Mended = append(r.Mended, result.ID)
		}
	}
}

// maxReport is the largest report that ReadReport reads.
const maxReport = 16 << 20

// ReadReport reads a report that WriteJSON has written.
func ReadReport(in io.Reader) (*Report, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxReport))
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("conform: a report is the JSON that -report FILE.json writes: %w", err)
	}
	if len(r.Results) == 0 {
		return nil, fmt.Errorf("conform: the report has no results")
	}
	return r, nil
}

// WriteJSON writes the whole report.
func (r *Report) WriteJSON(out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// WriteText writes the failures and the counts for people. Those of [May] have
// one line each, the last ones are those of [Must].
func (r *Report) WriteText(out io.Writer) error {
	for _, level := range slices.Backward(Levels()) {
		for _, result := range r.Results {
			if result.Level != level || result.Outcome != Failed {
				continue
			}
			known := ""
			if result.Known {
				known = " (known)"
			}
			if level == May {
				fmt.Fprintf(out, "%-6s %s%s: %s Got %s.\n", upper(level), result.ID, known, result.Title, result.Got)
				continue
			}
			fmt.Fprintf(out, "\n%s %s%s\n  %s\n", upper(level), result.ID, known, result.Title)
			for _, line := range [][2]string{
				{"why", result.Why}, {"section", result.Section}, {"sent", result.lastSent()}, {"got", result.Got}, {"want", result.Want}, {"fix", result.Fix}, {"repeat", result.Curl},
			} {
				if line[1] != "" {
					fmt.Fprintf(out, "  %-8s %s\n", line[0], line[1])
				}
			}
		}
	}
	fmt.Fprintf(out, "\n%-8s %8s %8s %8s %8s\n", "", "passed", "failed", "known", "skipped")
	for _, level := range Levels() {
		n := r.Count(level)
		fmt.Fprintf(out, "%-8s %8d %8d %8d %8d\n", level, n.Passed, n.Failed, n.Known, n.Skipped)
	}
	for _, id := range r.Mended {
		fmt.Fprintf(out, "mended since the baseline: %s\n", id)
	}
	if r.Fault != "" {
		fmt.Fprintf(out, "\n%s\n", r.Fault)
	}
	_, err := fmt.Fprintf(out, "\n%d requests in %v\n", r.Requests, r.Took.Round(time.Second/10))
	return err
}

// lastSent returns the last request in short, for a terminal.
func (r Result) lastSent() string {
	if len(r.Sent) == 0 {
		return ""
	}
	var lines []string
	for line := range strings.Lines(r.Sent[len(r.Sent)-1]) {
		lines = append(lines, cut(strings.TrimSuffix(line, "\n"), 400))
	}
	return strings.Join(lines, "\n           ")
}

func upper(level Level) string {
	return map[Level]string{Must: "MUST", Should: "SHOULD", May: "MAY"}[level]
}
