package mockissuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The methods of client authentication, as the metadata names them.
var clientAuthMethods = []string{
	"client_secret_basic", "client_secret_post", "private_key_jwt", "self_signed_tls_client_auth",
}

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// assertionAge is how far in the future the exp of an assertion may be.
	assertionAge = time.Hour
)

// public reports whether c cannot prove its identity.
func (c Client) public() bool { return c.Secret == "" && c.PublicKey == nil && c.Certificate == "" }

// byAssertion authenticates a client by private_key_jwt (RFC 7523, Section 3).
func (iss *Issuer) byAssertion(r *http.Request, params map[string]string) (Client, error) {
	_, basic := r.Header["Authorization"]
	_, secret := params["client_secret"]
	if basic || secret || params["client_assertion_type"] != assertionType {
		return Client{}, invalidRequest("The client shows its credentials in two ways, or in an unknown one")
	}

	parts := strings.Split(params["client_assertion"], ".")
	var header struct{ Alg string }
	claims := make(map[string]any)
	if len(parts) != 3 || !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return Client{}, errUnauthorized
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	id, _ := claims["sub"].(string)
	client, ok := iss.cfg.client(id)
	if err != nil || !ok || client.PublicKey == nil || claims["iss"] != id || !slices.Contains(proofAlgorithms, header.Alg) {
		return Client{}, errUnauthorized
	}
	if named := params["client_id"]; named != "" && named != id {
		return Client{}, errUnauthorized
	}
	if !algorithms[header.Alg].verify(client.PublicKey, parts[0]+"."+parts[1], signature) {
		return Client{}, errUnauthorized
	}

	// The audience is the issuer, its token endpoint, or the endpoint called.
	issuer := iss.issuerOf(r)
	base := strings.TrimSuffix(issuer, "/")
	mine := []string{issuer, base + string(EndpointToken), base + r.URL.Path}
	audiences, many := claims["aud"].([]any)
	if !many {
		audiences = []any{claims["aud"]}
	}
	forMe := slices.ContainsFunc(audiences, func(a any) bool {
		text, _ := a.(string)
		return slices.Contains(mine, text)
	})
	exp, _ := claims["exp"].(float64)
	jti, _ := claims["jti"].(string)
	now := iss.Now()
	expires := time.Unix(int64(min(exp, 1<<40)), 0)
	if !forMe || jti == "" || !now.Before(expires) || expires.Sub(now) > assertionAge {
		return Client{}, errUnauthorized
	}
	if !iss.once("assertion "+id+" "+jti, expires) {
		return Client{}, errUnauthorized
	}
	return client, nil
}

// byCertificate reports whether r came over a connection with the client's
// certificate (RFC 8705, Section 2.2).
func (c Client) byCertificate(r *http.Request) bool {
	if c.Certificate == "" || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	sum := sha256.Sum256(r.TLS.PeerCertificates[0].Raw)
	return subtle.ConstantTimeCompare([]byte(encode(sum[:])), []byte(c.Certificate)) == 1
}
