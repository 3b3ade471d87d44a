package dpop_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// The examples of RFC 9449, with the one key that all of them have.
const (
	rfcHeader = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik" +
		"VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR" +
		"nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE" +
		"QSIsImNydiI6IlAtMjU2In19."

	// Section 4.1, Figure 2, and Section 5, Figure 5.
	rfcTokenRequest = rfcHeader + "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj" +
		"oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia" +
		"WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg" +
		"4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"

	// Section 5, Figure 7.
	rfcRefresh = rfcHeader + "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj" +
		"oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia" +
		"WF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5Qs" +
		"GSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA"

	// Section 7.1, Figure 13.
	rfcResource = rfcHeader + "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj" +
		"oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z" +
		"WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF" +
		"c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E" +
		"OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"

	// Section 6.1, Figure 9.
	rfcThumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

func TestVerify_rfc9449(t *testing.T) {
	t.Parallel()

	resource := dpop.Request{Method: "GET", URL: "https://resource.example.org/protectedresource", Proofs: []string{rfcResource}, Token: rfcToken}
	changed := func(change func(*dpop.Request)) dpop.Request {
		r := resource
		change(&r)
		return r
	}
	for _, tt := range []struct {
		name    string
		request dpop.Request
		now     int64
		want    string // in the text of the error; "" for none
	}{
		{"Figure 13", resource, 1562262618, ""},
		{"Figure 13, a minute later", resource, 1562262678, ""},
		{"Figure 13, over a minute later", resource, 1562262679, "ago"},
		{"Figure 13 by POST", changed(func(r *dpop.Request) { r.Method = "POST" }), 1562262618, "htm"},
		{"Figure 13 for another resource", changed(func(r *dpop.Request) { r.URL += "s" }), 1562262618, "htu"},
		{"Figure 13 with another token", changed(func(r *dpop.Request) { r.Token += "X" }), 1562262618, "ath"},
		{"Figure 13 with another signature", changed(func(r *dpop.Request) { r.Proofs = []string{strings.Replace(rfcResource, "2oW9", "2oW8", 1)} }), 1562262618, "signature"},
		// The proofs for a token endpoint are for another audience: they have
		// no ath, and all else of them is right.
		{"Figure 2", dpop.Request{Method: "POST", URL: "https://server.example.com/token", Proofs: []string{rfcTokenRequest}, Token: rfcToken}, 1562262616, "ath is missing"},
		{"Figure 7", dpop.Request{Method: "POST", URL: "https://server.example.com/token", Proofs: []string{rfcRefresh}, Token: rfcToken}, 1562265296, "ath is missing"},
	} {
		v := newVerifier(t, func(cfg *dpop.Config) { cfg.Now = func() time.Time { return time.Unix(tt.now, 0) } })
		proof, err := v.Verify(tt.request)
		switch {
		case tt.want != "":
			if validator.CodeOf(err) != bad || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Verify(%s) error = %v, want code %q with %q in its text", tt.name, err, bad, tt.want)
			}
		case err != nil:
			t.Errorf("Verify(%s) error = %v", tt.name, err)
		case proof.Thumbprint != rfcThumbprint:
			t.Errorf("Verify(%s) thumbprint = %q, want %q", tt.name, proof.Thumbprint, rfcThumbprint)
		}
	}
}
