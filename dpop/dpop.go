// Package dpop checks DPoP proofs. A proof shows that the sender of an access
// token has the key that the token is bound to. A token that was stolen without
// its key is then useless.
//
//	proofs, err := dpop.New(dpop.Config{})
//	…
//	proof, err := proofs.Verify(dpop.Request{Method: method, URL: url, Proofs: fields, Token: token})
//	ctx = validator.ContextWithConfirmation(ctx, validator.Confirmation{JKT: proof.Thumbprint})
//	claims, err := tokens.Validate(ctx, token)
//	err = proofs.Redeem(ctx, proof, claims)
//
// Package middleware does all of this for HTTP requests if its Config has a
// Verifier. The three steps are for programs that receive requests in another
// way.
//
// # What is not checked
//
// A proof covers the method and the URL of a request, without the query, and
// the token. It does not cover the query, the header fields and the body.
// Verify doesn't check whether the proof was used before, which Redeem does,
// and it doesn't check the token, which Validate does. Without Config.Nonces,
// an attacker that can use a client's key for a moment can make proofs for
// later.
//
// The standards are RFC 9449 (DPoP), RFC 7638 (thumbprints of keys) and RFC
// 3986 (equivalent URLs).
package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/redeemed"
	"github.com/rsguard/rsguard/validator"
)

// A Verifier checks proofs. Make one with [New]. It is safe for concurrent use.
type Verifier struct {
	cfg        Config
	algorithms []string
}

// New returns a Verifier for cfg. It does no I/O and starts no goroutine. The
// error joins all faults of cfg.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	v := &Verifier{cfg: cfg}
	for _, alg := range cfg.Algorithms {
		v.algorithms = append(v.algorithms, string(alg))
	}
	return v, nil
}

// A Request describes the request that a proof must be made for.
type Request struct {
	// Method is the request's method, as it was sent.
	Method string

	// URL is the absolute URL to which the client has sent the request. Behind
	// a proxy, the server may see another one. Its query and fragment are
	// ignored.
	URL string `json:"-"`

	// Proofs are the values of all DPoP header fields. There must be exactly
	// one.
	Proofs []string `json:"-"`

	// Token is the access token.
	Token string `json:"-"`
}

// A Proof is a proof that has not been redeemed. It is verified, except that
// one from [Verifier.Read] may have a signature that is yet to be checked.
type Proof struct {
	// Thumbprint is the thumbprint of the sender's key. The token's cnf.jkt
	// must equal it (RFC 9449, Section 6.1).
	Thumbprint string

	id      string // unique for the key
	expires time.Time
	verify  func() error // nil if that has been done
}

// Verify checks everything about a proof that needs no claims of the token (RFC
// 9449, Section 4.3). There must be one proof, well-formed, signed by the key
// that it names, recent, and for this request and this token. If Config.Nonces
// is set, it must have a valid nonce. Whether the proof was used before is
// checked by [Verifier.Redeem].
//
// The check of the signature uses a key that any client can make. With an RSA
// key of more than 2048 bits, or on a curve other than P-256 and Ed25519, it
// can cost ten times as much as the check of a token. With [Verifier.Read], the
// token is checked first.
//
// The error is a [*validator.Error] with [validator.CodeProof], or with
// [validator.CodeNonce] if the nonce is the first thing found wrong.
func (v *Verifier) Verify(r Request) (*Proof, error) {
	var p reading
	proof, err := v.read(&p, r)
	if err != nil {
		return nil, err
	}
	// The most expensive check comes last.
	if err := p.checkSignature(); err != nil {
		return nil, err
	}
	return proof, nil
}

// Read is [Verifier.Verify] without the check of an expensive signature. The
// check happens when the Proof's own Verify is called, or when the proof is
// redeemed. The token can thus be validated first, so that only a client with a
// token that is bound to this key can cause the check:
//
//	proof, err := proofs.Read(request)
//	…
//	ctx = validator.ContextWithProof(ctx, proof.Thumbprint, proof.Verify)
//	claims, err := tokens.Validate(ctx, token) // calls proof.Verify
//	err = proofs.Redeem(ctx, proof, claims)
func (v *Verifier) Read(r Request) (*Proof, error) {
	var p reading
	proof, err := v.read(&p, r)
	switch {
	case err != nil:
		return nil, err
	case isCostly(p.key):
		key, text := p.key, r.Proofs[0]
		proof.verify = sync.OnceValue(func() error {
			again := reading{key: key}
			if err := again.parse(text); err != nil {
				return err
			}
			return again.checkSignature()
		})
		return proof, nil
	}
	if err := p.checkSignature(); err != nil {
		return nil, err
	}
	return proof, nil
}

// Verify checks the signature of a Proof from [Verifier.Read], once. The error
// is a [*validator.Error] with [validator.CodeProof]. It is safe for concurrent
// use.
func (p *Proof) Verify() error {
	switch {
	case p == nil || p.id == "":
		return invalid(errNone)
	case p.verify == nil:
		return nil
	}
	return p.verify()
}

// read reads a proof into p and checks everything except its signature.
func (v *Verifier) read(p *reading, r Request) (*Proof, error) {
	if v.cfg.Now == nil {
		return nil, &validator.Error{Code: validator.CodeUnavailable, Err: errNotMade}
	}
	switch len(r.Proofs) {
	case 0:
		return nil, invalid(errNone)
	case 1:
	default:
		return nil, invalid(errSeveral)
	}
	now := v.cfg.Now()
	if err := p.parse(r.Proofs[0]); err != nil {
		return nil, err
	}
	if err := p.checkHeader(v.algorithms); err != nil {
		return nil, err
	}
	if err := p.claims(); err != nil {
		return nil, err
	}
	if err := p.checkTarget(r.Method, r.URL); err != nil {
		return nil, err
	}
	if err := p.checkTimes(now, v.cfg.MaxAge, v.cfg.Leeway); err != nil {
		return nil, err
	}
	if err := p.checkToken(r.Token); err != nil {
		return nil, err
	}
	if v.cfg.Nonces != nil && !(p.hasNonce && v.cfg.Nonces.Valid(p.nonce)) {
		return nil, &validator.Error{Code: validator.CodeNonce, Err: errNonce}
	}
	thumbprint, err := p.checkKey()
	if err != nil {
		return nil, err
	}
	return &Proof{
		Thumbprint: thumbprint,
		id:         replayKey(thumbprint, p.id),
		// A server that shares the store, and whose clock is behind ours,
		// accepts the proof for a little longer. Even at the last moment of its
		// age the proof must still be remembered.
		expires: p.issuedAt.Add(v.cfg.MaxAge + max(v.cfg.Leeway, time.Second)),
	}, nil
}

// Redeem marks a proof as used. It is the last step. The claims are those of
// the token that the proof was verified with. They must be bound to the proof's
// key, so that an unbound token can't pass for a bound one.
//
// The error is a [*validator.Error]. It is that of [Proof.Verify], or has one
// of these codes:
//
//   - [validator.CodeBinding] if the claims are not bound to that key
//   - [validator.CodeReplayed] if the proof was redeemed before
//   - [validator.CodeUnavailable] if that can't be known, because the store
//     fails or is full, or because ctx is done
func (v *Verifier) Redeem(ctx context.Context, proof *Proof, claims *validator.Claims) error {
	if claims == nil || claims.Confirmation == nil || claims.Confirmation.JKT == "" {
		return &validator.Error{Code: validator.CodeBinding, Err: errUnbound}
	}
	if proof == nil || proof.id == "" {
		return invalid(errNone)
	}
	if v.cfg.Replays == nil {
		return &validator.Error{Code: validator.CodeUnavailable, Err: errNotMade}
	}
	if subtle.ConstantTimeCompare([]byte(claims.Confirmation.JKT), []byte(proof.Thumbprint)) == 0 {
		return &validator.Error{Code: validator.CodeBinding, Err: errOtherKey}
	}
	if err := proof.Verify(); err != nil {
		return err
	}
	if redeemed.Has(ctx, v, proof.id) { // by this request
		return nil
	}
	within, cancel := context.WithTimeout(ctx, redeemTimeout)
	defer cancel()
	switch isNew, err := v.cfg.Replays.Add(within, proof.id, proof.expires); {
	case err != nil:
		return &validator.Error{Code: validator.CodeUnavailable, Service: "replay store", Err: fmt.Errorf("the replay store: %w", err)}
	case !isNew:
		return &validator.Error{Code: validator.CodeReplayed, Err: errReplayed}
	}
	redeemed.Add(ctx, v, proof.id)
	return nil
}

var errNotMade = errors.New("this Verifier was not made by New")

// redeemTimeout bounds the time of a store's call, since the request's context
// may have no deadline.
const redeemTimeout = 5 * time.Second

// Algorithms returns the algorithms that a proof may be signed with, in the
// order of Config.Algorithms.
func (v *Verifier) Algorithms() []validator.Algorithm {
	return slices.Clone(v.cfg.Algorithms)
}

// Nonce returns the value of the DPoP-Nonce field for a response (RFC 9449,
// Section 8.2), or "" if no nonce is required.
func (v *Verifier) Nonce() string {
	if v.cfg.Nonces == nil {
		return ""
	}
	return v.cfg.Nonces.Nonce()
}

// replayKey names a proof. Only the key's holder can make another proof of the
// same name. The name is short, however long the "jti" is. It leaves out the
// signature, since some algorithms have two signatures for one proof.
func replayKey(thumbprint, id string) string {
	var few [512]byte
	name := append(few[:0], thumbprint...) // of constant length, so that the two can't be split in another way
	sum := sha256.Sum256(append(name, id...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// invalid makes a new error for each proof, since the caller may change it.
func invalid(err error) *validator.Error {
	return &validator.Error{Code: validator.CodeProof, Err: err}
}

var (
	errNone     = errors.New("the request has no DPoP proof")
	errSeveral  = errors.New("the request has several DPoP fields")
	errNonce    = errors.New("the proof's nonce is missing, too old or not ours")
	errUnbound  = errors.New("the token is not bound to a DPoP key: it is not for the scheme DPoP")
	errOtherKey = errors.New("the token is bound to another key than the proof's")
	errReplayed = errors.New("the proof was used before")
)
