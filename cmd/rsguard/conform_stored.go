package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rsguard/rsguard/testutil/conform"
)

// compare takes the results of a report and not of a run. Without an earlier
// report, the failures that it calls known stay so.
func (f *conformFlags) compare(out io.Writer, earlier *conform.Report) error {
	if err := f.checkFiles(); err != nil {
		return err
	}
	report, err := readReport(f.stored)
	if err != nil {
		return err
	}
	if earlier != nil {
		report.Compare(earlier)
		fmt.Fprintf(out, "%s, compared with %s\n", runIn(f.stored, report), runIn(f.baseline, earlier))
	}
	if err := f.write(out, report, earlier); err != nil {
		return err
	}
	return f.judge(report)
}

// runIn says which run's report is in a file.
func runIn(file string, r *conform.Report) string {
	return fmt.Sprintf("%s (%s, %.200q, profile %.32q)", file, r.Began.Format(time.DateTime), r.URL, r.Profile)
}

// readReport returns nothing for no name.
func readReport(name string) (*conform.Report, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // there is none to read
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	report, err := conform.ReadReport(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return report, nil
}
