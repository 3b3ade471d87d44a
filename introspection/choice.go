package introspection

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/validator"
)

// A Validator decides about tokens, as middleware's does.
type Validator interface {
	Validate(ctx context.Context, token string) (*validator.Claims, error)
}

// A Choice is a Validator for an API that takes tokens in JWT form and others.
// It is made by [ByForm], and safe for concurrent use.
type Choice struct {
	by *choice // by its address: see Format
}

type choice struct {
	jwts, others Validator
	introspected []string
}

// ByForm returns a Validator by which jwts decides about tokens in JWT form,
// and others, such as an [Introspector], about all others. A token is in JWT
// form if it has three parts of base64url, of which the first is a JSON object.
// Its form alone decides: a token that jwts rejects is rejected.
//
// Tokens in JWT form whose "iss" is one of introspected are an exception. They
// are for others to decide about, as those of an issuer whose revocations
// matter. ByForm panics if jwts or others is nil.
func ByForm(jwts, others Validator, introspected ...string) *Choice {
	if isnil.Value(jwts) || isnil.Value(others) {
		panic("introspection: ByForm: nil Validator")
	}
	return &Choice{&choice{jwts, others, slices.Clone(introspected)}}
}

// Validate returns the claims of token if it is to be accepted.
func (c *Choice) Validate(ctx context.Context, token string) (*validator.Claims, error) {
	if c.by == nil {
		return nil, &validator.Error{Code: validator.CodeUnavailable, Err: errNoChoice}
	}
	if c.by.isJWT(token) {
		return c.by.jwts.Validate(ctx, token)
	}
	return c.by.others.Validate(ctx, token)
}

// isJWT reports whether token is for c.jwts.
func (c *choice) isJWT(token string) bool {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || len(token) > maxSigned || strings.Contains(signature, ".") {
		return false
	}
	if !strings.HasPrefix(header, "ey") && !isObject(header) { // as nearly all begin
		return false
	}
	if len(c.introspected) == 0 {
		return true
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return true
	}
	var o jose.Object
	o.Open(string(claims), jose.ClaimsLimits(len(claims)))
	issuer := ""
	for o.Next() {
		if o.Member.Name == "iss" {
			issuer, _ = o.Member.Value.Text()
		}
	}
	return o.Err() != nil || !slices.Contains(c.introspected, issuer)
}

func isObject(part string) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && strings.HasPrefix(strings.TrimLeft(string(text), " \t\r\n"), "{")
}
