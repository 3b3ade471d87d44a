package keyfuncjwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/MicahParks/jwkset"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// A storage is a read-only jwkset.Storage of a key source.
type storage struct{ keys validator.KeySource }

var _ jwkset.Storage = (*storage)(nil)

// KeyRead returns the only key with this ID. If several have it, it returns an
// error, because only the token could decide.
func (s *storage) KeyRead(ctx context.Context, kid string) (jwkset.JWK, error) {
	keys, err := s.keys.Keys(ctx, kid)
	switch {
	case err != nil:
		return jwkset.JWK{}, err
	case len(keys) == 0:
		return jwkset.JWK{}, fmt.Errorf("%w: kid %.64q", jwkset.ErrKeyNotFound, kid)
	case keys[0].Issuer != "":
		return jwkset.JWK{}, fmt.Errorf("%w: kid %.64q is of a key that names an issuer", jwkset.ErrKeyNotFound, kid)
	case len(keys) > 1:
		return jwkset.JWK{}, fmt.Errorf("keyfuncjwks: %d keys for kid %.64q, not one", len(keys), kid)
	}
	return jwkOf(keys[0])
}

func (s *storage) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	keys, err := s.keys.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	all := make([]jwkset.JWK, 0, len(keys))
	for _, key := range keys {
		if key.Issuer != "" {
			continue // see Keyfunc.Storage
		}
		jwk, err := jwkOf(key)
		if err != nil {
			return nil, err
		}
		all = append(all, jwk)
	}
	return all, nil
}

func jwkOf(key jwks.Key) (jwkset.JWK, error) {
	return jwkset.NewJWKFromKey(key.Public, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: key.ID, ALG: jwkset.ALG(jose.OlderName(key.Algorithm)), USE: jwkset.UseSig},
		Validate: jwkset.JWKValidateOptions{SkipAll: true}, // they were validated, by stricter rules
	})
}

var errReadOnly = fmt.Errorf("keyfuncjwks: the keys are the issuer's: %w", errors.ErrUnsupported)

func (s *storage) KeyDelete(context.Context, string) (bool, error)   { return false, errReadOnly }
func (s *storage) KeyReplaceAll(context.Context, []jwkset.JWK) error { return errReadOnly }
func (s *storage) KeyWrite(context.Context, jwkset.JWK) error        { return errReadOnly }

// copied writes the keys into a storage in memory, which can marshal them.
func (s *storage) copied(ctx context.Context) (*jwkset.MemoryJWKSet, error) {
	all, err := s.KeyReadAll(ctx)
	if err != nil {
		return nil, err
	}
	m := jwkset.NewMemoryStorage()
	return m, m.KeyReplaceAll(ctx, all)
}

func (s *storage) JSON(ctx context.Context) (json.RawMessage, error) { return s.JSONPublic(ctx) }

func (s *storage) JSONPublic(ctx context.Context) (json.RawMessage, error) {
	m, err := s.copied(ctx)
	if err != nil {
		return nil, err
	}
	return m.JSONPublic(ctx)
}

// JSONPrivate returns the same, since there are only public keys.
func (s *storage) JSONPrivate(ctx context.Context) (json.RawMessage, error) { return s.JSONPublic(ctx) }

func (s *storage) JSONWithOptions(
	ctx context.Context, marshal jwkset.JWKMarshalOptions, validate jwkset.JWKValidateOptions,
) (json.RawMessage, error) {
	m, err := s.copied(ctx)
	if err != nil {
		return nil, err
	}
	return m.JSONWithOptions(ctx, marshal, validate)
}

func (s *storage) Marshal(ctx context.Context) (jwkset.JWKSMarshal, error) {
	m, err := s.copied(ctx)
	if err != nil {
		return jwkset.JWKSMarshal{}, err
	}
	return m.Marshal(ctx)
}

func (s *storage) MarshalWithOptions(
	ctx context.Context, marshal jwkset.JWKMarshalOptions, validate jwkset.JWKValidateOptions,
) (jwkset.JWKSMarshal, error) {
	m, err := s.copied(ctx)
	if err != nil {
		return jwkset.JWKSMarshal{}, err
	}
	return m.MarshalWithOptions(ctx, marshal, validate)
}
