package issuers

import (
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// Entra returns the Config for an API of one tenant of Microsoft Entra ID.
// Tenant is the ID of the tenant, a GUID, and api the application ID of the
// API's registration. Tokens of both versions are accepted: those of version
// 1.0 have "api://" and the ID in "aud".
//
// At Entra, choose "Expose an API" in the API's registration, and add a scope
// or an app role. Have clients ask for api://ID/SCOPE, or for
// api://ID/.default. If they ask for no scope of the API, the token is for
// Microsoft Graph, whose tokens nothing but Graph can verify, and the log says
// that "aud" is 00000003-0000-0000-c000-000000000000. If an application was
// given no app role, the log says that the token has neither scp nor roles.
//
// For a national cloud, such as that of login.microsoftonline.us, there is
// [EntraCloud].
//
// The client is in "azp" or "appid", scopes in "scp", roles in "roles". A check
// for users and applications alike is
//
//	validator.AnyOf(validator.Scopes("Orders.Read"), validator.Roles([]string{"roles"}, "Orders.Read.All"))
//
// Sources: https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
// and https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens
func Entra(tenant, api string) (validator.Config, error) {
	return entra("Entra", publicCloud, api, "", tenant)
}

// EntraCloud is [Entra] for a tenant of a national cloud. Host is where its
// users sign in: "login.microsoftonline.us" for the US Government, and
// "login.partner.microsoftonline.cn" for China. For a tenant of another cloud,
// the log names the issuer.
//
// Sources: https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud
// and https://github.com/MicrosoftDocs/azure-docs/issues/123050
func EntraCloud(host, tenant, api string) (validator.Config, error) {
	for _, c := range []cloud{{"login.microsoftonline.us", "sts.windows.net"}, {"login.partner.microsoftonline.cn", "sts.chinacloudapi.cn"}} {
		if bare(host) == c.login {
			return entra("EntraCloud", c, api, "", tenant)
		}
	}
	a := args{function: "EntraCloud"}
	a.wrong("host is %q, want login.microsoftonline.us or login.partner.microsoftonline.cn", host)
	return a.discovered(validator.Config{})
}

// A cloud has the host that tokens of version 2.0 name in "iss", and that of
// version 1.0.
type cloud struct{ login, sts string }

var publicCloud = cloud{"login.microsoftonline.com", "sts.windows.net"}

// EntraTenants is [Entra] for an API that users of several tenants use. Tokens
// of tenants that are not listed are rejected, and the log names their issuer.
//
// The registration's supported account types must include other organizations.
func EntraTenants(api string, tenants ...string) (validator.Config, error) {
	return entra("EntraTenants", publicCloud, api, "", tenants...)
}

// EntraAppKeys is [Entra] for an application that has a signing key of its own,
// because it has custom or mapped claims. Without it, the log says for such
// tokens that the issuer has no key of their kid.
//
// Source: https://learn.microsoft.com/en-us/entra/identity-platform/jwt-claims-customization
func EntraAppKeys(tenant, api string) (validator.Config, error) {
	return entra("EntraAppKeys", publicCloud, api, "?appid="+api, tenant)
}

func entra(function string, c cloud, api, query string, tenants ...string) (validator.Config, error) {
	a := args{function: function}
	a.word("api", api)
	a.some("tenant", "every organization would be accepted", tenants)
	var issuers []string
	for _, tenant := range tenants {
		a.word("tenant", tenant)
		switch strings.ToLower(tenant) {
		case "common", "organizations", "consumers":
			a.wrong("%q is not a tenant, and tokens never name it: name the tenants by their IDs", tenant)
		}
		issuers = append(issuers,
			"https://"+c.login+"/"+tenant+"/v2.0",
			"https://"+c.sts+"/"+tenant+"/")
	}
	if len(a.errs) > 0 {
		return a.discovered(validator.Config{})
	}
	// Microsoft has one key set for all tenants, whose keys say which issuers
	// they sign for.
	at := "common"
	if len(tenants) == 1 {
		at = tenants[0]
	}
	return a.with(validator.Config{
		Issuers:   issuers,
		Audiences: []string{api, "api://" + api},
		Checks:    []validator.Check{scopesOrRoles, ofClient},
	}, "https://"+c.login+"/"+at+"/discovery/v2.0/keys"+query)
}

// EntraExternalID returns the Config for an API of an external tenant of
// Microsoft Entra. Subdomain is that of ciamlogin.com, tenant the tenant's ID,
// and api the application ID of the API's registration. What must be set is as
// in [Entra].
//
// The issuer has the tenant's ID where the address of its metadata has the
// subdomain. Its key set is its own, and login.microsoftonline.com has a part of
// it.
//
// Sources: https://learn.microsoft.com/en-us/entra/identity-platform/security-tokens
// and https://github.com/AzureAD/microsoft-authentication-library-for-js/pull/8595
func EntraExternalID(subdomain, tenant, api string) (validator.Config, error) {
	a := args{function: "EntraExternalID"}
	a.word("subdomain", subdomain)
	a.word("tenant", tenant)
	a.word("api", api)
	return a.with(validator.Config{
		Issuers:   []string{"https://" + tenant + ".ciamlogin.com/" + tenant + "/v2.0"},
		Audiences: []string{api},
		Checks:    []validator.Check{scopesOrRoles, ofClient},
	}, "https://"+subdomain+".ciamlogin.com/"+tenant+"/discovery/v2.0/keys")
}

// AzureB2C returns the Config for an API of an Azure AD B2C tenant. Name is
// that of b2clogin.com, tenant the tenant's ID, policy the user flow or custom
// policy, and api the application ID of the API. The metadata is not where the
// issuer says, since the policy is missing in that, so the keys are fetched
// from their own address. Policies are further ones, whose tokens are signed by
// the same keys, as those of all user flows are.
//
// At B2C, expose a scope of the API and grant it to the client. If the client
// doesn't ask for that scope, it gets no access token and may send its ID
// token, and the log says that the token has neither scp nor roles.
//
// The policy is in "tfp", or in "acr" where a custom policy says so, there in
// lower case. For another policy, the log names those that were expected.
//
// Sources: https://learn.microsoft.com/en-us/azure/active-directory-b2c/tokens-overview
// and https://learn.microsoft.com/en-us/azure/active-directory-b2c/configure-user-input
func AzureB2C(name, tenant, policy, api string, policies ...string) (validator.Config, error) {
	a := args{function: "AzureB2C"}
	a.word("name", name)
	a.word("tenant", tenant)
	policies = append([]string{policy}, policies...)
	for _, policy := range policies {
		a.word("policy", policy)
	}
	a.word("api", api)
	if len(a.errs) > 0 {
		return a.discovered(validator.Config{})
	}
	return a.with(validator.Config{
		Issuers:   []string{"https://" + name + ".b2clogin.com/" + tenant + "/v2.0/"},
		Audiences: []string{api},
		Checks:    []validator.Check{scopesOrRoles, ofPolicy(policies)},
	}, "https://"+name+".b2clogin.com/"+name+".onmicrosoft.com/"+strings.ToLower(policy)+"/discovery/v2.0/keys")
}

// ADFS returns the Config for an API behind Active Directory Federation
// Services 2016 or later. Host is that of the federation service, and audience
// the identifier of the API's Web API, which AD FS writes with
// "microsoft:identityserver:" before it unless the identifier is a URI.
//
// At AD FS, add a Web API to an application group, and have clients ask for it
// by resource=. If they don't, the log says that "aud" is
// urn:microsoft:userinfo. The issuer is the service's identifier, an http
// address that is never fetched. If it was changed, change Issuers, or the log
// says that "iss" is another one.
//
// Sources: https://learn.microsoft.com/en-us/windows-server/identity/ad-fs/overview/ad-fs-openid-connect-oauth-concepts
// and https://github.com/aspnet/Security/issues/1852
func ADFS(host, audience string) (validator.Config, error) {
	a := args{function: "ADFS"}
	host = a.host("host", host)
	return a.with(validator.Config{
		Issuers:   []string{"http://" + host + "/adfs/services/trust"},
		Audiences: []string{audience},
		Checks:    []validator.Check{has("AD FS", "appid", func(m marks) string { return m.AppID })},
	}, "https://"+host+"/adfs/discovery/keys")
}
