package mockissuer

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// privateKey is an *rsa.PrivateKey, an *ecdsa.PrivateKey or an
// ed25519.PrivateKey.
type privateKey = crypto.Signer

// key is a key pair of the issuer.
type key struct {
	id, alg string
	private privateKey
	// active keys sign; there is one for each algorithm that is in use. The
	// others are only published.
	active bool
	made   time.Time
	x5c    []byte // made when first asked for
}

// A PublishedKey is one of the issuer's key set.
type PublishedKey struct {
	ID, Algorithm string
	// Signs says that tokens are signed with it. The others are only published.
	Signs bool
	// Made is when it was made, by the issuer's clock.
	Made time.Time
}

// A Rotation is a step of changing the issuer's keys. The steps apply to the
// keys of all algorithms in use.
type Rotation string

// The steps of a rotation. A careful issuer publishes a key, activates it when
// every key set has been fetched again, and retires the old one when its last
// token has expired. A hurried one does it [AtOnce].
const (
	// Publish adds a key to the key set that signs nothing yet.
	Publish Rotation = "publish"
	// Activate lets the key that was published last sign. The old one stays in
	// the key set.
	Activate Rotation = "activate"
	// Retire takes all keys that do not sign out of the key set.
	Retire Rotation = "retire"
	// AtOnce is all three in one step: the old key is gone and the new one
	// signs.
	AtOnce Rotation = "at once"
	// SameKeyID is AtOnce with a new key under the old one's id.
	SameKeyID Rotation = "same kid"
)

// RotateKey takes the steps in order, or [AtOnce] if none is given, and returns
// the id of the key that then signs with the issuer's first algorithm.
func (iss *Issuer) RotateKey(steps ...Rotation) (kid string, err error) {
	if len(steps) == 0 {
		steps = []Rotation{AtOnce}
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()

	if err := iss.ensureKeys(); err != nil {
		return "", err
	}
	for _, step := range steps {
		if err := iss.rotate(step); err != nil {
			return "", err
		}
	}
	if err := iss.keysChanged(); err != nil {
		return "", err
	}
	k, err := iss.activeKey(iss.cfg.Algorithms[0])
	if err != nil {
		return "", err
	}
	return k.id, nil
}

func (iss *Issuer) rotate(step Rotation) error {
	switch step {
	case Publish:
		for _, old := range slices.Clone(iss.keys) {
			if !old.active {
				continue
			}
			if _, err := iss.addKey(old.alg, newKeyID()); err != nil {
				return err
			}
		}
	case Activate:
		newest := make(map[string]*key)
		for _, k := range iss.keys {
			k.active = false
			newest[k.alg] = k
		}
		for _, k := range newest {
			k.active = true
		}
	case Retire:
		iss.keys = slices.DeleteFunc(iss.keys, func(k *key) bool { return !k.active })
	case AtOnce, SameKeyID:
		for n, old := range iss.keys {
			if !old.active {
				continue
			}
			id := newKeyID()
			if step == SameKeyID {
				id = old.id
			}
			k, err := iss.makeKey(old.alg, id)
			if err != nil {
				return err
			}
			k.active = true
			iss.keys[n] = k
		}
		return iss.rotate(Retire)
	default:
		return fmt.Errorf("mockissuer: no rotation is called %q", step)
	}
	return nil
}

// KeyIDs returns the ids of the published keys, the oldest first.
func (iss *Issuer) KeyIDs() ([]string, error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if err := iss.ensureKeys(); err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range iss.keys {
		ids = append(ids, k.id)
	}
	return ids, nil
}

// PublishedKeys returns what the key set has, the oldest first.
func (iss *Issuer) PublishedKeys() ([]PublishedKey, error) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if err := iss.ensureKeys(); err != nil {
		return nil, err
	}
	var list []PublishedKey
	for _, k := range iss.keys {
		list = append(list, PublishedKey{ID: k.id, Algorithm: k.alg, Signs: k.active, Made: k.made})
	}
	return list, nil
}

// ensureKeys makes the keys of the configured algorithms, those of APIs
// included: a key that came into the key set with the first token would cost a
// verifier, which may have fetched it before, its one forced fetch.
func (iss *Issuer) ensureKeys() error {
	algs := slices.Clone(iss.cfg.Algorithms)
	for _, a := range iss.cfg.APIs {
		if Asymmetric(a.Algorithm) {
			algs = append(algs, a.Algorithm)
		}
	}
	for _, alg := range algs {
		if _, err := iss.activeKey(alg); err != nil {
			return err
		}
	}
	return nil
}

// activeKey returns the key that signs with alg, and makes it if there is none.
func (iss *Issuer) activeKey(alg string) (*key, error) {
	for _, k := range iss.keys {
		if k.alg == alg && k.active {
			return k, nil
		}
	}
	k, err := iss.addKey(alg, newKeyID())
	if err != nil {
		return nil, err
	}
	k.active = true
	return k, iss.keysChanged()
}

func (iss *Issuer) addKey(alg, id string) (*key, error) {
	k, err := iss.makeKey(alg, id)
	if err != nil {
		return nil, err
	}
	iss.keys = append(iss.keys, k)
	return k, nil
}

func (iss *Issuer) makeKey(alg, id string) (*key, error) {
	if !Asymmetric(alg) {
		return nil, fmt.Errorf("mockissuer: there is no key pair for the algorithm %q", alg)
	}
	private, err := algorithms[alg].newKey()
	if err != nil {
		return nil, err
	}
	iss.lent = append(iss.lent, private)
	return &key{id: id, alg: alg, private: private, made: iss.now()}, nil
}

func newKeyID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return base64.RawURLEncoding.EncodeToString(id)
}
