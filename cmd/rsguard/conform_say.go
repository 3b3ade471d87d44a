package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// configurations are what an API has to be configured with.
var configurations = template.Must(template.New("configurations").Parse(`The API has to trust this issuer, for this audience:

  OAUTH_ISSUER={{.Issuer}}
  OAUTH_JWKS_URI={{.KeySet}}
  OAUTH_AUDIENCE={{.Audience}}
  OAUTH_ALGORITHM={{.Algorithm}}
{{- if .Scope}}
  OAUTH_SCOPE={{.Scope}}
{{- end}}
{{- if .CA}}

and the authority in {{.CA}}, such as by

  SSL_CERT_FILE={{.CA}}          (Go, OpenSSL)
  NODE_EXTRA_CA_CERTS={{.CA}}    (Node)
{{- end}}

Spring, application.yml:

  spring:
    security:
      oauth2:
        resourceserver:
          jwt:
            issuer-uri: {{.Issuer}}
            audiences: {{.Audience}}
            jws-algorithms: {{.Algorithm}}

Envoy, an HTTP filter, with a cluster rsguard that has the issuer's address:

  - name: envoy.filters.http.jwt_authn
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
      providers:
        rsguard:
          issuer: {{.Issuer}}
          audiences: ["{{.Audience}}"]
          remote_jwks:
            http_uri: {uri: "{{.KeySet}}", cluster: rsguard, timeout: 5s}
      rules:
        - match: {prefix: /}
          requires: {provider_name: rsguard}

.NET, Program.cs:

  builder.Services.AddAuthentication().AddJwtBearer(o => {
      o.Authority = "{{.Issuer}}";
      o.Audience = "{{.Audience}}";
      o.TokenValidationParameters.ValidAlgorithms = ["{{.Algorithm}}"];
      o.RequireHttpsMetadata = {{if .CA}}true{{else}}false{{end}};
  });

Go, with this library:

  v, err := validator.New(validator.Config{
      Issuers: []string{"{{.Issuer}}"}, Audiences: []string{"{{.Audience}}"},
      Algorithms: []validator.Algorithm{"{{.Algorithm}}"},
  })
  auth, err := middleware.New(middleware.Config{Validator: v})
  http.Handle("/", auth.{{if .Scope}}Require(validator.Scopes({{.Scopes}})){{else}}Require(){{end}}(api))
`))

// sayConfiguration prints what the API has to be configured with.
func (f *conformFlags) sayConfiguration(out io.Writer, iss *mockissuer.Issuer) {
	var ca string
	if f.https {
		ca = f.caFile
		if path, err := filepath.Abs(ca); err == nil {
			ca = path
		}
	}
	var scopes []string
	for scope := range strings.FieldsSeq(f.target.Scope) {
		scopes = append(scopes, fmt.Sprintf("%q", scope))
	}
	_ = configurations.Execute(out, map[string]string{ // an error of out comes again with the report
		"Issuer": iss.URL, "KeySet": strings.TrimSuffix(iss.URL, "/") + string(mockissuer.EndpointKeySet),
		"Audience": f.target.Audience, "Algorithm": f.algorithm,
		"Scope": f.target.Scope, "Scopes": strings.Join(scopes, ", "), "CA": ca,
	})
}
