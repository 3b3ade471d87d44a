package main

import (
	"bytes"
	"regexp"
	"testing"
)

func TestTour(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}

	rows := regexp.MustCompile(`(?m)^(\S.*?) {2,}(\d+) {2,}(\S.*)$`).FindAllStringSubmatch(out.String(), -1)
	const none = "400 this browser has begun no such login"
	want := []struct{ asked, response string }{
		{"0", "401 sign in first"},
		{"1", "200 Alice has signed in"},
		{"0", "200 orders of auth0|alice"},
		{"1", "200 orders of auth0|alice"},
		{"0", none},
		{"0", none},
		{"0", none},
		{"0", "401 sign in first"},
	}
	if len(rows) != len(want) {
		t.Fatalf("run() printed %d rows, want %d:\n%s", len(rows), len(want), &out)
	}
	for n, row := range rows {
		if row[2] != want[n].asked || row[3] != want[n].response {
			t.Errorf("%s: %s requests, %s, want %s, %s", row[1], row[2], row[3], want[n].asked, want[n].response)
		}
	}
}
