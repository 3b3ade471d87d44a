package mockissuer

import (
	"crypto"
	"encoding/json"
	"fmt"
)

// A BadToken is one that no resource server may accept.
type BadToken struct {
	// Name is unique in the catalogue: "none with a signature".
	Name string
	// Reason says what is wrong with it, and which rule it breaks or which
	// attack it tries.
	Reason string
	// Code is the [validator.Code] with which this library refuses it.
	//
	// [validator.Code]: https://pkg.go.dev/github.com/rsguard/rsguard/validator#Code
	Code string
	// Token is bad behind "Bearer " too. Some tokens hold bytes that no header
	// field can carry, which clients refuse to send.
	Token string
}

// badToken is how one is made.
type badToken struct {
	name, code, reason string
	forge              func(f *forger) string
}

// BadTokens returns a catalogue of tokens that name the issuer and audience
// (but for those that lie there), most of them rightly signed, and each with
// one thing wrong. A resource server that accepts the issuer's tokens for
// audience by the issuer's first algorithm alone must refuse them all; the
// token that differs from them by nothing is that of [Issuer.Sign] with that
// audience. The tokens are in their time for an hour.
//
// Any verifier can be tried with them, in any language: only Code is about this
// library.
func (iss *Issuer) BadTokens(audience string) ([]BadToken, error) {
	f, err := iss.forger(audience)
	if err != nil {
		return nil, err
	}

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

// forger makes tokens that are right but for what it is told. Its first error
// makes the catalogue fail.
type forger struct {
	alg, kid, issuer, audience string
	now                        int64
	own, stranger              crypto.Signer // keys of the same type
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

// members are changes to a header or to claims. One that is nil is left out.
type members map[string]any

func (f *forger) header(change members) string {
	return f.write(members{"alg": f.alg, "typ": "JWT", "kid": f.kid}, change)
}

func (f *forger) claims(change members) string {
	return f.write(members{
		"iss": f.issuer, "sub": DefaultSubject, "aud": f.audience, "iat": f.now, "exp": f.now + 3600,
	}, change)
}

func (f *forger) write(usual, change members) string {
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

// signed is a token of a header and a payload as they are, signed with key by
// alg.
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

func (f *forger) withPayload(payload string) string {
	return f.signed(f.alg, f.own, f.header(nil), payload)
}

// withMAC is a token that an attacker makes by HS256 with bytes that everybody
// knows.
func (f *forger) withMAC(secret []byte, header members) string {
	change := members{"alg": "HS256"}
	overlay(change, header)
	input := encode([]byte(f.header(change))) + "." + encode([]byte(f.claims(nil)))
	return input + "." + encode(algorithms["HS256"].mac(secret, input))
}

// good is a token with nothing wrong, but for what is done to its text.
func (f *forger) good() string { return f.withClaims(nil) }

// parts are the three segments of a good token.
func (f *forger) parts() (header, payload, signature string) { return split(f.good()) }

// raw is a JSON text that is written as it is.
func raw(text string) json.RawMessage { return json.RawMessage(text) }
