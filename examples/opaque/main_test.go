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

	rows := regexp.MustCompile(`(?m)^(\S.*?) +(\d\d\d) +(\d+)(?: +(\S.*?))? *$`).FindAllStringSubmatch(out.String(), -1)
	want := []struct{ status, asked, challenge string }{
		{"200", "1", ""},
		{"200", "0", ""},
		{"401", "0", `Bearer scope="orders:read"`},
		{"401", "1", `Bearer error="invalid_token", scope="orders:read"`},
		{"401", "1", `Bearer error="invalid_token", scope="orders:read"`},
		{"401", "1", `Bearer error="invalid_token", scope="orders:read"`},
		{"401", "1", `Bearer error="invalid_token", scope="orders:read"`},
		{"503", "1", ""},
		{"200", "0", ""},
	}
	if len(rows) != len(want) {
		t.Fatalf("run() printed %d rows, want %d:\n%s", len(rows), len(want), &out)
	}
	for n, row := range rows {
		if row[2] != want[n].status || row[3] != want[n].asked || row[4] != want[n].challenge {
			t.Errorf("%s: %s %s %s, want %s %s %s", row[1], row[2], row[3], row[4], want[n].status, want[n].asked, want[n].challenge)
		}
	}
	for _, text := range []string{"subject auth0|alice", "token_revoked", "wrong_audience", "unavailable"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("run() printed no %q:\n%s", text, &out)
		}
	}
}
