package issuers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A Pod says where a pod finds its cluster. The zero Pod is right inside of
// one.
type Pod struct {
	// Dir is the folder with the pod's own token and the cluster's CA
	// certificate, in the files "token" and "ca.crt". If empty,
	// /var/run/secrets/kubernetes.io/serviceaccount is used.
	Dir string

	// Server is the URL of the API server. If empty,
	// https://kubernetes.default.svc is used.
	Server string
}

// Kubernetes returns the Config for a service that pods of the same cluster
// call with tokens of their service accounts. Audience is what those tokens are
// made for, by a projected volume of the calling pod:
//
//	serviceAccountToken: { audience: orders-api, path: token, expirationSeconds: 600 }
//
// Accounts are the callers' service accounts as NAMESPACE:NAME. It is an error
// to name none: every pod of the cluster can have a token for any audience.
//
// The issuer and the algorithm are those of the pod's own token. The keys are
// fetched from the API server, which the CA certificate must prove, with the
// pod's own token, which is read again for each request because it changes. The
// files are read now, so Kubernetes is the one function of this package that
// does I/O. The pod must have its token mounted, which is the default, and may
// read the keys by the cluster role system:service-account-issuer-discovery,
// which all service accounts have.
//
// If the caller sends the token that every pod has, the log says that "aud" is
// the API server's. For another service account, the log names those that were
// expected.
//
// Outside of the cluster, and where the issuer's documents are public, as those
// of EKS, GKE and AKS are, use [KubernetesIssuer].
//
// Sources: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
// and https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
func Kubernetes(pod Pod, audience string, accounts ...string) (validator.Config, error) {
	a := args{function: "Kubernetes"}
	if pod.Dir == "" {
		pod.Dir = "/var/run/secrets/kubernetes.io/serviceaccount"
	}
	if pod.Server == "" {
		pod.Server = "https://kubernetes.default.svc"
	}
	own, err := pod.ownToken()
	if err != nil {
		a.wrong("%w", err)
	}
	client, err := pod.client()
	if err != nil {
		a.wrong("%w", err)
	}
	cfg := serviceAccounts(&a, own.issuer, audience, accounts)
	cfg.Algorithms = []validator.Algorithm{own.algorithm}
	return a.keys(cfg, jwks.Config{Issuer: own.issuer, URL: strings.TrimRight(pod.Server, "/") + "/openid/v1/jwks", Client: client})
}

// KubernetesIssuer is [Kubernetes] for an issuer whose metadata and keys are
// public, such as "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE". It
// is what kubectl get --raw /.well-known/openid-configuration names.
//
// Sources: the same pages.
func KubernetesIssuer(issuer, audience string, accounts ...string) (validator.Config, error) {
	a := args{function: "KubernetesIssuer"}
	return a.discovered(serviceAccounts(&a, issuer, audience, accounts))
}

func serviceAccounts(a *args, issuer, audience string, accounts []string) validator.Config {
	a.some("service account", "every pod of the cluster can have a token for this audience", accounts)
	var subjects []string
	for _, account := range accounts {
		namespace, name, ok := strings.Cut(account, ":")
		if !ok || namespace == "" || name == "" || strings.Contains(name, ":") {
			a.wrong("the service account %q is not NAMESPACE:NAME", account)
		}
		subjects = append(subjects, "system:serviceaccount:"+account)
	}
	cfg := validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}}
	if len(a.errs) == 0 {
		cfg.Checks = []validator.Check{validator.Subjects(subjects...)}
	}
	return cfg
}

// maxToken is more than the longest token of a service account.
const maxToken = 64 << 10

func (p *Pod) token() (string, error) {
	file, err := os.Open(filepath.Join(p.Dir, "token"))
	if err != nil {
		return "", fmt.Errorf("the pod's own token: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("the pod's own token: %w", err)
	case len(text) > maxToken:
		return "", errors.New("the pod's own token is over 64 KiB")
	}
	return strings.TrimSpace(string(text)), nil
}

// An ownToken is what a pod learns from its own token, which the kubelet has
// put there.
type ownToken struct {
	issuer    string
	algorithm validator.Algorithm
}

func (p *Pod) ownToken() (ownToken, error) {
	token, err := p.token()
	if err != nil {
		return ownToken{}, err
	}
	var header struct {
		Algorithm validator.Algorithm `json:"alg"`
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !decode(parts[0], &header) || !decode(parts[1], &claims) || claims.Issuer == "" {
		return ownToken{}, errors.New("the pod's own token is not a JWT with an issuer")
	}
	return ownToken{claims.Issuer, header.Algorithm}, nil
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// client returns one for the API server: it trusts the cluster's CA and nothing
// else, and sends the pod's own token.
func (p *Pod) client() (*http.Client, error) {
	pem, err := os.ReadFile(filepath.Join(p.Dir, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("the cluster's CA certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the cluster's CA certificate: ca.crt has no certificate")
	}
	return &http.Client{Transport: &podTransport{*p, &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second,
		DisableKeepAlives:   true,
	}}}, nil
}

// A podTransport adds the pod's own token to requests, which go to the API
// server alone: the client of a [jwks.Cache] follows no redirects.
type podTransport struct {
	pod Pod
	to  *http.Transport
}

func (t *podTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := t.pod.token()
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return t.to.RoundTrip(r)
}
