package exported_test

import (
	"testing"

	"github.com/rsguard/rsguard/introspection"
)

func zeroIntrospector(t *testing.T) {
	in := new(introspection.Introspector)
	for _, token := range []string{"", "opaque"} {
		_, err := in.Validate(t.Context(), token)
		rejects(t, "Introspector{}.Validate()", err)
		if report := in.Explain(t.Context(), token); report.Code() == "" {
			t.Errorf("Introspector{}.Explain() = %v", report)
		}
	}
	in.Forget("opaque")
	if status := in.Status(); status.Calls != 0 {
		t.Errorf("Introspector{}.Status() = %+v", status)
	}
}

func zeroChoice(t *testing.T) {
	choice := new(introspection.Choice)
	for _, token := range []string{"", "opaque", "eyJ.a.b"} {
		_, err := choice.Validate(t.Context(), token)
		rejects(t, "Choice{}.Validate()", err)
	}
}

func zeroAuthentication(t *testing.T) {
	for _, cfg := range []introspection.Config{
		{},
		{Issuer: "https://sso.example.com", Audiences: []string{"api"}, ClientID: "api"},
	} {
		if _, err := introspection.New(cfg); err == nil {
			t.Errorf("New(%v) error = nil", cfg)
		}
	}
}
