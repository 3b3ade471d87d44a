package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/rsguard/rsguard/internal/secureurl"
)

// audienceMistakes are names that are not an API's own.
var audienceMistakes = []struct {
	level         level
	is            func(audience string) bool
	found, remedy string
}{
	{change, func(a string) bool { return strings.HasSuffix(a, "/userinfo") || strings.HasSuffix(a, "/api/v2/") },
		"it is an API of the issuer itself, so clients send tokens for it to the issuer and not here",
		"register this API at the issuer, and set -audience to its identifier there"},
	{change, func(a string) bool {
		return a == "00000003-0000-0000-c000-000000000000" || strings.TrimSuffix(a, "/") == "https://graph.microsoft.com"
	}, "it is Microsoft Graph, whose tokens no other API may accept",
		"have clients request the scope api://ID/.default of this API, and set -audience to its ID"},
	{change, func(a string) bool { return a == "account" },
		"it is Keycloak's own account service, which is in the tokens of nearly every client",
		"add a mapper of the type Audience to a client scope, and set -audience to the name that it writes"},
	{consider, func(a string) bool { return a == "api://default" },
		"it is the name that every Okta organization's default server has",
		"give the authorization server an audience of its own, so that a token of another organization's never fits"},
	{consider, clientID.MatchString,
		"it looks like a client ID, and a client's ID tokens have that in aud",
		"set -audience to the API's own identifier. If the issuer has none, list the client with validator.Clients as well"},
	{change, func(a string) bool { return strings.TrimSpace(a) != a }, "there is a space at its end or beginning",
		"take it out: audiences are compared byte by byte"},
}

// clientID matches the client IDs of Auth0 and of Google.
var clientID = regexp.MustCompile(`^[A-Za-z0-9]{32}$|\.apps\.googleusercontent\.com$`)

// audiences says what is unusual about the names of the API.
func (d *examiner) audiences() {
	d.report.begin("audiences")
	for i, audience := range d.Audiences {
		shown, before := fmt.Sprintf("%.256q", audience), d.report.count(good)+d.report.count(consider)+d.report.count(change)
		for _, m := range audienceMistakes {
			if m.is(audience) {
				d.report.add(m.level, "audience", shown+": "+m.found, m.remedy)
			}
		}
		for _, issuer := range d.Issuers {
			if audience == issuer || secureurl.Difference(audience, issuer) != "" {
				d.report.add(change, "audience", shown+": it is the issuer, and not this API", "set -audience to the API's identifier at the issuer")
			}
		}
		for _, other := range d.Audiences[i+1:] {
			if difference := secureurl.Difference(audience, other); difference != "" {
				d.report.add(consider, "audience", fmt.Sprintf("%s and %.256q: %s", shown, other, difference), "leave out the one that tokens don't have")
			}
		}
		if d.report.count(good)+d.report.count(consider)+d.report.count(change) == before {
			d.report.add(good, "audience", shown+": clients must request their tokens for it, in the same characters"+d.how(audience), "")
		}
	}
	if d.AudienceClaim != "" {
		d.report.add(consider, "audience", fmt.Sprintf("the claim %.64q stands in for aud where there is none", d.AudienceClaim),
			"have the issuer name the API in aud, and leave out -audience-claim")
	}
}

// how says how clients of an issuer that is known request such a token.
func (d *examiner) how(audience string) string {
	for _, issuer := range d.Issuers {
		if u, err := url.Parse(issuer); err == nil && strings.HasSuffix(u.Hostname(), ".auth0.com") {
			return fmt.Sprintf(" (audience=%s, without which Auth0 issues opaque tokens)", audience)
		}
	}
	return ""
}
