package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// BenchmarkRequest compares all that a bound token costs, its validation, the
// proof and the memory of it, with the two bare signature checks that are in
// it: "ratio" is how much more it is.
func BenchmarkRequest(b *testing.B) {
	for _, bb := range []struct {
		name          string
		issuer, proof func() clientKey
	}{
		{"RS256+ES256", rsaKey, esKey},
		{"ES256+ES256", esKey, esKey},
		{"EdDSA+EdDSA", func() clientKey { return edKey }, func() clientKey { return edKey }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			issuer, key := bb.issuer(), bb.proof()
			proofs := newVerifier(b, func(cfg *dpop.Config) { cfg.Replays = &dpop.MemoryStore{Capacity: 1 << 24, Now: cfg.Now} })
			first, err := proofs.Verify(request(key.proof(b, nil, nil)))
			if err != nil {
				b.Fatal(err)
			}
			tokens, err := validator.New(validator.Config{
				Issuers:    []string{"https://issuer.example/"},
				Audiences:  []string{"https://api.example.com"},
				Keys:       jwks.Set{{ID: "k", Public: issuer.private.Public()}},
				Algorithms: []validator.Algorithm{validator.Algorithm(issuer.alg)},
				Now:        func() time.Time { return t0 },
			})
			if err != nil {
				b.Fatal(err)
			}
			token := issuer.signed(b, object{"alg": issuer.alg, "typ": "at+jwt", "kid": "k"}.json(b), object{
				"iss": "https://issuer.example/", "aud": "https://api.example.com", "sub": "user", "iat": t0.Unix(), "exp": t0.Unix() + 600,
				"scope": "orders:read orders:write", "client_id": "app", "jti": "1", "cnf": object{"jkt": first.Thumbprint},
			}.json(b))

			// As many proofs as it takes would cost more to sign than to check:
			// one is redeemed under many names.
			r := to(method, url, token, key.proof(b, nil, object{"ath": hashOf(token)}))
			n := 0
			request := func() {
				proof, err := proofs.Verify(r)
				if err != nil {
					b.Fatal(err)
				}
				n++
				dpop.Rename(proof, strconv.Itoa(n))
				claims, err := tokens.Validate(validator.ContextWithConfirmation(b.Context(), validator.Confirmation{JKT: proof.Thumbprint}), token)
				if err != nil {
					b.Fatal(err)
				}
				if err := proofs.Redeem(b.Context(), proof, claims); err != nil {
					b.Fatal(err)
				}
			}
			bare := func() { issuer.check(b, token); key.check(b, r.Proofs[0]) }

			// In turns, so that both meet the same moods of the machine, and by
			// the median, so that its worst don't count.
			var whole, signatures []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				request()
				middle := time.Now()
				bare()
				whole, signatures = append(whole, middle.Sub(start)), append(signatures, time.Since(middle))
			}
			slices.Sort(whole)
			slices.Sort(signatures)
			b.ReportMetric(float64(whole[n/2]), "ns/request")
			b.ReportMetric(float64(signatures[n/2]), "ns/signatures")
			b.ReportMetric(float64(whole[n/2])/float64(signatures[n/2]), "ratio")
		})
	}
}

// check is the bare check of a signature, by the standard library.
func (k clientKey) check(b *testing.B, jws string) {
	i := strings.LastIndexByte(jws, '.')
	var buf [512]byte
	n, err := base64.RawURLEncoding.Decode(buf[:], []byte(jws[i+1:]))
	if err != nil {
		b.Fatal(err)
	}
	signature, input := buf[:n], []byte(jws[:i])
	digest := sha256.Sum256(input)
	valid := false
	switch public := k.private.Public().(type) {
	case ed25519.PublicKey:
		valid = ed25519.Verify(public, input, signature)
	case *ecdsa.PublicKey:
		valid = ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case *rsa.PublicKey:
		valid = rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	}
	if !valid {
		b.Fatal("the signature is not valid")
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, key := range []clientKey{edKey, esKey(), rsaKey(), pssKey()} {
		b.Run(key.alg, func(b *testing.B) {
			v := newVerifier(b, nil)
			r := request(key.proof(b, nil, nil))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemoryStore adds at a steady rate of the fake clock, so that as many
// leave as come: run it with -cpu 1,2.
func BenchmarkMemoryStore(b *testing.B) {
	for _, held := range []int{100_000, 1_000_000} {
		b.Run("holding="+strconv.Itoa(held), func(b *testing.B) {
			var count atomic.Int64
			m := &dpop.MemoryStore{Capacity: 1 << 22, Now: func() time.Time { return t0.Add(time.Duration(count.Load())) }}
			// A key may be added a little late, when others have moved the
			// clock on.
			lifetime := time.Duration(held)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var key [16]byte
				for pb.Next() {
					n := count.Add(1)
					isNew, err := m.Add(b.Context(), string(strconv.AppendInt(key[:0], n, 36)), t0.Add(time.Duration(n)+lifetime))
					if !isNew || err != nil {
						b.Fatalf("Add() = %t, %v", isNew, err)
					}
				}
			})
		})
	}
}

// BenchmarkMemoryStore_size reports what a proof takes that is remembered: in a
// store that is full, and at the worst, when maps and slices have just grown.
func BenchmarkMemoryStore_size(b *testing.B) {
	for _, n := range []int{100_000, 200_000, 500_000, 1_000_000} {
		b.Run("proofs="+strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				m := &dpop.MemoryStore{Capacity: 1 << 22, Now: func() time.Time { return t0 }}
				before := heap()
				for i := range n {
					if isNew, err := m.Add(b.Context(), hashOf(strconv.Itoa(i)), t0.Add(time.Minute+time.Duration(i))); !isNew || err != nil {
						b.Fatalf("Add() = %t, %v", isNew, err)
					}
				}
				b.ReportMetric(float64(heap()-before)/float64(n), "bytes/proof")
				runtime.KeepAlive(m)
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func BenchmarkNonces(b *testing.B) {
	n := noncesAt(b, 0, secret1)
	nonce := n.Nonce()
	b.ReportAllocs()
	for b.Loop() {
		if !n.Valid(nonce) {
			b.Fatal("Valid() = false")
		}
	}
}

func BenchmarkTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dpop.Target("https://api.example.com/v1/orders/42?page=2"); err != nil {
			b.Fatal(err)
		}
	}
}
