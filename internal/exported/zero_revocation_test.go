package exported_test

import (
	"testing"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

func zeroRevocations(t *testing.T) {
	l := new(revocation.List)
	claims := &validator.Claims{Issuer: "https://login.example.com/", ID: "1"}
	rejects(t, "List{}.Check()", l.Check(t.Context(), claims))
	if _, err := l.Revoked(t.Context(), claims); err == nil {
		t.Error("List{}.Revoked() error = nil")
	}
	rule := revocation.Rule{Issuer: claims.Issuer, ID: claims.ID, Until: time.Now().Add(time.Hour)}
	if l.Revoke(t.Context(), rule) == nil || l.Apply(rule) == nil {
		t.Error("List{} takes a rule")
	}
	if status := l.Status(); status != (revocation.Status{}) {
		t.Errorf("List{}.Status() = %+v", status)
	}
}

// The zero Rule is for no tokens, and must not be for all.
func zeroRule(t *testing.T) {
	l, err := revocation.New(revocation.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Revoke(t.Context(), revocation.Rule{}); err == nil {
		t.Error("Revoke(Rule{}) error = nil")
	}
}
