package jose

import (
	"crypto"
	"strings"
)

// maxHeader is the length of the longest header, encoded.
const maxHeader = 4 << 10

// maxSignature is the length of the longest signature, which is that of an RSA
// key of 8192 bits.
const maxSignature = 1 << 10

// A Token is a compact JWS (RFC 7515, Section 3.1). It must not be trusted
// before Verify has returned nil. It must not be copied.
type Token struct {
	Header Header

	signed  string // what the signature covers: header and payload as sent
	payload string // as sent

	decoded strings.Builder // of header and payload: one allocation for both

	signature       [maxSignature]byte
	signatureLength int // more than maxSignature if it is too long for any key
}

// A Header holds the members of a token's header that are used. Members that
// could name a key by themselves, "jku", "jwk", "x5u" and "x5c", are ignored.
// The exception is JWK, which a DPoP proof must have.
type Header struct {
	Algorithm string // empty if it is no string
	KeyID     string
	Type      string
	HasType   bool
	JWK       Value

	AlgorithmValue Value // of any kind

	// X5T and X5TS256 are the hashes of a certificate with the key. They name a
	// key if there is no "kid". They are empty if they are not strings.
	X5T, X5TS256 string
}

// Parse splits token, reads its header, and checks the spelling of all its
// segments. The error is a [*SyntaxError], a [*SizeError] or a [*MembersError].
func (t *Token) Parse(token string, maxSize int) error {
	if len(token) > maxSize {
		return &SizeError{"token", len(token), maxSize}
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || header == "" || payload == "" || signature == "" || strings.Contains(signature, ".") {
		return shapeError(token)
	}
	if len(header) > maxHeader {
		return &SizeError{"token's header", len(header), maxHeader}
	}
	t.signed, t.payload = token[:len(header)+1+len(payload)], payload

	t.decoded.Grow(base64url.DecodedLen(len(header)) + base64url.DecodedLen(len(payload)))
	text, ok := decode(&t.decoded, header)
	if !ok {
		return errBase64("header")
	}
	if err := t.Header.parse(text); err != nil {
		return err
	}
	return t.readSignature(signature)
}

// Payload decodes the token's payload. Call it once, after Parse. The error is
// a [*SyntaxError].
func (t *Token) Payload() (string, error) {
	payload, ok := decode(&t.decoded, t.payload)
	if !ok {
		return "", errBase64("payload")
	}
	return payload, nil
}

// Verify checks the token's signature by key and by the algorithm in its
// header, which the caller has allowed. The error is ErrKeyMismatch, or is or
// wraps ErrSignature.
func (t *Token) Verify(key crypto.PublicKey) error {
	if !Fits(t.Header.Algorithm, key) {
		return ErrKeyMismatch
	}
	// This comes before any computation, so that a wrong length costs nothing.
	if err := t.checkSize(key); err != nil {
		return err
	}
	return verify(t.Header.Algorithm, key, t.signed, t.signature[:t.signatureLength])
}

// checkSize returns an error for a length that no signature by key has.
func (t *Token) checkSize(key crypto.PublicKey) error {
	alg, want := t.Header.Algorithm, signatureSize(key)
	if t.signatureLength == want {
		return nil
	}
	isDER := t.signatureLength <= maxSignature && isDER(alg, t.signature[:t.signatureLength])
	return &SignatureSizeError{alg, t.signatureLength, want, isDER}
}

// VerifyMAC checks an HMAC of the HS algorithm in the header, which the caller
// has allowed. The error is ErrKeyMismatch or ErrSignature.
func (t *Token) VerifyMAC(secret []byte) error {
	if t.signatureLength > maxSignature {
		return ErrSignature
	}
	return verifyMAC(t.Header.Algorithm, secret, t.signed, t.signature[:t.signatureLength])
}

func (h *Header) parse(text string) error {
	var o Object
	o.Open(text, TokenLimits)
	for o.Next() {
		var ok bool
		v := o.Member.Value
		switch o.Member.Name {
		case "alg":
			h.Algorithm, _ = v.Text()
			h.AlgorithmValue = v
		case "kid":
			if h.KeyID, ok = v.Text(); !ok {
				return errNotText("kid", v)
			}
		case "typ":
			if h.Type, h.HasType = v.Text(); !h.HasType {
				return errNotText("typ", v)
			}
		case "crit":
			// RFC 7515, Section 4.1.11: critical extensions must be understood,
			// and we understand none.
			return errCritical
		case "b64":
			if b64, _ := v.Bool(); !b64 {
				return errUnencoded
			}
		case "jwk":
			h.JWK = v
		case "x5t":
			h.X5T, _ = v.Text()
		case "x5t#S256":
			h.X5TS256, _ = v.Text()
		}
	}
	return o.Err()
}

func (t *Token) readSignature(segment string) error {
	t.signatureLength = base64url.DecodedLen(len(segment))
	if t.signatureLength > maxSignature {
		if _, ok := decode(new(strings.Builder), segment); !ok {
			return errBase64("signature")
		}
		return nil
	}
	if !decodeInto(t.signature[:], segment) {
		return errBase64("signature")
	}
	return nil
}

// shapeError says what a token that is not a JWS most likely is.
func shapeError(token string) error {
	switch strings.Count(token, ".") {
	case 0:
		return ErrOpaque
	case 4:
		return ErrEncrypted
	}
	return errSegments(token)
}
