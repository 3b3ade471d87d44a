package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`rsguard_decisions_total{code="",issuer="ISSUER",outcome="accepted"} 250`,
		`rsguard_decisions_total{code="insufficient_scope",issuer="ISSUER",outcome="rejected"} 20`,
		`rsguard_decisions_total{code="token_expired",issuer="ISSUER",outcome="rejected"} 12`,
		`rsguard_decisions_total{code="wrong_audience",issuer="ISSUER",outcome="rejected"} 9`,
		`rsguard_decisions_total{code="token_missing",issuer="",outcome="rejected"} 30`,
		`rsguard_remembered_total 249`,
		`rsguard_keys_state{issuer="tenant",state="FRESH"} 1`,
		`20 × server GET /orders/{id} http.response.status_code=403  [rsguard.rejected error.type=insufficient_scope rsguard.issuer=ISSUER]`,
		`rsguard_requests_total{name="ISSUER",outcome="ok",part="keys",request="metadata"} 1`,
		`rsguard_requests_total{name="ISSUER",outcome="ok",part="keys",request="key_set"} 1`,
		`1 × client rsguard metadata rsguard.part=keys http.response.status_code=200`,
		`1 × client rsguard key_set rsguard.part=keys http.response.status_code=200`,
		`"msg":"token accepted"`,
		`"client":"shop"`,
		`"token":"`,
		`"route":"GET /orders/{id}"`,
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("run() printed no %s:\n%s", part, &out)
		}
	}
	if got := strings.Count(out.String(), `"msg":"token accepted"`); got != 2 {
		t.Errorf("%d records of accepted requests, want 2 of 250", got)
	}
	if strings.Contains(out.String(), "eyJ") {
		t.Error("run() printed a token")
	}
}
