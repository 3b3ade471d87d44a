package mockissuer

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// A privateKey is an *rsa.PrivateKey, an *ecdsa.PrivateKey or an
// ed25519.PrivateKey.
type privateKey = crypto.Signer

// A key is a key pair of the issuer.
type key struct {
	id, alg string
	private privateKey
	// active keys sign. There is one for each algorithm in use. The others are
	// only published.
	active bool
	made   time.Time
	x5c    []byte // made when first asked for
}

// A PublishedKey is a key of the issuer's key set.
type PublishedKey struct {
	ID, Algorithm string
	// Signs reports whether the key signs tokens. If not, it is only published.
	Signs bool
	// Made is the time at which the key was made, by the issuer's clock.
	Made time.Time
}

// A Rotation is a step of a key rotation. It applies to the keys of all
// algorithms in use.
type Rotation string

// The steps of a rotation. A careful issuer publishes a key, activates it after
// all verifiers have fetched the key set again, and retires the old key after
// its last token has expired. A careless one does all of it [AtOnce].
const (
	// Publish adds a key to the key set. It doesn't sign yet.
	Publish Rotation = "publish"
	// Activate makes the last published key the one that signs. The old key
	// stays in the key set.
	Activate Rotation = "activate"
	// Retire removes all keys that don't sign from the key set.
	Retire Rotation = "retire"
	// AtOnce does all three. The old key is gone, and the new key signs.
	AtOnce Rotation = "at once"
	// SameKeyID is AtOnce with the old key's id for the new key.
	SameKeyID Rotation = "same kid"
)

// RotateKey takes these steps in order, or [AtOnce] if there are none. It
// returns the id of the key that then signs with the issuer's first algorithm.
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

// KeyIDs returns the ids of the published keys, oldest first.
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

// PublishedKeys returns the keys of the key set, oldest first.
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

// ensureKeys makes the keys of all configured algorithms, including those of
// APIs. If a key were added with the first token, a verifier that has fetched
// the key set before would need its one forced fetch for it.
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

// activeKey returns the key that signs with alg, and makes it if necessary.
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
