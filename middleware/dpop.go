package middleware

import (
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

// readProof returns the proof of a request under the scheme DPoP. The proof is
// yet to be verified. If there is a certificate, there may be no proof.
func (a *Authenticator) readProof(r *http.Request, c credentials) (*dpop.Proof, error) {
	proofs := r.Header[dpopProof]
	if c.scheme != schemeDPoP || a.cfg.DPoP == nil || len(proofs) == 0 && c.certificate != "" {
		return nil, nil
	}
	origin, err := a.cfg.Origin(r)
	if err != nil {
		return nil, refusal(validator.CodeRequest, err)
	}
	url, err := targetOf(origin, r)
	if err != nil {
		return nil, invalid(err)
	}
	return a.cfg.DPoP.Read(dpop.Request{Method: r.Method, URL: url, Proofs: proofs, Token: c.token})
}

func algorithmList(v *dpop.Verifier) string {
	if v == nil {
		return ""
	}
	var algs []string
	for _, alg := range v.Algorithms() {
		algs = append(algs, string(alg))
	}
	return strings.Join(algs, " ")
}
