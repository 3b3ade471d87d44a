package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil/conform"
)

// Two reports are compared without a run, and the failures that only the later
// one has count.
func TestConform_stored(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	write := func(name, fault string, outcomes map[string]conform.Outcome) string {
		t.Helper()
		r := conform.Report{URL: "http://127.0.0.1:8080/orders", Profile: conform.ProfileJWT, Fault: fault}
		for _, c := range []conform.Case{
			{ID: "time/expired", Level: conform.Must, Title: "An expired token is rejected."},
			{ID: "challenge/none", Level: conform.Should, Title: "No token gets a challenge."},
			{ID: "request/query", Level: conform.Should, Title: "A token in the query is rejected."},
		} {
			if outcome := outcomes[c.ID]; outcome != "" {
				r.Results = append(r.Results, conform.Result{Case: c, Outcome: outcome, Got: "200"})
			}
		}
		var text bytes.Buffer
		if err := r.WriteJSON(&text); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	earlier := write("a.json", "", map[string]conform.Outcome{"time/expired": conform.Failed, "challenge/none": conform.Failed, "request/query": conform.Passed})
	later := write("b.json", "", map[string]conform.Outcome{"time/expired": conform.Passed, "challenge/none": conform.Failed, "request/query": conform.Failed})
	mended := write("c.json", "", map[string]conform.Outcome{"time/expired": conform.Passed, "challenge/none": conform.Failed, "request/query": conform.Passed})
	stopped := write("d.json", "The API has stopped accepting good tokens.", map[string]conform.Outcome{"time/expired": conform.Passed})
	page := filepath.Join(dir, "page.html")
	for _, tt := range []struct {
		name string
		args []string
		code int
		out  []string
		err  string
	}{
		{"a new failure", []string{"-baseline", earlier, "-stored", later, "-report", page}, 1, []string{"SHOULD request/query\n", "SHOULD challenge/none (known)\n", "mended since the baseline: time/expired", "compared with " + earlier}, ""},
		{"no new failure", []string{"-baseline", earlier, "-stored", mended}, 0, []string{"(known)", "mended since the baseline: time/expired"}, ""},
		{"a report and itself", []string{"-baseline", later, "-stored", later}, 0, []string{"(known)"}, ""},
		{"of a lower level", []string{"-baseline", earlier, "-stored", later, "-fail-on", "must"}, 0, nil, ""},
		{"without a baseline", []string{"-stored", mended}, 1, []string{"SHOULD challenge/none\n"}, ""},
		{"a run that was stopped", []string{"-stored", stopped}, 3, []string{"has stopped accepting"}, ""},
		{"no file", []string{"-stored", later + "x"}, 3, nil, "no such file"},
		{"no report", []string{"-stored", page}, 3, nil, "a report is the JSON"},
		{"a report and an API", []string{"-stored", later, "http://127.0.0.1:1/"}, 2, nil, "-stored sends nothing"},
		{"a report and cases", []string{"-stored", later, "-only", "time"}, 2, nil, "-stored sends nothing"},
	} {
		var out, errOut bytes.Buffer
		code := run(t.Context(), append([]string{"conform"}, tt.args...), strings.NewReader(""), &out, &errOut)
		if code != tt.code || !strings.Contains(errOut.String(), tt.err) || (errOut.Len() > 0) != (tt.err != "") {
			t.Errorf("%s: rsguard conform = %d, %q, want %d with %q\n%s", tt.name, code, errOut.String(), tt.code, tt.err, &out)
		}
		for _, want := range tt.out {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: rsguard conform says\n%s\nwant %q in it", tt.name, &out, want)
			}
		}
	}
	html, err := os.ReadFile(page)
	if err != nil || !bytes.Contains(html, []byte("time/expired")) || !bytes.Contains(html, []byte("request/query")) {
		t.Errorf("the page of a comparison: %v, %d bytes, want the cases in it", err, len(html))
	}
}
