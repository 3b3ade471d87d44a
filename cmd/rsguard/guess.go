package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// guess returns lines that say whose token this looks like, and if err rejects
// it, which mistakes are usual there and what to do about them. It is empty if
// nothing is known. It is no verdict: anyone can write a token that looks like
// an issuer's.
func guess(token string, err error) string {
	shape, ok := shapeOf(token)
	if !ok {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "guess        this looks like a token of %s: see issuers.%s, and docs/issuers.md#%s\n", nameOf(shape), shape.Preset, strings.ToLower(shape.Name))
	if err == nil {
		return b.String()
	}
	for _, o := range mistakesOf(shape, err) {
		fmt.Fprintf(&b, "             a usual mistake there: %s\n             what to do: %s\n", o.What, o.Remedy)
	}
	return b.String()
}

// mistakesOf returns the mistakes that lead to a rejection by err's code. If the
// words of err are those of some of them, the others are left out.
func mistakesOf(s mockissuer.Shape, err error) []mockissuer.OtherToken {
	var byCode, byLog []mockissuer.OtherToken
	for _, o := range s.Others {
		if o.Kind != mockissuer.KindMistake || o.Code != string(validator.CodeOf(err)) {
			continue
		}
		byCode = append(byCode, o)
		if strings.Contains(err.Error(), o.Log) {
			byLog = append(byLog, o)
		}
	}
	if len(byLog) > 0 {
		return byLog
	}
	return byCode
}

// nameOf is the name of the issuer, without a variant of ours.
func nameOf(s mockissuer.Shape) string {
	switch s.Name {
	case "Entra", "EntraCloud", "EntraV1", "EntraTenants", "EntraAppKeys":
		return "Entra ID"
	case "EntraExternalID":
		return "Entra External ID"
	case "AzureB2C":
		return "Azure AD B2C"
	case "ADFS":
		return "AD FS"
	case "CognitoResource":
		return "Cognito"
	case "GoogleIAP":
		return "Google's Identity-Aware Proxy"
	case "CloudflareAccess":
		return "Cloudflare Access"
	case "GitHubActions", "GitHubActionsAt":
		return "GitHub Actions"
	case "GitLabCI":
		return "GitLab CI"
	case "SupabaseSecret":
		return "Supabase, signed by the legacy secret"
	case "StytchB2B":
		return "Stytch"
	case "Oracle":
		return "Oracle IDCS"
	case "UAA":
		return "Cloud Foundry's UAA"
	}
	return s.Name
}

// A written is a token as it is written, unverified.
type written struct {
	algorithm, issuer, host, path string
	manager                       string // "pi.atm" of the header
	claims                        map[string]any
}

// has reports whether all of these claims are there.
func (w *written) has(names ...string) bool {
	for _, name := range names {
		if w.claims[name] == nil {
			return false
		}
	}
	return true
}

func (w *written) text(name string) string {
	text, _ := w.claims[name].(string)
	return text
}

// under reports whether the issuer's host is domain or ends in it.
func (w *written) under(domain string) bool {
	return w.host == domain || strings.HasSuffix(w.host, "."+domain)
}

var (
	cognitoHost = regexp.MustCompile(`^(issuer-)?cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)
	oktaHost    = regexp.MustCompile(`\.(okta|oktapreview|okta-emea)\.com$`)
)

// kinds are in the order in which they are tried: first those with an issuer
// that is theirs alone, then those with claims that are. Authelia's tokens have
// nothing that other servers of the same library don't have.
var kinds = []struct {
	shape string
	is    func(*written) bool
}{
	{"Auth0", func(w *written) bool { return w.under("auth0.com") }},
	{"Okta", func(w *written) bool { return oktaHost.MatchString(w.host) }},
	{"EntraExternalID", func(w *written) bool { return w.under("ciamlogin.com") }},
	{"AzureB2C", func(w *written) bool { return w.under("b2clogin.com") || w.has("tfp") && w.text("ver") == "1.0" }},
	{"EntraV1", func(w *written) bool { return w.host == "sts.windows.net" }},
	{"Entra", func(w *written) bool { return w.host == "login.microsoftonline.com" }},
	{"EntraCloud", func(w *written) bool {
		return w.host == "login.microsoftonline.us" || w.host == "login.partner.microsoftonline.cn" || w.host == "sts.chinacloudapi.cn"
	}},
	{"ADFS", func(w *written) bool {
		return strings.HasSuffix(w.path, "/adfs/services/trust") || strings.HasSuffix(w.path, "/adfs")
	}},
	{"CognitoResource", func(w *written) bool {
		return cognitoHost.MatchString(w.host) && w.has("aud") && w.text("token_use") == "access"
	}},
	{"Cognito", func(w *written) bool { return cognitoHost.MatchString(w.host) }},
	{"GoogleIAP", func(w *written) bool { return w.issuer == "https://cloud.google.com/iap" }},
	{"Google", func(w *written) bool { return w.host == "accounts.google.com" || w.issuer == "accounts.google.com" }},
	{"Firebase", func(w *written) bool {
		return w.host == "securetoken.google.com" || w.host == "session.firebase.google.com"
	}},
	{"CloudflareAccess", func(w *written) bool { return w.under("cloudflareaccess.com") }},
	{"GitHubActionsAt", func(w *written) bool {
		return w.under("actions.githubusercontent.com") && w.path != "" || w.under("ghe.com") && strings.HasPrefix(w.host, "token.actions.") ||
			w.path == "/_services/token" && w.has("job_workflow_ref")
	}},
	{"GitHubActions", func(w *written) bool { return w.under("actions.githubusercontent.com") }},
	{"GitLabCI", func(w *written) bool { return w.has("project_path", "pipeline_id") }},
	{"Kubernetes", func(w *written) bool {
		return w.has("kubernetes.io") || strings.HasPrefix(w.text("sub"), "system:serviceaccount:")
	}},
	{"SPIFFE", func(w *written) bool { return strings.HasPrefix(w.text("sub"), "spiffe://") }},
	{"Clerk", func(w *written) bool {
		return w.under("clerk.accounts.dev") || w.has("sts", "sid", "azp") || w.has("fva", "sid")
	}},
	{"SupabaseSecret", func(w *written) bool {
		return w.algorithm == "HS256" && (w.under("supabase.co") || w.issuer == "supabase")
	}},
	{"Supabase", func(w *written) bool {
		return w.under("supabase.co") || w.issuer == "supabase" || w.has("aal", "session_id", "app_metadata")
	}},
	{"WorkOS", func(w *written) bool { return w.host == "api.workos.com" }},
	{"Descope", func(w *written) bool { return w.under("descope.com") || w.has("drn") }},
	{"StytchB2B", func(w *written) bool { return w.has("https://stytch.com/organization") }},
	{"Stytch", func(w *written) bool {
		return strings.HasPrefix(w.issuer, "stytch.com/") || w.has("https://stytch.com/session")
	}},
	{"PingOne", func(w *written) bool {
		return strings.HasPrefix(w.host, "auth.pingone.") || strings.HasPrefix(w.host, "api.pingone.")
	}},
	// An access token manager and a session reference of PingFederate.
	{"PingFederate", func(w *written) bool { return w.manager != "" || w.has("pi.sri") }},
	{"Oracle", func(w *written) bool { return w.under("identity.oraclecloud.com") || w.has("client_tenantname") }},
	{"Zitadel", func(w *written) bool { return w.under("zitadel.cloud") || hasPrefix(w.claims, "urn:zitadel:iam:") }},
	{"Logto", func(w *written) bool { return w.under("logto.app") }},
	{"UAA", func(w *written) bool {
		return w.has("zid", "rev_sig") || strings.HasSuffix(w.path, "/oauth/token") && w.has("zid")
	}},
	{"Keycloak", func(w *written) bool {
		return strings.Contains(w.path, "/realms/") && !strings.Contains(w.path, "/oauth2/realms/") || w.has("realm_access") || w.has("resource_access")
	}},
	{"ForgeRock", func(w *written) bool {
		return w.has("tokenName", "auditTrackingId") || strings.Contains(w.path, "/oauth2/realms/")
	}},
	{"WSO2", func(w *written) bool {
		return w.has("aut", "binding_type") || strings.HasSuffix(w.path, "/oauth2/token") && w.has("aut")
	}},
	{"FusionAuth", func(w *written) bool {
		return w.has("authenticationType", "applicationId") || w.has("tty", "applicationId")
	}},
	{"Casdoor", func(w *written) bool {
		return w.has("owner", "displayName", "isAdmin") || w.has("owner", "tokenType", "tag")
	}},
	{"OpenIddict", func(w *written) bool { return hasPrefix(w.claims, "oi_") }},
	{"Dex", func(w *written) bool {
		return w.path == "/dex" || w.path == "/api/dex" || isSubjectOfDex(w.text("sub")) // Argo CD has it at the second
	}},
	{"Authentik", func(w *written) bool { return strings.Contains(w.path, "/application/o/") }},
	{"Duende", func(w *written) bool { return w.has("amr", "idp", "client_id", "auth_time") }},
	{"Hydra", func(w *written) bool { return w.has("ext", "client_id", "scp") }},
	{"Okta", func(w *written) bool { return w.has("cid", "uid", "scp") || strings.HasPrefix(w.text("jti"), "AT.") }},
}

func hasPrefix(claims map[string]any, prefix string) bool {
	for name := range claims {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isSubjectOfDex reports whether sub is a message of Protocol Buffers in
// base64url, with two strings, the user's ID and the connector's.
func isSubjectOfDex(sub string) bool {
	message, err := base64.RawURLEncoding.DecodeString(sub)
	for _, field := range []byte{1, 2} {
		if err != nil || len(message) < 2 || message[0] != field<<3|2 {
			return false
		}
		size, n := binary.Uvarint(message[1:])
		if n <= 0 || size == 0 || size > uint64(len(message)-1-n) {
			return false
		}
		text := message[1+n : 1+n+int(size)]
		if !utf8.Valid(text) {
			return false
		}
		message = message[1+n+len(text):]
	}
	return len(message) == 0
}

// shapeOf returns the form that token has.
func shapeOf(token string) (mockissuer.Shape, bool) {
	name := shapeNameOf(token)
	if name == "" {
		return mockissuer.Shape{}, false
	}
	return mockissuer.ShapeOf(name)
}

// shapeNameOf returns the name of the form that token has, or "".
func shapeNameOf(token string) string {
	segments := strings.Split(token, ".")
	if len(segments) != 3 {
		return ""
	}
	var header struct {
		Algorithm string `json:"alg"`
		Manager   string `json:"pi.atm"`
	}
	var w written
	for _, part := range []struct {
		segment string
		into    any
	}{{segments[0], &header}, {segments[1], &w.claims}} {
		text, err := base64.RawURLEncoding.DecodeString(part.segment)
		if err != nil || json.Unmarshal(text, part.into) != nil {
			return ""
		}
	}
	w.algorithm, w.manager, w.issuer = header.Algorithm, header.Manager, w.text("iss")
	if u, err := url.Parse(w.issuer); err == nil {
		w.host, w.path = strings.ToLower(u.Hostname()), strings.TrimSuffix(u.Path, "/")
	}
	for _, kind := range kinds {
		if kind.is(&w) {
			return kind.shape
		}
	}
	return ""
}
