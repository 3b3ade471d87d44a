// Package presets calls the functions of package issuers by name, for what
// knows them as data: the vectors and the shapes of the mock issuer.
package presets

import (
	"fmt"
	"reflect"

	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/validator"
)

// functions has those whose arguments are strings.
var functions = map[string]any{
	"ADFS":             issuers.ADFS,
	"Auth0":            issuers.Auth0,
	"Authelia":         issuers.Authelia,
	"Authentik":        issuers.Authentik,
	"AzureB2C":         issuers.AzureB2C,
	"Casdoor":          issuers.Casdoor,
	"Clerk":            issuers.Clerk,
	"CloudflareAccess": issuers.CloudflareAccess,
	"Cognito":          issuers.Cognito,
	"CognitoResource":  issuers.CognitoResource,
	"Descope":          issuers.Descope,
	"Dex":              issuers.Dex,
	"Duende":           issuers.Duende,
	"Entra":            issuers.Entra,
	"EntraAppKeys":     issuers.EntraAppKeys,
	"EntraCloud":       issuers.EntraCloud,
	"EntraExternalID":  issuers.EntraExternalID,
	"EntraTenants":     issuers.EntraTenants,
	"Firebase":         issuers.Firebase,
	"ForgeRock":        issuers.ForgeRock,
	"FusionAuth":       issuers.FusionAuth,
	"GitHubActions":    issuers.GitHubActions,
	"GitHubActionsAt":  issuers.GitHubActionsAt,
	"GitLabCI":         issuers.GitLabCI,
	"Google":           issuers.Google,
	"GoogleIAP":        issuers.GoogleIAP,
	"Hydra":            issuers.Hydra,
	"Keycloak":         issuers.Keycloak,
	"KubernetesIssuer": issuers.KubernetesIssuer,
	"Logto":            issuers.Logto,
	"Okta":             issuers.Okta,
	"OpenIddict":       issuers.OpenIddict,
	"Oracle":           issuers.Oracle,
	"PingFederate":     issuers.PingFederate,
	"PingOne":          issuers.PingOne,
	"SPIFFE":           issuers.SPIFFE,
	"Stytch":           issuers.Stytch,
	"StytchB2B":        issuers.StytchB2B,
	"Supabase":         issuers.Supabase,
	"SupabaseSecret":   issuers.SupabaseSecret,
	"UAA":              issuers.UAA,
	"WSO2":             issuers.WSO2,
	"WorkOS":           issuers.WorkOS,
	"Zitadel":          issuers.Zitadel,
}

// Names returns the names in no order.
func Names() []string {
	var names []string
	for name := range functions {
		names = append(names, name)
	}
	return names
}

// Call calls the function of that name.
func Call(name string, args []string) (validator.Config, error) {
	function, ok := functions[name]
	if !ok {
		return validator.Config{}, fmt.Errorf("there is no function issuers.%s of strings", name)
	}
	var values []reflect.Value
	for _, arg := range args {
		values = append(values, reflect.ValueOf(arg))
	}
	results := reflect.ValueOf(function).Call(values)
	cfg := results[0].Interface().(validator.Config)
	if len(results) == 1 {
		return cfg, nil
	}
	err, _ := results[1].Interface().(error)
	return cfg, err
}
