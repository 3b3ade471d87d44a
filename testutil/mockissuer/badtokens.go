package mockissuer

import (
	"crypto"
	"encoding/json"
	"fmt"
)

// A BadToken is a token that every resource server must reject.
type BadToken struct {
	// Name is unique in the catalogue, such as "none with a signature".
	Name string
	// Reason says what is wrong with the token, and which rule it breaks or
	// which attack it is.
	Reason string
	// Code is the [validator.Code] with which this library rejects it.
	//
	// [validator.Code]: https://pkg.go.dev/github.com/rsguard/rsguard/validator#Code
	Code string
	// Token must be rejected after "Bearer " too. Some tokens hold bytes that
	// can't be sent in a header field.
	Token string
}

// A badToken makes one.
type badToken struct {
	name, code, reason string
	forge              func(f *forger) string
}

// BadTokens returns a catalogue of tokens. A resource server must reject all of
// them if it accepts the issuer's tokens for audience by the issuer's first
// algorithm alone. Each token has one thing wrong. Apart from that it names the
// issuer and the audience, is signed with the right key, and is valid for an
// hour. To make a token with nothing wrong, use [Issuer.Sign] with that
// audience.
//
// The catalogue can test any verifier in any language. Only Code is specific to
// this library.
func (iss *Issuer) BadTokens(audience string) ([]BadToken, error) {
	return iss.BadTokensLike(audience, Token{})
}

// BadTokensLike is [Issuer.BadTokens] for a resource server that requires more
// of a token, such as a scope or the type at+jwt. The tokens differ from good,
// of which the claims and the header count, each in one thing. A token that is
// of another kind by its claims keeps the type JWT. If the claims of good have
// an "aud", audience is the one in it by which the resource server is named.
func (iss *Issuer) BadTokensLike(audience string, good Token) ([]BadToken, error) {
	f, err := iss.forger(audience)
	if err != nil {
		return nil, err
	}
	f.goodHeader, f.goodClaims = good.Header, good.Claims

	var list []BadToken
	for _, group := range [][]badToken{badForms, badJSON, badAlgorithms, badKeys, badSignatures, badTimes, badNames, badTypes} {
		for _, bad := range group {
			token := bad.forge(f)
			if token == "" {
				continue // there is none of its kind for this algorithm
			}
			list = append(list, BadToken{Name: bad.name, Reason: bad.reason, Code: bad.code, Token: token})
		}
	}
	return list, f.err
}

// A forger makes tokens that are right except for what it is told. Its first
// error makes the catalogue fail.
type forger struct {
	alg, kid, issuer, audience string
	now                        int64
	own, stranger              crypto.Signer // keys of the same type
	goodHeader, goodClaims     members       // what a good token has in addition
	err                        error
}

func (iss *Issuer) forger(audience string) (*forger, error) {
	now := iss.Now().Unix()
	alg := iss.cfg.Algorithms[0]
	own, err := iss.signingKey(alg, "")
	if err != nil {
		return nil, err
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()
	if iss.stranger == nil {
		k, err := iss.makeKey(alg, "")
		if err != nil {
			return nil, err
		}
		iss.stranger = k.private
	}
	return &forger{
		alg: alg, kid: own.id, issuer: iss.URL, audience: audience, now: now,
		own: own.private, stranger: iss.stranger,
	}, nil
}

// members are changes to a header or to claims. A member that is nil is left
// out.
type members map[string]any

func (f *forger) header(change members) string {
	return f.write(f.goodHeader, members{"alg": f.alg, "typ": "JWT", "kid": f.kid}, change)
}

func (f *forger) claims(change members) string {
	return f.write(f.goodClaims, members{
		"iss": f.issuer, "sub": DefaultSubject, "aud": f.audience, "iat": f.now, "exp": f.now + 3600,
	}, change)
}

func (f *forger) write(good, usual, change members) string {
	overlay(usual, good)
	overlay(usual, change)
	text, err := json.Marshal(map[string]any(usual))
	f.note(err)
	return string(text)
}

func (f *forger) note(err error) {
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("mockissuer: bad tokens: %w", err)
	}
}

// signed returns a token of this header and payload, signed with key by alg.
func (f *forger) signed(alg string, key crypto.Signer, header, payload string) string {
	token, err := compact(Token{Algorithm: alg, Key: key}, header, payload)
	f.note(err)
	return token
}

func (f *forger) withHeader(change members) string {
	return f.signed(f.alg, f.own, f.header(change), f.claims(nil))
}

func (f *forger) withClaims(change members) string {
	return f.signed(f.alg, f.own, f.header(nil), f.claims(change))
}

// asAnother returns a token that says by its claims that it is of another kind.
// The type at+jwt would contradict it.
func (f *forger) asAnother(change members) string {
	return f.signed(f.alg, f.own, f.header(members{"typ": "JWT"}), f.claims(change))
}

func (f *forger) withPayload(payload string) string {
	return f.signed(f.alg, f.own, f.header(nil), payload)
}

// withMAC returns the token of an attacker that uses public bytes as the secret
// of HS256.
func (f *forger) withMAC(secret []byte, header members) string {
	change := members{"alg": "HS256"}
	overlay(change, header)
	input := encode([]byte(f.header(change))) + "." + encode([]byte(f.claims(nil)))
	return input + "." + encode(algorithms["HS256"].mac(secret, input))
}

// good returns a good token, for changes to its text.
func (f *forger) good() string { return f.withClaims(nil) }

// parts returns the three segments of a good token.
func (f *forger) parts() (header, payload, signature string) { return split(f.good()) }

// raw is JSON text that is written as it is.
func raw(text string) json.RawMessage { return json.RawMessage(text) }
