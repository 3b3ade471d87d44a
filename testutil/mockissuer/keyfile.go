package mockissuer

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A storedKey is a key pair as [Config.KeysChanged] gets it.
type storedKey struct {
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Active    bool   `json:"active"`
	PKCS8     []byte `json:"pkcs8"`
	// Made is zero in files of earlier versions.
	Made time.Time `json:"made,omitzero"`
}

// loadKeys loads the keys that an earlier issuer stored.
func (iss *Issuer) loadKeys(stored []byte) error {
	var list []storedKey
	if err := json.Unmarshal(stored, &list); err != nil {
		return fmt.Errorf("mockissuer: stored keys: %w", err)
	}
	for _, s := range list {
		parsed, err := x509.ParsePKCS8PrivateKey(s.PKCS8)
		if err != nil {
			return fmt.Errorf("mockissuer: stored key %q: %w", s.ID, err)
		}
		private, ok := parsed.(privateKey)
		if !ok || !Asymmetric(s.Algorithm) || s.ID == "" {
			return fmt.Errorf("mockissuer: stored key %q is none for %q", s.ID, s.Algorithm)
		}
		if _, err := algorithms[s.Algorithm].sign(private, "does it fit?"); err != nil {
			return fmt.Errorf("mockissuer: stored key %q: %w", s.ID, err)
		}
		twin := func(k *key) bool { return k.id == s.ID || k.active && s.Active && k.alg == s.Algorithm }
		if slices.ContainsFunc(iss.keys, twin) {
			return fmt.Errorf("mockissuer: stored key %q is there twice, or two keys sign with %s", s.ID, s.Algorithm)
		}
		iss.keys = append(iss.keys, &key{id: s.ID, alg: s.Algorithm, active: s.Active, private: private, made: s.Made})
	}
	return nil
}

// keysChanged calls [Config.KeysChanged].
func (iss *Issuer) keysChanged() error {
	if iss.cfg.KeysChanged == nil {
		return nil
	}
	var list []storedKey
	for _, k := range iss.keys {
		der, err := x509.MarshalPKCS8PrivateKey(k.private)
		if err != nil {
			return err
		}
		list = append(list, storedKey{ID: k.id, Algorithm: k.alg, Active: k.active, PKCS8: der, Made: k.made})
	}
	stored, err := json.MarshalIndent(list, "", "\t")
	if err != nil {
		return err
	}
	return iss.cfg.KeysChanged(stored)
}
