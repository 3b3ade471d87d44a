package mockissuer

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// metadata returns the document for the issuer url (OpenID Connect Discovery
// 1.0, Section 3; RFC 8414, Section 2).
func (iss *Issuer) metadata(url string) []byte {
	base := strings.TrimSuffix(url, "/")
	at := func(e Endpoint) string { return base + string(e) }

	doc := map[string]any{
		"issuer":                                                   url,
		"jwks_uri":                                                 at(EndpointKeySet),
		"token_endpoint":                                           at(EndpointToken),
		"authorization_endpoint":                                   at(EndpointAuthorize),
		"userinfo_endpoint":                                        at(EndpointUserInfo),
		"introspection_endpoint":                                   at(EndpointIntrospection),
		"response_types_supported":                                 []string{"code"},
		"response_modes_supported":                                 []string{"query", "fragment"},
		"grant_types_supported":                                    []string{"authorization_code", "client_credentials", "refresh_token", grantExchange, grantAssertion},
		"code_challenge_methods_supported":                         []string{"S256"},
		"subject_types_supported":                                  []string{"public"},
		"scopes_supported":                                         iss.scopes(),
		"token_endpoint_auth_methods_supported":                    append(slices.Clone(clientAuthMethods), "none"),
		"token_endpoint_auth_signing_alg_values_supported":         proofAlgorithms,
		"introspection_endpoint_auth_methods_supported":            clientAuthMethods,
		"introspection_endpoint_auth_signing_alg_values_supported": proofAlgorithms,
		"introspection_signing_alg_values_supported":               iss.cfg.Algorithms[:1],
		"revocation_endpoint":                                      at(EndpointRevocation),
		"revocation_endpoint_auth_methods_supported":               append(slices.Clone(clientAuthMethods), "none"),
		"revocation_endpoint_auth_signing_alg_values_supported":    proofAlgorithms,
		"id_token_signing_alg_values_supported":                    iss.cfg.Algorithms[:1],
		"claims_supported":                                         []string{"acr", "aud", "auth_time", "email", "email_verified", "exp", "iat", "iss", "name", "nonce", "org_id", "org_name", "sid", "sub"},
		"dpop_signing_alg_values_supported":                        proofAlgorithms,
		"backchannel_logout_supported":                             true,
		"backchannel_logout_session_supported":                     true,
		"request_parameter_supported":                              false,
		"request_uri_parameter_supported":                          false,
		"authorization_response_iss_parameter_supported":           true,
	}
	if len(iss.cfg.ACRs) > 0 {
		doc["acr_values_supported"] = iss.cfg.ACRs
	}
	body, _ := json.Marshal(doc) // strings and booleans
	return body
}

func (iss *Issuer) scopes() []string {
	list := []string{"openid", "profile", "email", "offline_access"}
	for _, a := range iss.cfg.APIs {
		for _, s := range a.Scopes {
			if !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

func (iss *Issuer) serveMetadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400")
	serveDocument(w, r, iss.metadata(iss.issuerOf(r)))
}
