package jose

import (
	"crypto"
	"strings"
)

// The reasons for which a string is not a compact JWS that deserve advice of their own.
var (
	ErrTooLarge  = &SyntaxError{"the token is too large"}
	ErrOpaque    = &SyntaxError{"this is an opaque token, not a JWT"}
	ErrEncrypted = &SyntaxError{"this is an encrypted token (JWE)"}
)

var (
	errSegments  = &SyntaxError{"the token doesn't have three non-empty segments"}
	errBase64    = &SyntaxError{"a segment of the token is not strict base64url without padding"}
	errHeader    = &SyntaxError{"the token's header is over 4 KiB"}
	errCritical  = &SyntaxError{`the token's header has "crit"`}
	errUnencoded = &SyntaxError{`the token's header has "b64" other than true`}
	errKeyID     = &SyntaxError{`the token's "kid" is not a string`}
	errType      = &SyntaxError{`the token's "typ" is not a string`}
)

// maxHeader is the length of the longest header, as sent.
const maxHeader = 4 << 10

// maxSignature is the length of the longest signature: that of an RSA key of 8192 bits.
const maxSignature = 1 << 10

// A Token is a compact JWS (RFC 7515, Section 3.1) under examination. Nothing of it is to be believed before
// Verify has returned nil. It must not be copied.
type Token struct {
	Header Header

	signed  string // what the signature covers: header and payload as sent
	payload string // as sent

	decoded strings.Builder // of header and payload: one allocation for both

	signature       [maxSignature]byte
	signatureLength int // more than maxSignature if it is too long for any key
}

// A Header holds the members of a token's header that may matter. Those that could name a key by themselves, "jku",
// "jwk", "x5u", "x5c", are never looked at, but for JWK, which a DPoP proof must have.
type Header struct {
	Algorithm string // empty if it is no string
	KeyID     string
	Type      string
	HasType   bool
	JWK       Value
}

// Parse splits token and reads its header and the spelling of all its segments. Its error is a [*SyntaxError].
func (t *Token) Parse(token string, maxSize int) error {
	if len(token) > maxSize {
		return ErrTooLarge
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || header == "" || payload == "" || signature == "" || strings.Contains(signature, ".") {
		return shapeError(token)
	}
	if len(header) > maxHeader {
		return errHeader
	}
	t.signed, t.payload = token[:len(header)+1+len(payload)], payload

	t.decoded.Grow(base64url.DecodedLen(len(header)) + base64url.DecodedLen(len(payload)))
	text, ok := decode(&t.decoded, header)
	if !ok {
		return errBase64
	}
	if err := t.Header.parse(text); err != nil {
		return err
	}
	return t.readSignature(signature)
}

// Payload decodes the token's payload. It is to be called once, after Parse. Its error is a [*SyntaxError].
func (t *Token) Payload() (string, error) {
	payload, ok := decode(&t.decoded, t.payload)
	if !ok {
		return "", errBase64
	}
	return payload, nil
}

// Verify checks the token's signature by the algorithm in its header, which the caller has allowed, and by key.
// Its error is ErrKeyMismatch or ErrSignature.
func (t *Token) Verify(key crypto.PublicKey) error {
	if t.signatureLength > maxSignature {
		return ErrSignature
	}
	return verify(t.Header.Algorithm, key, t.signed, t.signature[:t.signatureLength])
}

// VerifyMAC checks an HMAC of one of the HS algorithms in the header, which the caller has allowed.
// Its error is ErrKeyMismatch or ErrSignature.
func (t *Token) VerifyMAC(secret []byte) error {
	if t.signatureLength > maxSignature {
		return ErrSignature
	}
	return verifyMAC(t.Header.Algorithm, secret, t.signed, t.signature[:t.signatureLength])
}

func (h *Header) parse(text string) error {
	o := Open(text, TokenLimits)
	for o.Next() {
		var ok bool
		v := o.Member.Value
		switch o.Member.Name {
		case "alg":
			h.Algorithm, _ = v.Text()
		case "kid":
			if h.KeyID, ok = v.Text(); !ok {
				return errKeyID
			}
		case "typ":
			if h.Type, h.HasType = v.Text(); !h.HasType {
				return errType
			}
		case "crit":
			// RFC 7515, Section 4.1.11: what is critical must be understood, and we understand no extension.
			return errCritical
		case "b64":
			if b64, _ := v.Bool(); !b64 {
				return errUnencoded
			}
		case "jwk":
			h.JWK = v
		}
	}
	return o.Err()
}

func (t *Token) readSignature(segment string) error {
	t.signatureLength = base64url.DecodedLen(len(segment))
	if t.signatureLength > maxSignature {
		if _, ok := decode(new(strings.Builder), segment); !ok {
			return errBase64
		}
		return nil
	}
	if !decodeInto(t.signature[:], segment) {
		return errBase64
	}
	return nil
}

// shapeError says what a token without the shape of a JWS most likely is.
func shapeError(token string) error {
	switch strings.Count(token, ".") {
	case 0:
		return ErrOpaque
	case 4:
		return ErrEncrypted
	}
	return errSegments
}
