package mockissuer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// pool lends RSA keys to issuers. Making one takes longer than most tests do; a
// process with hundreds of tests that each start an issuer should make as many
// keys as issuers live at the same time, not hundreds.
//
// A key belongs to one issuer at a time. Were it shared, a test that one
// issuer's token is refused by another's keys could not fail.
type pool struct {
	mu   sync.Mutex
	idle []*rsa.PrivateKey
}

// rsaKeys is a global against the rule: the process is what the keys are shared
// in.
var rsaKeys pool

func (p *pool) take() (*rsa.PrivateKey, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		key := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return key, nil
	}
	p.mu.Unlock()

	return rsa.GenerateKey(rand.Reader, 2048)
}

func (p *pool) giveBack(keys []crypto.Signer) {
	p.mu.Lock()
	defer p.mu.Unlock()

	for _, key := range keys {
		if key, ok := key.(*rsa.PrivateKey); ok {
			p.idle = append(p.idle, key)
		}
	}
}
