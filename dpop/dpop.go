// Package dpop checks DPoP proofs, by which the sender of an access token shows
// that it has the key that the token is bound to: a token that was stolen
// without its key is useless then.
//
//	proofs, err := dpop.New(dpop.Config{})
//	…
//	proof, err := proofs.Verify(dpop.Request{Method: method, URL: url, Proofs: fields, Token: token})
//	ctx = validator.ContextWithConfirmation(ctx, validator.Confirmation{JKT: proof.Thumbprint})
//	claims, err := tokens.Validate(ctx, token)
//	err = proofs.Redeem(ctx, proof, claims)
//
// Package middleware does all of this for HTTP requests, if its Config has a
// Verifier. The three steps are for programs that speak HTTP, or something like
// it, in another way.
//
// The standards are RFC 9449 (DPoP), RFC 7638 (thumbprints of keys) and RFC
// 3986 (when two URLs are one).
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

	"github.com/rsguard/rsguard/validator"
)

// A Verifier checks proofs. It is made by [New], and safe for concurrent use.
type Verifier struct {
	cfg        Config
	algorithms []string
}

// New returns a Verifier for cfg. It does no I/O and starts no goroutine. Its
// error joins everything that is wrong with cfg.
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

// A Request is what a proof has to be made for.
type Request struct {
	// Method is the request's method, as it was sent.
	Method string

	// URL is the URL that the client has sent the request to, absolute, as the
	// client knows it: behind a proxy, that is not always what the server sees.
	// Its query and fragment don't matter.
	URL string `json:"-"`

	// Proofs are the values of all DPoP header fields. One is right.
	Proofs []string `json:"-"`

	// Token is the access token.
	Token string `json:"-"`
}

// A Proof is a proof that has not been redeemed. It has been verified, but for
// the signature of one from [Verifier.Read].
type Proof struct {
	// Thumbprint is that of the sender's key, which the token's cnf.jkt must
	// equal (RFC 9449, Section 6.1).
	Thumbprint string

	id      string // unique for the key
	expires time.Time
	verify  func() error // nil if that has been done
}

// Verify checks all that can be known of a proof without its token's claims:
// that there is one, well-formed, signed by the key that it names, lately, for
// this request and this token, and with a nonce of ours if one is demanded (RFC
// 9449, Section 4.3). It doesn't find out whether the proof was used before:
// [Verifier.Redeem] does.
//
// It costs a check of a signature by a key that any client can make. Where that
// may cost ten times as much as the check of a token, by a key of RSA with over
// 2048 bits or of another curve than P-256 and Ed25519, [Verifier.Read] lets
// the token come first.
//
// Its error is a [*validator.Error] with [validator.CodeProof], or with
// [validator.CodeNonce] if nothing but the nonce is wrong as far as it was
// looked at.
func (v *Verifier) Verify(r Request) (*Proof, error) {
	var p reading
	proof, err := v.read(&p, r)
	if err != nil {
		return nil, err
	}
	// What costs most comes last.
	if err := p.checkSignature(); err != nil {
		return nil, err
	}
	return proof, nil
}

// Read is [Verifier.Verify], but leaves out the check of a signature that costs
// much. The Proof does it when its own Verify is called, and at the latest when
// it is redeemed. So the token can be validated first, and only a client that
// has one, bound to this key, can cause it:
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

// Verify checks the signature of a Proof from [Verifier.Read], once. Its error
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

// read reads a proof into p and checks all but its signature.
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
		// accepts the proof for a little longer. And at the last moment of its
		// age it must still be remembered.
		expires: p.issuedAt.Add(v.cfg.MaxAge + max(v.cfg.Leeway, time.Second)),
	}, nil
}

// Redeem uses a proof up, and is the last step: claims are those of the token
// that the proof was verified with. They must be bound to the proof's key, so
// that a token bound to nothing doesn't pass for one that is.
//
// Its error is a [*validator.Error]: that of [Proof.Verify], with
// [validator.CodeBinding] if the claims are not bound to that key, with
// [validator.CodeReplayed] if the proof was redeemed before, with
// [validator.CodeUnavailable] if that can't be known now: the store fails or is
// full, or ctx is done.
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
	ctx, cancel := context.WithTimeout(ctx, redeemTimeout)
	defer cancel()
	switch isNew, err := v.cfg.Replays.Add(ctx, proof.id, proof.expires); {
	case err != nil:
		return &validator.Error{Code: validator.CodeUnavailable, Err: fmt.Errorf("the replay store: %w", err)}
	case !isNew:
		return &validator.Error{Code: validator.CodeReplayed, Err: errReplayed}
	}
	return nil
}

var errNotMade = errors.New("this Verifier was not made by New")

// redeemTimeout bounds what a store may take, where the request's context has
// no end of its own.
const redeemTimeout = 5 * time.Second

// Algorithms returns those that a proof may be signed with, in the order of
// preference that the client is told.
func (v *Verifier) Algorithms() []validator.Algorithm {
	return slices.Clone(v.cfg.Algorithms)
}

// Nonce returns the value of the DPoP-Nonce field for an answer (RFC 9449,
// Section 8.2), or "" if no nonce is demanded.
func (v *Verifier) Nonce() string {
	if v.cfg.Nonces == nil {
		return ""
	}
	return v.cfg.Nonces.Nonce()
}

// replayKey names a proof: nobody but the key's holder can make another of the
// same name, and it is short whatever the "jti" is. The signature is not in it,
// as some algorithms have two for one proof.
func replayKey(thumbprint, id string) string {
	var few [512]byte
	name := append(few[:0], thumbprint...) // always as long, so that the two can't be parted in another way
	sum := sha256.Sum256(append(name, id...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// invalid makes an error for each proof, since whoever gets it may change it.
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
