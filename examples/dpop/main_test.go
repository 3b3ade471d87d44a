package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestTour(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}

	const (
		algs    = `, scope="orders:read", algs="ES256 EdDSA PS256 RS256"`
		noNonce = `DPoP error="use_dpop_nonce"` + algs
		noProof = `DPoP error="invalid_dpop_proof"` + algs
		noToken = `DPoP error="invalid_token"` + algs
	)
	rows := regexp.MustCompile(`(?m)^(\S.*?) +(\d\d\d)(?: +(\S.*?))? *$`).FindAllStringSubmatch(out.String(), -1)
	want := []struct{ status, challenge string }{
		{"401", noNonce}, {"200", ""}, {"401", noProof}, {"401", noProof}, {"401", noToken}, {"401", noToken},
	}
	if len(rows) != len(want) {
		t.Fatalf("run() printed %d rows, want %d:\n%s", len(rows), len(want), &out)
	}
	for n, row := range rows {
		if row[2] != want[n].status || row[3] != want[n].challenge {
			t.Errorf("%s: %s %s, want %s %s", row[1], row[2], row[3], want[n].status, want[n].challenge)
		}
	}
	if !strings.Contains(out.String(), "orders for demo-client, who has the key ") {
		t.Errorf("run() printed no answer of the API:\n%s", &out)
	}
}
