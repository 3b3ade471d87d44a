package rows_test

import (
	"reflect"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/rows"
)

// A row counts only if it does the whole work: it reads the claims of the good
// token and rejects every bad one.
func TestRows(t *testing.T) {
	t.Parallel()

	for _, alg := range rows.Algorithms {
		issuer := newIssuer(t, alg)

		for _, row := range rows.All() {
			t.Run(alg+"/"+row.Name, func(t *testing.T) {
				t.Parallel()

				testRow(t, row, issuer)
			})
		}
	}
}

func testRow(t *testing.T, row rows.Row, issuer *rows.Issuer) {
	t.Helper()
	checker, err := row.Open(t.Context(), issuer)
	if err != nil {
		t.Fatalf("Open() error = %v, want nil", err)
	}

	if got, err := checker(issuer.Token)(); err != nil || !reflect.DeepEqual(got, rows.Want) {
		t.Errorf("check of the good token = %+v, %v, want %+v, nil", got, err, rows.Want)
	}

	for what, token := range issuer.Bad {
		if row.Name == rows.Signature && (what == "issuer" || what == "audience" || what == "expiry") {
			continue // the signature of these is right
		}
		if got, err := checker(token)(); err == nil {
			t.Errorf("check of a token with the wrong %s = %+v, nil, want an error", what, got)
		}
	}

	if got, err := checker(issuer.Token)(); err != nil || !reflect.DeepEqual(got, rows.Want) {
		t.Errorf("check of the good token after the bad ones = %+v, %v, want %+v, nil", got, err, rows.Want)
	}
}

func newIssuer(t *testing.T, alg string) *rows.Issuer {
	t.Helper()
	issuer, err := rows.NewIssuer(alg)
	if err != nil {
		t.Fatalf("NewIssuer(%q) error = %v, want nil", alg, err)
	}
	t.Cleanup(issuer.Close)

	return issuer
}
