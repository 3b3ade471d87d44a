package clientauth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// place returns where the token of w is kept: by everything on which it depends.
// Processes that have keys or certificates of their own share no bound token.
func (c *state) place(w wanted) place {
	jkt := ""
	if c.cfg.Key != nil {
		jkt = c.cfg.Key.thumbprint
	}
	h := sha256.New()
	for _, part := range []string{
		"rsguard clientauth 1", c.cfg.Issuer, c.cfg.TokenURL, c.cfg.ClientID, jkt, c.x5t, w.form.Encode(),
	} {
		// A length before each part keeps two lists from being one text.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	bound := h.Sum(nil)
	return place{base64.RawURLEncoding.EncodeToString(bound), bound, rand.Text()}
}

// A seal encrypts records. The first key encrypts, and all decrypt.
type seal []cipher.AEAD

const sealVersion = 1

func newSeal(keys [][]byte) (seal, error) {
	var s seal
	for _, key := range keys {
		derived, err := hkdf.Key(sha256.New, key, nil, "rsguard clientauth store, AES-256-GCM", 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s = append(s, aead)
	}
	return s, nil
}

// close returns r in encrypted form. It opens for the same bound alone.
func (s seal) close(r *record, bound []byte) []byte {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // it has strings and numbers
	}
	return s[0].Seal([]byte{sealVersion}, nil, text, bound) //nolint:gosec // G407: this AEAD chooses its nonces
}

var errSeal = errors.New("it does not open by Config.StoreKeys for this request")

func (s seal) open(value, bound []byte) (*record, error) {
	if len(value) > MaxStored || len(value) == 0 || value[0] != sealVersion {
		return nil, fmt.Errorf("it has %d bytes and is no value of this version", len(value))
	}
	for _, aead := range s {
		text, err := aead.Open(nil, nil, value[1:], bound)
		if err != nil {
			continue
		}
		r := new(record)
		if err := json.Unmarshal(text, r); err != nil {
			return nil, errors.New("it is no record of this version")
		}
		return r, nil
	}
	return nil, errSeal
}
