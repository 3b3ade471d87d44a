package forge

import (
	"github.com/rsguard/rsguard/vectors"
)

// The ID tokens of OpenID Connect Core 1.0, Appendices A.2 to A.6, and the key
// of Appendix A.7. Errata set 2 has changed the issuer to https, and so the
// tokens.
const (
	exampleA2 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic" +
		"3ViIjogIjI0ODI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwI" +
		"jogMTMxMTI4MTk3MCwKICJpYXQiOiAxMzExMjgwOTcwLAogIm5hbWUiOiAiSmFuZSBEb2UiLAogImdpdmVuX25hbWUiOiAiSmFuZ" +
		"SIsCiAiZmFtaWx5X25hbWUiOiAiRG9lIiwKICJnZW5kZXIiOiAiZmVtYWxlIiwKICJiaXJ0aGRhdGUiOiAiMDAwMC0xMC0zMSIsC" +
		"iAiZW1haWwiOiAiamFuZWRvZUBleGFtcGxlLmNvbSIsCiAicGljdHVyZSI6ICJodHRwOi8vZXhhbXBsZS5jb20vamFuZWRvZS9tZ" +
		"S5qcGciCn0.NTibBYW_ZoNHGm4ZrWCqYA9oJaxr1AVrJCze6FEcac4t_EOQiJFbD2nVEPkUXPuMshKjjTn7ESLIFUnfHq8UKTGib" +
		"IC8uqrBgQAcUQFMeWeg-PkLvDTHk43Dn4_aNrxhmWwMNQfkjqx3wd2Fvta9j8yG2Qn790Gwb5psGcmBhqMJUUnFrGpyxQDhFIzzo" +
		"dmPokM7tnUxBNj-JuES_4CE-BvZICH4jKLp0TMu-WQsVst0ss-vY2RPdU1MzL59mq_eKk8Rv9XhxIr3WteA2ZlrgVyT0cwH3hlCn" +
		"RUsLfHtIEb8k1Y_WaqKUu3DaKPxqRi6u0rN7RO2uZYPzC454xe-mg"
	exampleA3 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic" +
		"3ViIjogIjI0ODI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwI" +
		"jogMTMxMTI4MTk3MCwKICJpYXQiOiAxMzExMjgwOTcwLAogImF0X2hhc2giOiAiNzdRbVVQdGpQZnpXdEYyQW5wSzlSUSIKfQ.kd" +
		"qTmftlaXg5WBYBr1wkxhkqCGZPc0k8vTiV5g2jj67jQ7XkrDamYx2bOkZLdZrpMPIzkdYB1nZI_G8vQGQuamRhJcEIt21kblGPZ-" +
		"yhEhdkAiZIZLu38rChalDS2Mh0glE_rke5XXRhmqqoEFFdziFdnO3p61-7y51co84OEAZvARSINQaOWIzvioRfs4zwIFOaT33Vpx" +
		"fqr8HDyh31zo9eBW2dSQuCa071z0ENWChWoPliK1JCo_Bk9eDg2uwo2ZwhsvHzj6TMQ0lYOTzufSlSmXIKfjlOsb3nftQeR697_h" +
		"A-nMZyAdL8_NRfaC37XnAbW8WB9wCfECp7cuNuOg"
	exampleA4 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwczovL3NlcnZlci5leGFtcGxlLmNvbSIsCiAic" +
		"3ViIjogIjI0ODI4OTc2MTAwMSIsCiAiYXVkIjogInM2QmhkUmtxdDMiLAogIm5vbmNlIjogIm4tMFM2X1d6QTJNaiIsCiAiZXhwI" +
		"jogMTMxMTI4MTk3MCwKICJpYXQiOiAxMzExMjgwOTcwLAogImNfaGFzaCI6ICJMRGt0S2RvUWFrM1BrMGNuWHhDbHRBIgp9.MRPi" +
		"hYtNIcwKTZ_mcMSPfreVytGR4jfl1Tzbv4tH5Jr4WqONs2lUWrIEpZ2joKbZfAGlouAqwqSYpfR3FQYKYvdgnZ3kjIJ_5M4fAARX" +
		"HVSciGyhfqB-OhDUMXSHzFHiGKNY9TKSgRfiXf_314WRujpqaDtj2uoXbppobYXvAZIxWtsOein0-t91LDS39EW4frNWAopKTBBi" +
		"_XJPlpLVynWTDvNleEBP6UxIMgYJBKlqsP7RGfHTGk3ReXDacR7RGZlIVGa-0qRyDzvNqD7xfu9aYufUP0oBGqdBGgFVNmwJ7rmB" +
		"0gdPtC2eJsXq9svCgBBfhRQZxhx1iLJjNc9nSw"
	firstA2 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd" +
		"WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO" +
		"iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAibmFtZSI6ICJKYW5lIERvZSIsCiAiZ2l2ZW5fbmFtZSI6ICJKYW5lI" +
		"iwKICJmYW1pbHlfbmFtZSI6ICJEb2UiLAogImdlbmRlciI6ICJmZW1hbGUiLAogImJpcnRoZGF0ZSI6ICIwMDAwLTEwLTMxIiwKI" +
		"CJlbWFpbCI6ICJqYW5lZG9lQGV4YW1wbGUuY29tIiwKICJwaWN0dXJlIjogImh0dHA6Ly9leGFtcGxlLmNvbS9qYW5lZG9lL21lL" +
		"mpwZyIKfQ.rHQjEmBqn9Jre0OLykYNnspA10Qql2rvx4FsD00jwlB0Sym4NzpgvPKsDjn_wMkHxcp6CilPcoKrWHcipR2iAjzLvD" +
		"NAReF97zoJqq880ZD1bwY82JDauCXELVR9O6_B0w3K-E7yM2macAAgNCUwtik6SjoSUZRcf-O5lygIyLENx882p6MtmwaL1hd6qn" +
		"5RZOQ0TLrOYu0532g9Exxcm-ChymrB4xLykpDj3lUivJt63eEGGN6DH5K6o33TcxkIjNrCD4XB1CKKumZvCedgHHF3IAK4dVEDSU" +
		"oGlH9z4pP_eWYNXvqQOjGs-rDaQzUHl6cQQWNiDpWOl_lxXjQEvQ"
	firstA3 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd" +
		"WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO" +
		"iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAiYXRfaGFzaCI6ICI3N1FtVVB0alBmeld0RjJBbnBLOVJRIgp9.F9gR" +
		"ev0Dt2tKcrBkHy72cmRqnLdzw9FLCCSebV7mWs7o_sv2O5s6zMky2kmhHTVx9HmdvNnx9GaZ8XMYRFeYk8L5NZ7aYlA5W56nsG1i" +
		"WOou_-gji0ibWIuuf4Owaho3YSoi7EvsTuLFz6tq-dLyz0dKABMDsiCmJ5wqkPUDTE3QTXjzbUmOzUDli-gCh5QPuZAq0cNW3pf_" +
		"2n4zpvTYtbmj12cVcxGIMZby7TMWESRjQ9_o3jvhVNcCGcE0KAQXejhA1ocJhNEvQNqMFGlBb6_0RxxKjDZ-Oa329eGDidOvvp0h" +
		"5hoES4a8IuGKS7NOcpp-aFwp0qVMDLI-Xnm-Pg"
	firstA6 = "eyJraWQiOiIxZTlnZGs3IiwiYWxnIjoiUlMyNTYifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29tIiwKICJzd" +
		"WIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pBMk1qIiwKICJleHAiO" +
		"iAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAsCiAiY19oYXNoIjogIkxEa3RLZG9RYWszUGswY25YeENsdEEiCn0.XW6uh" +
		"drkBgcGx6zVIrCiROpWURs-4goO1sKA4m9jhJIImiGg5muPUcNegx6sSv43c5DSn37sxCRrDZZm4ZPBKKgtYASMcE20SDgvYJdJS" +
		"0cyuFw7Ijp_7WnIjcrl6B5cmoM6ylCvsLMwkoQAxVublMwH10oAxjzD6NEFsu9nipkszWhsPePf_rM4eMpkmCbTzume-fzZIi5Vj" +
		"dWGGEmzTg32h3jiex-r5WTHbj-u5HL7u_KP3rmbdYNzlzd1xWRYTUs4E8nOTgzAUwvwXkIQhOh5TPcSMBYy6X3E7-_gr9Ue6n4ND" +
		"7hTFhtjYs3cjNKIA08qm5cpVYFMFMG6PkhzLQ"
	exampleKey = "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCTOj2b2eHT7NsZegFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzekuGcOKqOQ8M7wfYHhHHLxGpQVgL0apWuP2gDDOdTtpuld4D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfvWBBWXWxtSUvQGBRkuy1BHOa4sP6FKjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KASdIxRQ"
)

func idTokenExamples() *suite {
	s, accept, refuse := newLogins("id-token-examples",
		"The published ID tokens of OpenID Connect Core 1.0, Appendix A.2, Appendix A.3, Appendix A.4 and Appendix A.6, and what they must not be used for.")
	const (
		a2    = "OpenID Connect Core 1.0, Appendix A.2"
		a3    = "OpenID Connect Core 1.0, Appendix A.3"
		a4    = "OpenID Connect Core 1.0, Appendix A.4"
		a6    = "OpenID Connect Core 1.0, Appendix A.6"
		iat   = 1311280970
		https = "https://server.example.com"
		http  = "http://server.example.com" // before errata set 2

		accessToken = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
		code        = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
	)
	of := func(issuer, text string) option {
		return func(d *draft) {
			token(text)(d)
			d.v.Now = iat + 30
			d.v.Config.Issuers, d.v.Config.Audiences, d.v.Config.KeysGiven = []string{issuer}, []string{"s6BhdRkqt3"}, true
			d.v.Config.IDToken.FrontChannel = true
			d.v.Keys, d.keySet = "example", `{"keys":[{"kty":"RSA","kid":"1e9gdk7","n":"`+exampleKey+`","e":"AQAB"}]}`
		}
	}
	came := func(accessToken, code string) option {
		return login(func(t *vectors.IDToken) { t.AccessToken, t.Code = accessToken, code })
	}

	accept("A.2", a2, of(https, exampleA2))
	accept("A.3", a3, of(https, exampleA3), came(accessToken, ""))
	accept("A.4", a4, of(https, exampleA4), came("", code))
	accept("A.2, as first published", a2, of(http, firstA2))
	accept("A.3, as first published", a3, of(http, firstA3), came(accessToken, ""))
	accept("A.6, as first published, with its code", a6, of(http, firstA6), came("", code))
	refuse("binding_mismatch", "A.6, as first published, with its access token", a6+": its claims have at_hash, and the token as it was printed has none",
		of(http, firstA6), came(accessToken, code))

	refuse("binding_mismatch", "A.2 with an access token", a2, of(https, exampleA2), came(accessToken, ""))
	refuse("binding_mismatch", "A.3 with another access token", a3, of(https, exampleA3), came(code, ""))
	refuse("binding_mismatch", "A.3 with a code", a3, of(https, exampleA3), came(accessToken, code))
	refuse("binding_mismatch", "A.4 with another code", a4, of(https, exampleA4), came("", accessToken))
	refuse("binding_mismatch", "A.4 for another login", a4, of(https, exampleA4), came("", code), login(func(t *vectors.IDToken) { t.Nonce = "x" }))
	refuse("wrong_issuer", "A.2 of the issuer as first published", a2, of(http, exampleA2))
	refuse("wrong_audience", "A.2 for another client", a2, of(https, exampleA2), config(func(c *vectors.Config) { c.Audiences = []string{webApp} }))
	refuse("invalid_signature", "A.2 with the signature of A.3", a2, of(https, exampleA2[:len(exampleA2)-342]+exampleA3[len(exampleA3)-342:]))
	accept("A.2 at its end", a2, of(https, exampleA2), at(iat+630))
	refuse("token_expired", "A.2 after its end", a2, of(https, exampleA2), at(iat+1030), login(func(t *vectors.IDToken) { t.MaxTokenAgeSeconds = -1 }))
	return s
}
