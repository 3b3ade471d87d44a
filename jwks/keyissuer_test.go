package jwks_test

import (
	"testing"

	"github.com/rsguard/rsguard/jwks"
)

func TestKey_SignsFor(t *testing.T) {
	t.Parallel()
	const (
		tenant = "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71"
		others = "9188040d-6c67-4c5b-b112-36a304b66dad"
		v1     = "https://sts.windows.net/"
		v2     = "https://login.microsoftonline.com/"
	)
	for _, tt := range []struct {
		name, keyIssuer, iss, tid string
		want                      bool
	}{
		{"a key of all", "", "https://a/", "", true},
		{"its issuer", "https://a/", "https://a/", "", true},
		{"its issuer, whatever tid", "https://a/", "https://a/", tenant, true},
		{"another issuer", "https://a/", "https://b/", "", false},
		{"its issuer but for the slash", "https://a/", "https://a", "", false},
		{"no issuer", "https://a/", "", "", false},
		{"the template", v2 + "{tenantid}/v2.0", v2 + tenant + "/v2.0", tenant, true},
		{"the template, no tid", v2 + "{tenantid}/v2.0", v2 + tenant + "/v2.0", "", false},
		{"the template, another tid", v2 + "{tenantid}/v2.0", v2 + tenant + "/v2.0", others, false},
		{"the template, no tid and no tenant", v2 + "{tenantid}/v2.0", v2 + "/v2.0", "", false},
		{"the template, an issuer shorter than it", "https://aa/{tenantid}/aa", "https://aa/aa", "a", false},
		{"the template alone", "{tenantid}", tenant, tenant, true},
		{"a template twice", "{tenantid}{tenantid}", "aa", "a", false},
		{"another's key", v2 + others + "/v2.0", v2 + tenant + "/v2.0", tenant, false},
		{"another's key, its tid", v2 + others + "/v2.0", v2 + tenant + "/v2.0", others, false},
		{"version 1.0, the template", v2 + "{tenantid}/v2.0", v1 + tenant + "/", tenant, true},
		{"version 1.0, the template, another tid", v2 + "{tenantid}/v2.0", v1 + tenant + "/", others, false},
		{"version 1.0, the template, no tid", v2 + "{tenantid}/v2.0", v1 + tenant + "/", "", false},
		{"version 1.0, the tenant's key", v2 + tenant + "/v2.0", v1 + tenant + "/", tenant, true},
		{"version 1.0, another's key", v2 + others + "/v2.0", v1 + tenant + "/", tenant, false},
		{"version 1.0 without a slash", v2 + "{tenantid}/v2.0", v1 + tenant, tenant, false},
		{"version 1.0, a key of another host", "https://login.example.com/{tenantid}/v2.0", v1 + tenant + "/", tenant, false},
		{"version 1.0's own name", v1 + "{tenantid}/", v1 + tenant + "/", tenant, true},
		{"version 1.0's own name, a token of 2.0", v1 + "{tenantid}/", v2 + tenant + "/v2.0", tenant, false},
	} {
		key := jwks.Key{Issuer: tt.keyIssuer}
		if got := key.SignsFor(tt.iss, tt.tid); got != tt.want {
			t.Errorf("Key{Issuer: %q}.SignsFor(%q, %q) (%s) = %t, want %t", tt.keyIssuer, tt.iss, tt.tid, tt.name, got, tt.want)
		}
	}
}
