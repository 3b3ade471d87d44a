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

// DefaultNonceStep is how long each of the nonces of a [Nonces] is given out.
const DefaultNonceStep = 3 * time.Minute

// A NonceConfig says how a [Nonces] is to make nonces. Secrets is required.
type NonceConfig struct {
	// Secrets are of 32 random bytes at least. The first makes nonces, all of
	// them check. All servers behind one name have the same. To change the
	// secret, add the new one at the end, then move it to the front when all
	// servers have it, then take the old one out.
	Secrets [][]byte `json:"-"`

	// Step is how long a nonce is given out. It is accepted in the following
	// step too, and so for up to two. Zero means [DefaultNonceStep]; less than
	// a second is refused.
	Step time.Duration

	// Now tells the time. Nil means [time.Now].
	Now func() time.Time
}

// Nonces is a [NonceSource] that keeps nothing: a nonce is the number of a time
// step and a code that only who has the secret can make. All clients get the
// same one, which is how nonces are meant here: they keep proofs from being
// made in advance (RFC 9449, Section 11.2). That a proof is used once is what
// the [ReplayStore] sees to, also when the clock is set back and makes old
// nonces valid again. It is safe for concurrent use. It is made by [NewNonces]:
// the zero Nonces makes none, and none is valid.
type Nonces struct{ cfg *NonceConfig } // by its address: see Format

var _ NonceSource = (*Nonces)(nil)

// NewNonces returns a Nonces for cfg. Its error joins everything that is wrong
// with cfg.
func NewNonces(cfg NonceConfig) (*Nonces, error) {
	var errs []error
	if len(cfg.Secrets) == 0 {
		errs = append(errs, errors.New("dpop: Secrets is empty"))
	}
	for i, secret := range cfg.Secrets {
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("dpop: Secrets[%d] has %d bytes; at least %d are needed", i, len(secret), minSecret))
		}
	}
	if cfg.Step == 0 {
		cfg.Step = DefaultNonceStep
	}
	if cfg.Step < time.Second {
		errs = append(errs, fmt.Errorf("dpop: Step is %v; at least a second is needed", cfg.Step))
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

// Nonce returns the nonce of the present step.
func (n *Nonces) Nonce() string {
	if n.cfg == nil {
		return ""
	}
	nonce := n.nonce(n.cfg.Secrets[0], n.step())
	return base64.RawURLEncoding.EncodeToString(nonce[:])
}

// Valid reports whether nonce is of the present step or the one before. One of
// the next step is good as well: a server whose clock is ahead of ours has made
// it.
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

// nonceLabel keeps what is made of a secret apart from what another program may
// make of it.
const nonceLabel = "rsguard DPoP-Nonce 1\x00"
