package main

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/examples/internal/tryout"
)

func TestTour(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}

	rows := regexp.MustCompile(`(?m)^(\S.*?) +(\d\d\d)(?: +(\S.*?))? *$`).FindAllStringSubmatch(out.String(), -1)
	want := []struct{ status, challenge string }{
		{"200", ""},
		{"401", `Bearer scope="orders:read"`},
		{"401", `Bearer error="invalid_token", scope="orders:read"`},
		{"401", `Bearer error="invalid_token", scope="orders:read"`},
		{"403", `Bearer error="insufficient_scope", scope="orders:read"`},
		{"200", ""},
	}
	if len(rows) != len(want) {
		t.Fatalf("run() printed %d rows, want %d:\n%s", len(rows), len(want), &out)
	}
	for n, row := range rows {
		if row[2] != want[n].status || row[3] != want[n].challenge {
			t.Errorf("%s: %s %s, want %s %s", row[1], row[2], row[3], want[n].status, want[n].challenge)
		}
	}
	for _, text := range []string{"demo-client@clients", "token_expired", "wrong_audience"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("run() printed no %q:\n%s", text, &out)
		}
	}
}

func TestServe(t *testing.T) {
	issuer := tryout.Start(t, run, "-serve")
	issuer, _, _ = strings.Cut(issuer, " ")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer+".well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || !bytes.Contains(body, []byte(issuer)) {
		t.Errorf("GET the discovery document = %s, %v, want it to name %s", body, err, issuer)
	}
}
