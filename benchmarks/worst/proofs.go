package worst

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

const ordersURL = "https://api.example.com/orders"

// clock stands still, so that proofs stay new.
func clock() time.Time { return time.Unix(1_800_000_000, 0) }

// A proofKey is a stranger's key.
type proofKey struct {
	name, alg string
	jwk       string // without braces
	signature int    // bytes
	own       func(message, signature []byte) bool
}

// proofs are proofs that can't be accepted, whatever their signature costs.
func (s *service) proofs() ([]Input, error) {
	usual, err := dpop.New(dpop.Config{Now: clock})
	if err != nil {
		return nil, err
	}
	onlyES256, err := dpop.New(dpop.Config{Now: clock, Algorithms: []validator.Algorithm{validator.ES256}})
	if err != nil {
		return nil, err
	}
	keys, err := proofKeys()
	if err != nil {
		return nil, err
	}

	var inputs []Input
	add := func(name string, key proofKey, proof string, do func(dpop.Request) error) {
		input := Input{Name: "proof: " + name, Times: 1, Reject: func() error {
			return do(dpop.Request{Method: "GET", URL: ordersURL, Proofs: []string{proof}, Token: "t"})
		}}
		if key.own != nil {
			end := strings.LastIndexByte(proof, '.')
			message, signature := []byte(proof[:end]), decode(proof[end+1:])
			input.Own = func() error {
				if key.own(message, signature) {
					return errAccepted
				}
				return nil
			}
		}
		inputs = append(inputs, input)
	}
	verify := func(r dpop.Request) error { return rejected(usual.Verify(r)) }
	// An expensive proof is only read until its token is known to be good.
	read := func(r dpop.Request) error { _, _ = usual.Read(r); return nil }

	for _, key := range keys {
		proof := key.proof("", "", key.signature)
		if key.signature > 256 {
			add(key.name+", read", key, proof, read)
		} else {
			add(key.name, key, proof, verify)
		}
		add(key.name+", and a short signature", proofKey{}, key.proof("", "", 255), verify)
		add(key.name+", where only ES256 is allowed", proofKey{}, key.as("RS256").proof("", "", 255),
			func(r dpop.Request) error { return rejected(onlyES256.Verify(r)) })
	}
	p256, rsa2048 := keys[0], keys[2]
	for _, f := range append([]filler{
		{"a jti", list(`"jti":"`, `\n`, `"`)},
		{"an htu", list(`"htu":"https://api.example.com/`, `./`, `"`)},
		{"an htu of escapes", list(`"htu":"https://api.example.com/`, `%2e/`, `"`)},
		{"an htu of letters", list(`"htu":"https://api.example.com/`, `%6f`, `"`)},
		{"an htu of a host", list(`"htu":"https://`, `a.`, `/"`)},
		{"an ath", list(`"ath":"`, `\n`, `"`)},
		{"a nonce", list(`"nonce":"`, `\n`, `"`)},
	}, fillers...) {
		for _, key := range []proofKey{p256, rsa2048} {
			add(f.name+", "+key.name, key, key.proof(f.text(5<<10), "", key.signature), verify)
		}
	}
	for _, f := range append([]filler{
		{"a chain of certificates", list(`"x5c":[`, `"AAAA",`, `]`)},
		{"operations", list(`"key_ops":["verify",`, `"a",`, `]`)},
		{"a kid", list(`"kid":"`, `\n`, `"`)},
	}, fillers...) {
		for _, key := range []proofKey{p256, rsa2048} {
			add("a jwk with "+f.name+", "+key.name, key, key.proof("", f.text(2200), key.signature), verify)
		}
	}
	for _, f := range []filler{
		{"a modulus of escapes", list(`"jwk":{"kty":"RSA","e":"AQAB","n":"`, `\u0041`, `"}`)},
		{"a long modulus", list(`"jwk":{"kty":"RSA","e":"AQAB","n":"`, `A`, `"}`)},
		{"a long point", list(`"jwk":{"kty":"EC","crv":"P-256","y":"A","x":"`, `A`, `"}`)},
		{"a long curve", list(`"jwk":{"kty":"EC","crv":"`, `\n`, `"}`)},
	} {
		header := `{"typ":"dpop+jwt","alg":"RS256",` + f.text(3000) + "}"
		proof := encode([]byte(header)) + "." + encode([]byte(proofClaims(""))) + "." + random(256)
		add(f.name, proofKey{}, proof, verify)
	}
	add("64 KiB", proofKey{}, strings.Repeat("a", 64<<10), verify)
	return inputs, nil
}

func (k proofKey) as(alg string) proofKey {
	k.alg = alg
	return k
}

// proof returns a proof with more claims and more members of the key, if these
// aren't empty, and a signature of random bytes.
func (k proofKey) proof(claims, members string, signature int) string {
	if members != "" {
		members = "," + members
	}
	header := fmt.Sprintf(`{"typ":"dpop+jwt","alg":%q,"jwk":{%s%s}}`, k.alg, k.jwk, members)
	return encode([]byte(header)) + "." + encode([]byte(proofClaims(claims))) + "." + random(signature)
}

// proofClaims returns good claims, some of them replaced by those given.
func proofClaims(claims string) string {
	ath := sha256.Sum256([]byte("t"))
	good := map[string]any{"jti": "1", "htm": "GET", "htu": ordersURL, "iat": clock().Unix(), "ath": encode(ath[:])}
	if claims == "" {
		claims = `"x":0`
	}
	for name := range good {
		if strings.HasPrefix(claims, `"`+name+`"`) || strings.Contains(claims, `,"`+name+`"`) {
			delete(good, name)
		}
	}
	text, err := json.Marshal(good)
	if err != nil {
		panic(err) // of our own making
	}
	return string(text[:len(text)-1]) + "," + claims + "}"
}

// proofKeys returns keys of all kinds. Only the last prime shows that the RSA
// keys don't have the weakness of CVE-2017-15361.
func proofKeys() ([]proofKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	keys := []proofKey{
		{"P-256", "ES256", fmt.Sprintf(`"kty":"EC","crv":"P-256","x":%q,"y":%q`, encode(point[1:33]), encode(point[33:])), 64,
			func(message, signature []byte) bool {
				digest := sha256.Sum256(message)
				der, err := asn1.Marshal(struct{ R, S *big.Int }{
					new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]),
				})
				return err == nil && ecdsa.VerifyASN1(&private.PublicKey, digest[:], der)
			}},
		{"Ed25519", "EdDSA", fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":%q`, encode(edKey)), 64,
			func(message, signature []byte) bool { return ed25519.Verify(edKey, message, signature) }},
	}
	for _, bits := range []uint{2048, 3072, 4096, 8192} {
		for _, alg := range []string{"RS256", "PS256"} {
			keys = append(keys, proofKey{
				name:      fmt.Sprintf("RSA of %d bits, %s", bits, alg),
				alg:       alg,
				jwk:       fmt.Sprintf(`"kty":"RSA","e":"AQAB","n":%q`, encode(almostWeak(bits).Bytes())),
				signature: int(bits / 8),
			})
		}
	}
	return keys, nil
}

// almostWeak returns a modulus that is a power of 65537 modulo all primes up to
// 701, except the last that makes a difference.
func almostWeak(bits uint) *big.Int {
	const last = 691
	product := big.NewInt(1) // of the other primes, and of 2 for an odd modulus
	for prime := int64(2); prime <= 701; prime++ {
		if p := big.NewInt(prime); p.ProbablyPrime(0) && prime != last {
			product.Mul(product, p)
		}
	}
	power := new(big.Int).Exp(big.NewInt(65537), big.NewInt(1234), product)
	modulus := new(big.Int).Lsh(big.NewInt(1), bits-1)
	modulus.Add(modulus, new(big.Int).Mod(new(big.Int).Sub(power, modulus), product))
	for {
		n := new(big.Int).Mod(modulus, big.NewInt(last))
		if order := big.NewInt(23); n.Exp(n, order, big.NewInt(last)).Cmp(big.NewInt(1)) != 0 {
			return modulus
		}
		modulus.Add(modulus, product)
	}
}
