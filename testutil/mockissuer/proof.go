package mockissuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// proofAge is the largest age of a DPoP proof, and proofLead how far in the
// future it may be.
const proofAge, proofLead = time.Minute, 30 * time.Second

// proofAlgorithms are the algorithms that may sign a DPoP proof.
var proofAlgorithms = []string{"ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"}

// invalidProof is the error of the token endpoint (RFC 9449, Section 5). Other
// endpoints send it with 401.
func invalidProof(err error) *oauthError {
	return refuse(http.StatusBadRequest, "invalid_dpop_proof", err.Error())
}

// boundTo checks the DPoP proof of r (RFC 9449, Section 4.3) and returns the
// thumbprint of its key, or "" if r has none. The access token that comes with
// the proof is token. At the token endpoint there is none.
func (iss *Issuer) boundTo(w http.ResponseWriter, r *http.Request, token string) (thumbprint string, err error) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return "", nil
	}
	if len(proofs) > 1 {
		return "", invalidProof(errors.New("there are several DPoP proofs"))
	}
	if iss.cfg.DPoPNonces {
		w.Header().Set("DPoP-Nonce", iss.nonce)
	}
	p, err := readProof(proofs[0])
	if err != nil {
		return "", invalidProof(err)
	}
	if err := p.isFor(r, strings.TrimSuffix(iss.issuerOf(r), "/")+r.URL.Path, token, iss.Now()); err != nil {
		return "", invalidProof(err)
	}
	if iss.cfg.DPoPNonces && p.claims.Nonce != iss.nonce {
		return "", refuse(http.StatusBadRequest, "use_dpop_nonce", "The proof needs the nonce of the DPoP-Nonce field")
	}
	if !iss.firstUse(p) {
		return "", invalidProof(errors.New("the proof was used before"))
	}
	return p.thumbprint, nil
}

// firstUse remembers a proof until it is too old to be used.
func (iss *Issuer) firstUse(p *proof) bool {
	return iss.once(p.thumbprint+p.claims.ID, iss.Now().Add(proofAge+proofLead))
}

// once reports whether id is new, and remembers it.
func (iss *Issuer) once(id string, expires time.Time) bool {
	now := iss.Now()
	iss.mu.Lock()
	defer iss.mu.Unlock()

	for id, until := range iss.proofs {
		if now.After(until) {
			delete(iss.proofs, id)
		}
	}
	if _, used := iss.proofs[id]; used || len(iss.proofs) >= keptGrants {
		return false
	}
	iss.proofs[id] = expires
	return true
}

// A proof is a DPoP proof whose signature is right.
type proof struct {
	thumbprint string
	claims     struct {
		ID     string  `json:"jti"`
		Method string  `json:"htm"`
		URL    string  `json:"htu"`
		At     float64 `json:"iat"`
		Hash   string  `json:"ath"`
		Nonce  string  `json:"nonce"`
	}
}

func readProof(text string) (*proof, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(text) > 8<<10 {
		return nil, errors.New("the proof is no JWT")
	}
	var header struct {
		Typ, Alg string
		JWK      map[string]any
		Crit     any
	}
	p := new(proof)
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &header) || !decodePart(parts[1], &p.claims) {
		return nil, errors.New("the proof is no JWT")
	}
	if header.Typ != "dpop+jwt" || !slices.Contains(proofAlgorithms, header.Alg) || header.Crit != nil {
		return nil, fmt.Errorf("the proof has the type %q and the algorithm %q", header.Typ, header.Alg)
	}

	public, thumbprint, err := readJWK(header.JWK)
	if err != nil {
		return nil, err
	}
	if !algorithms[header.Alg].verify(public, parts[0]+"."+parts[1], signature) {
		return nil, errors.New("the proof's signature is not by its key")
	}
	p.thumbprint = thumbprint
	return p, nil
}

func (p *proof) isFor(r *http.Request, target, token string, now time.Time) error {
	at := time.Unix(int64(p.claims.At), 0)
	if p.claims.ID == "" || now.Sub(at) > proofAge || at.Sub(now) > proofLead {
		return errors.New("the proof has no jti, or is too old, or from the future")
	}
	u, err := url.Parse(p.claims.URL)
	if err != nil {
		return errors.New("the proof's htu is no URL")
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	if p.claims.Method != r.Method || u.String() != target {
		return errors.New("the proof is for another request")
	}
	if token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare([]byte(p.claims.Hash), []byte(encode(sum[:]))) != 1 {
		return errors.New("the proof is for another token")
	}
	return nil
}

// readJWK reads a public key and returns its thumbprint (RFC 7638).
func readJWK(members map[string]any) (public any, thumbprint string, err error) {
	text := func(name string) string { s, _ := members[name].(string); return s }
	number := func(name string) []byte {
		b, _ := base64.RawURLEncoding.Strict().DecodeString(text(name))
		return b
	}
	for _, secret := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, ok := members[secret]; ok {
			return nil, "", errors.New("the proof gives its private key away")
		}
	}

	required := map[string][]string{"EC": {"crv", "kty", "x", "y"}, "RSA": {"e", "kty", "n"}, "OKP": {"crv", "kty", "x"}}[text("kty")]
	canonical := make(map[string]string) // encoding/json sorts the names, as RFC 7638, Section 3.3, requires
	for _, name := range required {
		canonical[name] = text(name)
	}
	switch x, y := number("x"), number("y"); text("kty") + " " + text("crv") {
	case "EC P-256", "EC P-384", "EC P-521":
		curve := algorithms[map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[text("crv")]].curve
		public, err = ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	case "RSA ":
		n, e := new(big.Int).SetBytes(number("n")), new(big.Int).SetBytes(number("e"))
		public = &rsa.PublicKey{N: n, E: int(e.Int64())}
		if n.BitLen() < 2048 || n.BitLen() > 8192 || e.BitLen() > 31 || e.Bit(0) == 0 || e.Int64() < 3 {
			err = errors.New("too small, or odd")
		}
	case "OKP Ed25519":
		public = ed25519.PublicKey(x)
		if len(x) != ed25519.PublicKeySize {
			err = errors.New("of another length")
		}
	default:
		err = errors.New("of an unknown type")
	}
	if err != nil {
		return nil, "", fmt.Errorf("the proof's key is not usable: %w", err)
	}
	canonicalJSON, err := json.Marshal(canonical)
	sum := sha256.Sum256(canonicalJSON)
	return public, encode(sum[:]), err
}
