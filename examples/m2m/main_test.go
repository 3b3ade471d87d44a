package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestTour(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}

	rows := regexp.MustCompile(`(?m)^(\S.*?) {2,}(\d+) {2,}(\S.*)$`).FindAllStringSubmatch(out.String(), -1)
	const good = "200 stock for demo-client of org_demo"
	want := []struct{ asked, response string }{
		{"1", good},
		{"0", good},
		{"0", "401 Unauthorized"},
		{"0", good},
		{"1", good},
		{"0", good},
		{"0", good},
		{"1", "not sent: unavailable"},
		{"1", good},
	}
	if len(rows) != len(want) {
		t.Fatalf("run() printed %d rows, want %d:\n%s", len(rows), len(want), &out)
	}
	for n, row := range rows {
		if row[2] != want[n].asked || row[3] != want[n].response {
			t.Errorf("%s: %s requests, %s, want %s, %s", row[1], row[2], row[3], want[n].asked, want[n].response)
		}
	}
	for _, text := range []string{"clientauth: no new token", "clientauth: the issuer answers again"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("run() printed no %q:\n%s", text, &out)
		}
	}
}
