package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

const (
	// maxProof is the length of the longest accepted proof. A proof with the
	// largest accepted RSA key has about 2,000 bytes.
	maxProof = 8 << 10
	// maxID is the length of the longest "jti" (RFC 9449, Section 11.1).
	maxID = 256
	// maxModulus and maxExponent bound the computation that a stranger can
	// cause.
	maxModulus  = 4096
	maxExponent = 1<<16 + 1
)

// A reading is the content of a proof. Until its signature has been checked, it
// must not be trusted.
type reading struct {
	token jose.Token
	key   crypto.PublicKey

	id, method, target string
	tokenHash, nonce   string
	issuedAt           time.Time
	notBefore, expires time.Time

	hasHash, hasNonce, hasIssuedAt, hasNotBefore, hasExpires bool
}

// parse splits and reads the proof as strictly as a token.
func (p *reading) parse(proof string) error {
	if err := p.token.Parse(proof, maxProof); err != nil {
		return invalid(fmt.Errorf("the proof: %w", err))
	}
	return nil
}

// claims reads the proof's claims.
func (p *reading) claims() error {
	payload, err := p.token.Payload()
	if err != nil {
		return invalid(fmt.Errorf("the proof: %w", err))
	}
	wrong, isWrong := "", false
	var o jose.Object
	o.Open(payload, jose.TokenLimits)
	for o.Next() {
		ok, v := true, o.Member.Value
		switch o.Member.Name {
		case "jti":
			p.id, ok = v.Text()
		case "htm":
			p.method, ok = v.Text()
		case "htu":
			p.target, ok = v.Text()
		case "iat":
			p.issuedAt, ok = v.Time()
			p.hasIssuedAt = true
		case "ath":
			p.tokenHash, ok = v.Text()
			p.hasHash = true
		case "nonce":
			p.nonce, ok = v.Text()
			p.hasNonce = true
		// RFC 9449 doesn't mention these, but a proof is a JWT (RFC 7519,
		// Sections 4.1.4 and 4.1.5).
		case "exp":
			p.expires, ok = v.Time()
			p.hasExpires = true
		case "nbf":
			p.notBefore, ok = v.Time()
			p.hasNotBefore = true
		}
		if !ok && !isWrong {
			wrong, isWrong = o.Member.Name, true
		}
	}
	if err := o.Err(); err != nil {
		return invalid(fmt.Errorf("the proof's claims: %w", err))
	}
	if isWrong {
		return invalid(fmt.Errorf("the proof's claim %s is not of its JSON type, or out of range", wrong))
	}
	return p.checkClaims()
}

// checkClaims requires the claims of RFC 9449, Section 4.2. Those about the
// request are compared later.
func (p *reading) checkClaims() error {
	switch {
	case p.id == "":
		return invalid(errNoID)
	case len(p.id) > maxID:
		return invalid(errLongID)
	case !p.hasIssuedAt:
		return invalid(errNoIssuedAt)
	}
	return nil
}

func (p *reading) checkHeader(algorithms []string) error {
	h := &p.token.Header
	if h.Type != "dpop+jwt" {
		return invalid(fmt.Errorf("the proof's typ is %.64q, not dpop+jwt", h.Type))
	}
	// RFC 9864, Section 2.2: EdDSA stands for Ed25519 among others. Current
	// clients that are offered EdDSA send Ed25519.
	allowed := slices.Contains(algorithms, h.Algorithm) || h.Algorithm == "Ed25519" && slices.Contains(algorithms, "EdDSA")
	if !allowed {
		return invalid(fmt.Errorf("the proof's alg is %.64q, want one of %q", h.Algorithm, algorithms))
	}
	return nil
}

// checkTarget compares the method exactly, since it is case-sensitive (RFC
// 9110, Section 9.1), and the URL as RFC 9449, Section 4.3, requires.
func (p *reading) checkTarget(method, url string) error {
	if method == "" || p.method != method {
		return invalid(fmt.Errorf("the proof's htm is %.64q, and the method is %.64q", p.method, method))
	}
	want, err := parseTarget(url)
	if err != nil {
		return invalid(fmt.Errorf("the request's URL %w", err))
	}
	got, err := parseTarget(p.target)
	if err != nil {
		return invalid(fmt.Errorf("the proof's htu %w", err))
	}
	switch {
	case got.origin != want.origin:
		return invalid(fmt.Errorf("the proof's htu is of %.256q, and the request was sent to %.256q", got.origin, want.origin))
	case got.path != want.path:
		return invalid(errPath) // paths may name people
	}
	return nil
}

func (p *reading) checkTimes(now time.Time, maxAge, leeway time.Duration) error {
	switch age := now.Sub(p.issuedAt); {
	case age > maxAge:
		return invalid(fmt.Errorf("the proof was issued %v ago, over %v", age, maxAge))
	case age < -leeway:
		return invalid(fmt.Errorf("the proof was issued %v in the future, over %v", -age, leeway))
	case p.hasExpires && !now.Before(p.expires.Add(leeway)):
		return invalid(errExpired)
	case p.hasNotBefore && now.Before(p.notBefore.Add(-leeway)):
		return invalid(errNotYet)
	}
	return nil
}

// checkToken compares the hash of the access token, which ties the proof to the
// token.
func (p *reading) checkToken(token string) error {
	if token == "" {
		return invalid(errNoToken) // the empty string has a hash too
	}
	if !p.hasHash {
		return invalid(errNoHash)
	}
	sum := sha256.Sum256([]byte(token))
	var want [43]byte
	base64.RawURLEncoding.Encode(want[:], sum[:])
	if subtle.ConstantTimeCompare(want[:], []byte(p.tokenHash)) == 0 {
		return invalid(errOtherToken)
	}
	return nil
}

// checkKey reads the key in the header and returns its thumbprint. Computations
// with the key are left to checkSignature.
func (p *reading) checkKey() (thumbprint string, err error) {
	p.key, err = p.token.HeaderKey(maxModulus, maxExponent)
	switch {
	case err == nil:
	case errors.Is(err, jose.ErrKeyMismatch), errors.Is(err, jose.ErrSignature):
		return "", invalid(err)
	default:
		return "", badKey(err)
	}
	if thumbprint, err = jose.Thumbprint(p.key); err != nil {
		return "", badKey(err)
	}
	return thumbprint, nil
}

// checkSignature checks the signature with the key from checkKey.
func (p *reading) checkSignature() error {
	err := p.token.VerifyByHeader(p.key)
	if err == nil {
		return nil
	}
	if key := new(jose.KeyError); errors.As(err, &key) {
		return badKey(key)
	}
	return invalid(err)
}

// isCostly reports whether the check of a signature by key costs much more than
// one by an RSA key of 2048 bits, or by one of P-256 or Ed25519. It can be ten
// times as much.
func isCostly(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() > 2048
	case *ecdsa.PublicKey:
		return key.Curve != elliptic.P256()
	}
	return false
}

func badKey(err error) error { return invalid(fmt.Errorf("the proof's jwk: %w", err)) }

var (
	errNoID       = errors.New("the proof's jti is missing or empty")
	errLongID     = fmt.Errorf("the proof's jti is over %d bytes long", maxID)
	errNoIssuedAt = errors.New("the proof's iat is missing")
	errPath       = errors.New("the proof's htu has another path than the request")
	errExpired    = errors.New("the proof's exp has passed")
	errNotYet     = errors.New("the proof's nbf is in the future")
	errNoToken    = errors.New("the request has no token")
	errNoHash     = errors.New("the proof's ath is missing")
	errOtherToken = errors.New("the proof's ath is not the hash of the token")
)
