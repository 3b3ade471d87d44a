package mockissuer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"sync"
)

// A pool lends RSA keys to issuers. Making a key takes longer than most tests
// do. A process with hundreds of tests that each start an issuer makes only as
// many keys as there are issuers at the same time.
//
// A key belongs to one issuer at a time. If it were shared, a test that one
// issuer's token is rejected with another's keys could not fail.
type pool struct {
	mu   sync.Mutex
	idle []*rsa.PrivateKey
}

// rsaKeys is a global variable because the keys are shared within the process.
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
