package issuers

import (
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// CloudflareAccess returns the Config for a service behind Cloudflare Access.
// Team is the team's name or its domain, such as "acme.cloudflareaccess.com",
// and audience the AUD tag of the Access application. The token comes in a
// header of its own, which a Token function of package middleware returns:
//
//	func(r *http.Request) (string, error) { return r.Header.Get("Cf-Access-Jwt-Assertion"), nil }
//
// For the AUD tag of another application, the log names it. The token of the
// team's own sign-in page, in the cookie CF_Authorization of the team's domain,
// is rejected by its claim "type".
//
// Source: https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/application-token
func CloudflareAccess(team, audience string) (validator.Config, error) {
	a := args{function: "CloudflareAccess"}
	host := a.host("team", team)
	if !hasDot(host) {
		host += ".cloudflareaccess.com"
	}
	return a.with(validator.Config{
		Issuers:   []string{"https://" + host},
		Audiences: []string{audience},
		Checks:    []validator.Check{says("Cloudflare Access", "type", "app")},
	}, "https://"+host+"/cdn-cgi/access/certs")
}

// GitHubActions returns the Config for a service that workflows of these
// repositories call, such as "acme/orders". Audience is what the workflow asks
// for:
//
//	core.getIDToken("https://deploy.example.com")
//
// It is an error to name no repository: every repository at GitHub can have a
// token for any audience. A workflow needs the permission "id-token: write".
// For another repository, the log names those that were expected. If the
// workflow asks for no audience, the log says that "aud" is the address of the
// repository's owner.
//
// For an enterprise with an issuer of its own there is [GitHubActionsAt]. The
// log names that issuer.
//
// Branch, environment and workflow are in "ref", "environment" and
// "job_workflow_ref". Anyone who can push a branch can run a workflow of it, so
// a service that deploys should require one of them:
//
//	validator.Roles([]string{"environment"}, "production")
//
// Source: https://docs.github.com/en/actions/reference/security/oidc
func GitHubActions(audience string, repositories ...string) (validator.Config, error) {
	return gitHub("GitHubActions", "https://token.actions.githubusercontent.com", audience, repositories)
}

// GitHubActionsAt is [GitHubActions] for an enterprise with an issuer of its
// own: "https://token.actions.githubusercontent.com/ENTERPRISE" where that was
// switched on, "https://token.actions.ENTERPRISE.ghe.com" with data residency,
// and "https://HOST/_services/token" at GitHub Enterprise Server. For a workflow
// of another enterprise, the log names that one's issuer.
//
// Sources: https://docs.github.com/en/actions/reference/security/oidc
// and https://docs.github.com/en/enterprise-server@latest/actions/reference/security/oidc
func GitHubActionsAt(issuer, audience string, repositories ...string) (validator.Config, error) {
	return gitHub("GitHubActionsAt", issuer, audience, repositories)
}

func gitHub(function, issuer, audience string, repositories []string) (validator.Config, error) {
	a := args{function: function}
	a.some("repository", "every repository at GitHub can have a token for this audience", repositories)
	if len(a.errs) > 0 {
		return a.discovered(validator.Config{})
	}
	return a.discovered(validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Checks:    []validator.Check{only("repositories", "repository", repositories)},
	})
}

// GitLabCI returns the Config for a service that jobs of these projects call,
// such as "acme/orders". Instance is GitLab's URL, "https://gitlab.com", and
// audience what the job has in id_tokens:
//
//	id_tokens: { DEPLOY_TOKEN: { aud: "https://deploy.example.com" } }
//
// It is an error to name no project: every project of the instance can have a
// token for any audience. ID tokens of users have no project and are rejected,
// as are the tokens of other projects, and the log names those that were
// expected.
//
// The branch is in "ref", and "ref_protected" is "true" if it is protected. For
// a merge request from a fork, the project is the fork, even if the pipeline
// runs in the project that the request is for.
//
// Sources: https://docs.gitlab.com/ci/secrets/id_token_authentication/ and
// https://gitlab.com/gitlab-org/gitlab/-/work_items/563038
func GitLabCI(instance, audience string, projects ...string) (validator.Config, error) {
	a := args{function: "GitLabCI"}
	a.some("project", "every project of the instance can have a token for this audience", projects)
	if len(a.errs) > 0 {
		return a.discovered(validator.Config{})
	}
	return a.discovered(validator.Config{
		Issuers:   []string{instance},
		Audiences: []string{audience},
		Checks:    []validator.Check{only("projects", "project_path", projects)},
	})
}

// SPIFFE returns the Config for a service that workloads of a SPIFFE trust
// domain call with JWT-SVIDs, as SPIRE issues them. TrustDomain is such as
// "example.org", bundleURL the address of its bundle, and audience what
// workloads ask for:
//
//	spire-agent api fetch jwt -audience orders-api
//
// Workloads are the callers' SPIFFE IDs, such as
// "spiffe://example.org/ns/shop/sa/web". It is an error to name none: every
// workload of the trust domain can have a token for any audience. For another
// workload, the log names those that were expected.
//
// At SPIRE, serve the bundle by federation with a bundle_endpoint whose profile
// is https_web, or by the OIDC Discovery Provider, whose key set is at /keys. A
// bundle_endpoint of the profile https_spiffe has a certificate that only the
// trust domain itself can verify, and requests are rejected with 503. SPIRE
// signs with ES256 unless its jwt_key_type is another one. For RSA keys change
// Algorithms, or the log says that "alg" is RS256.
//
// JWT-SVIDs have no "iss". The trust domain is that of "sub", and for another
// one the log says so. If SPIRE's jwt_issuer is set, tokens have that "iss",
// and the log names it: change Issuers.
//
// Sources: https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md and
// https://github.com/spiffe/spire/blob/main/doc/spire_server.md
func SPIFFE(trustDomain, bundleURL, audience string, workloads ...string) (validator.Config, error) {
	a := args{function: "SPIFFE"}
	issuer := "spiffe://" + strings.TrimPrefix(trustDomain, "spiffe://")
	a.some("workload", "every workload of the trust domain can have a token for this audience", workloads)
	for _, id := range workloads {
		if !strings.HasPrefix(id, issuer+"/") {
			a.wrong("the workload %q is none of %s, want a SPIFFE ID such as %s/web", id, issuer, issuer)
		}
	}
	if len(a.errs) > 0 {
		return a.discovered(validator.Config{})
	}
	return a.with(validator.Config{
		Issuers:    []string{issuer},
		Audiences:  []string{audience},
		Algorithms: []validator.Algorithm{validator.ES256},
		Checks:     []validator.Check{validator.Subjects(workloads...)},
	}, bundleURL)
}
