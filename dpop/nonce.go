package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DefaultNonceStep is the default of [NonceConfig].Step.
const DefaultNonceStep = 3 * time.Minute

// A NonceConfig says how a [Nonces] makes nonces. Secrets is required.
type NonceConfig struct {
	// Secrets have at least 32 random bytes each. The first makes nonces, and
	// all check them. All servers behind one name need the same secrets. To
	// replace the secret, add the new one at the end, move it to the front once
	// all servers have it, then remove the old one.
	Secrets [][]byte `json:"-"`

	// Step is how long each nonce is issued. It is accepted during the
	// following step too, so for up to two. If zero, [DefaultNonceStep] is
	// used. Less than a second is an error.
	Step time.Duration

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time
}

// Nonces is a [NonceSource] without a store. A nonce is the number of a time
// step and an authentication code that needs the secret. All clients get the
// same nonce, because its purpose is that proofs can't be made in advance (RFC
// 9449, Section 11.2). That a proof is used once is ensured by the
// [ReplayStore], even if the clock is set back and old nonces become valid
// again. It is safe for concurrent use. Make one with [NewNonces]. The zero
// Nonces makes no nonce and accepts none.
type Nonces struct{ cfg *NonceConfig } // a pointer for the reason given at Format

var _ NonceSource = (*Nonces)(nil)

// NewNonces returns a Nonces for cfg. The error joins all faults of cfg.
func NewNonces(cfg NonceConfig) (*Nonces, error) {
	var errs []error
	if len(cfg.Secrets) == 0 {
		errs = append(errs, errors.New("dpop: NonceConfig.Secrets is empty"))
	}
	for i, secret := range cfg.Secrets {
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("dpop: NonceConfig.Secrets[%d] has %d bytes; it needs at least %d", i, len(secret), minSecret))
		}
	}
	if cfg.Step == 0 {
		cfg.Step = DefaultNonceStep
	}
	if cfg.Step < time.Second {
		errs = append(errs, fmt.Errorf("dpop: NonceConfig.Step is %v; it must be at least a second", cfg.Step))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	secrets := make([][]byte, len(cfg.Secrets))
	for i, secret := range cfg.Secrets {
		secrets[i] = slices.Clone(secret)
	}
	cfg.Secrets = secrets
	return &Nonces{&cfg}, nil
}

const (
	minSecret = 32
	codeSize  = 16
	nonceSize = 8 + codeSize
)

// Nonce returns the nonce of the current time step.
func (n *Nonces) Nonce() string {
	if n.cfg == nil {
		return ""
	}
	nonce := n.nonce(n.cfg.Secrets[0], n.step())
	return base64.RawURLEncoding.EncodeToString(nonce[:])
}

// Valid reports whether nonce is of the current time step, the one before or
// the next. A nonce of the next step was made by a server whose clock is ahead.
func (n *Nonces) Valid(nonce string) bool {
	if len(nonce) != base64.RawURLEncoding.EncodedLen(nonceSize) || n.cfg == nil {
		return false
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(got) != nonceSize {
		return false
	}
	step := binary.BigEndian.Uint64(got)
	if now := n.step(); step < now-1 || step > now+1 {
		return false
	}
	for _, secret := range n.cfg.Secrets {
		if want := n.nonce(secret, step); hmac.Equal(want[:], got) {
			return true
		}
	}
	return false
}

func (n *Nonces) step() uint64 {
	return uint64(n.cfg.Now().UnixNano() / int64(n.cfg.Step))
}

func (n *Nonces) nonce(secret []byte, step uint64) (nonce [nonceSize]byte) {
	binary.BigEndian.PutUint64(nonce[:], step)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(nonceLabel))
	h.Write(nonce[:8])
	var sum [sha256.Size]byte
	copy(nonce[8:], h.Sum(sum[:0]))
	return nonce
}

// nonceLabel separates nonces from what other programs may derive from the same
// secret.
const nonceLabel = "rsguard DPoP-Nonce 1\x00"
