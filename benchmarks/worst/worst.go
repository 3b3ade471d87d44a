// Package worst holds the unauthenticated inputs that are most expensive for a
// service: tokens, proofs and headers. This table tests every bound on what a
// stranger can cause. A new kind of input is a new line.
package worst

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// The bounds for one input.
const (
	MaxChecks = 3        // bare checks of RS256 signatures by a key of 2048 bits
	MaxBytes  = 64 << 10 // of memory
)

// An Input must be rejected.
type Input struct {
	Name string

	// Times is the factor by which an input may exceed the bounds. It is 1 for
	// everything that a service reads by default. If it is configured to read
	// more, the bounds grow with the size.
	Times float64

	// Own is the bare check of the input's own signature, if that isn't RS256.
	// It counts as one check, whatever it costs, because the issuer or the
	// service has chosen the algorithm.
	Own func() error

	// Reject passes the input to the library. It returns an error if the
	// library accepts it.
	Reject func() error
}

var errAccepted = errors.New("accepted")

// A service has the objects that the inputs are sent to.
type service struct {
	key    *rsa.PrivateKey
	edKey  ed25519.PublicKey
	strict *validator.Validator // as most are: RS256 and one audience
	wide   *validator.Validator // accepts what can be accepted
	large  *validator.Validator // reads tokens of 1 MiB
	mux    *validator.Mux
	looked *validator.Mux // which looks its tenants up, and finds none
}

const (
	issuer   = "https://issuer.example.com/"
	audience = "https://api.example.com/orders"
	keyID    = "c9Xb2nQ7wLr5Tz1k"
	edKeyID  = "q1Fz6uKc0Ri9Eo5b"
)

// Inputs returns all of them.
func Inputs() ([]Input, error) {
	s, err := newService()
	if err != nil {
		return nil, err
	}
	proofs, err := s.proofs()
	if err != nil {
		return nil, err
	}
	headers, err := s.headers()
	if err != nil {
		return nil, err
	}
	return append(append(s.tokens(), proofs...), headers...), nil
}

func newService() (*service, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	cfg := validator.Config{
		Issuers:   []string{issuer},
		Audiences: []string{audience},
		Keys:      jwks.Set{{ID: keyID, Public: key.Public()}, {ID: edKeyID, Public: edKey}},
	}
	wide := cfg
	wide.Algorithms = []validator.Algorithm{
		validator.RS256, validator.PS256, validator.ES256, validator.ES384, validator.ES512, validator.EdDSA,
	}
	wide.InsecureSkipTypeCheck = true
	for i := range 9 {
		// Of the same lengths, so that comparing them takes longer.
		wide.Issuers = append(wide.Issuers, fmt.Sprintf("https://issuer.example.co%d/", i))
		wide.Audiences = append(wide.Audiences, fmt.Sprintf("https://api.example.com/order%d", i))
	}
	large := cfg
	large.MaxTokenSize = 1 << 20

	s := &service{key: key, edKey: edKey}
	for _, v := range []struct {
		to  **validator.Validator
		cfg validator.Config
	}{{&s.strict, cfg}, {&s.wide, wide}, {&s.large, large}} {
		if *v.to, err = validator.New(v.cfg); err != nil {
			return nil, err
		}
	}
	s.looked = validator.NewMuxFunc(func(context.Context, string) (*validator.Validator, error) { return nil, nil })
	s.mux, err = validator.NewMux(s.strict)
	return s, err
}

// Yard returns the check of one signature, the unit of all measurements.
func Yard() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return yard(key)
}

// soon is a time at which a token has not expired.
func soon() int64 { return time.Now().Add(time.Hour).Unix() }
