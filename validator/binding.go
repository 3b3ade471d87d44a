package validator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"github.com/rsguard/rsguard/internal/jose"
)

// A Confirmation names the key or certificate that a token is bound to (RFC
// 7800, Section 3.1). The sender of the token must prove to have it. An empty
// field requires nothing. A Confirmation with no field set is never proven.
type Confirmation struct {
	JKT     string // "jkt": the thumbprint of a DPoP key (RFC 9449, Section 6.1)
	X5TS256 string // "x5t#S256": the hash of a client certificate (RFC 8705, Section 3.1)
}

type confirmedKey struct{}

// A proven holds what a context says of the sender of a token.
type proven struct {
	Confirmation
	verify func() error // of the JKT, or nil if that has been done
}

func provenIn(ctx context.Context) proven {
	p, _ := ctx.Value(confirmedKey{}).(proven)
	return p
}

// ContextWithConfirmation returns a copy of ctx that tells [Validator.Validate]
// what the sender of the token has proven to hold, in addition to what ctx says
// already. Package middleware calls it for requests. Other callers call it
// after they have checked the proof themselves.
func ContextWithConfirmation(ctx context.Context, confirmed Confirmation) context.Context {
	p := provenIn(ctx)
	if confirmed.JKT != "" {
		p.JKT, p.verify = confirmed.JKT, nil
	}
	p.X5TS256 = cmp.Or(confirmed.X5TS256, p.X5TS256)
	return context.WithValue(ctx, confirmedKey{}, p)
}

// ContextWithProof is [ContextWithConfirmation] for a proof that is more
// expensive to verify than a token. The sender claims to have the key with the
// thumbprint jkt. Validate calls verify once the token is known to be the
// issuer's, and bound to that key, so that a stranger can't cause the call. An
// error of verify rejects the token, with [CodeBinding] unless an [*Error] is
// in its chain. The function may be called several times, and concurrently.
// ContextWithProof panics if it is nil.
func ContextWithProof(ctx context.Context, jkt string, verify func() error) context.Context {
	mustBe(verify != nil, "ContextWithProof: nil function")
	p := provenIn(ctx)
	p.JKT, p.verify = jkt, verify
	return context.WithValue(ctx, confirmedKey{}, p)
}

var (
	errConfirmation = errors.New("cnf is unreadable, or asks for a proof of an unknown kind")
	errNoProof      = errors.New("the token is bound to a key, and the request doesn't prove to have one: " +
		"this is no bearer token")
	errWrongKey = errors.New("the token is bound to another key than the request proves to have")
)

// Proven returns nil if ctx says, by [ContextWithConfirmation] or
// [ContextWithProof], that the sender of the token has proven all that c
// requires. Otherwise it returns an [*Error] with [CodeBinding], or the error
// of the proof. A c that is nil or empty is never proven. Validate calls Proven
// for every bound token. A program that obtains Claims in another way must call
// it too. Hashes are compared in constant time.
func (c *Confirmation) Proven(ctx context.Context) error {
	if c == nil || *c == (Confirmation{}) {
		return &Error{Code: CodeBinding, Err: errConfirmation}
	}
	proven := provenIn(ctx)
	for _, pair := range [2][2]string{{c.JKT, proven.JKT}, {c.X5TS256, proven.X5TS256}} {
		switch wanted, has := pair[0], pair[1]; {
		case wanted == "":
		case has == "":
			return &Error{Code: CodeBinding, Err: errNoProof}
		case subtle.ConstantTimeCompare([]byte(wanted), []byte(has)) == 0:
			return &Error{Code: CodeBinding, Err: errWrongKey}
		}
	}
	if c.JKT == "" || proven.verify == nil {
		return nil
	}
	err := proven.verify()
	if e := new(Error); err == nil || errors.As(err, &e) && e != nil {
		return err
	}
	return &Error{Code: CodeBinding, Err: err}
}

// readConfirmation reads the value of "cnf". Members that are not understood
// are ignored (RFC 7800, Section 3.1). If no member is understood, the token is
// bound in a way that can't be proven.
func readConfirmation(v jose.Value) (*Confirmation, error) {
	unreadable := &Error{Code: CodeBinding, Err: errConfirmation}
	if v.Kind() != jose.KindObject {
		return nil, unreadable
	}
	members, err := jose.ParseObject(nil, v.Raw(), jose.ReadBefore)
	if err != nil {
		return nil, unreadable
	}
	c := new(Confirmation)
	for _, m := range members {
		ok := true
		switch m.Name {
		case "jkt":
			c.JKT, ok = sha256Text(m.Value)
		case "x5t#S256":
			c.X5TS256, ok = sha256Text(m.Value)
		// The other methods of the registry of RFC 7800, Section 6.2. Each
		// names a key by itself. If one were ignored, a token would be accepted
		// without a proof of the key that its issuer has bound it to.
		case "jwk", "jwe", "kid", "jku", "osc":
			return nil, &Error{Code: CodeBinding, Err: &unprovenMember{m.Name}}
		}
		if !ok {
			return nil, unreadable
		}
	}
	if *c == (Confirmation{}) {
		return nil, unreadable
	}
	return c, nil
}

// An unprovenMember is the cause of the rejection of a token that is bound to a
// key by a member of "cnf" that can't be proven here.
type unprovenMember struct{ name string }

func (e *unprovenMember) Error() string {
	return "cnf names a key by its member " + e.name + ", which can't be proven here, want jkt or x5t#S256 alone"
}

// sha256Text reads the base64url text of a SHA-256 hash. Of several spellings,
// only the canonical one is accepted.
func sha256Text(v jose.Value) (string, bool) {
	text, _ := v.Text()
	hash, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return text, err == nil && len(hash) == sha256.Size && len(text) == base64.RawURLEncoding.EncodedLen(sha256.Size)
}
