package mockissuer

import (
	"crypto/rand"
	"time"
)

const (
	codeLifetime    = 10 * time.Minute
	refreshLifetime = 30 * 24 * time.Hour
	// keptGrants is the number of codes, of refresh tokens and of opaque tokens
	// that are kept. A development issuer that runs for weeks must not grow
	// without limit.
	keptGrants = 10_000
)

// A login is the result of one visit to the authorization endpoint. All tokens
// that follow from it share it.
type login struct {
	issuer, client, user, audience, org string
	scopes                              []string
	nonce, sessionID, acr               string
	at                                  time.Time
	revoked                             bool
}

// A code is an authorization code.
type code struct {
	*login
	redirectURI, challenge string
	key                    string // thumbprint that the client has announced (RFC 9449, Section 10), or empty
	expires                time.Time
	used                   bool
}

// A bearing is a refresh token or an opaque access token.
type bearing struct {
	*login
	scopes  []string // of the login's, those that were asked for
	key     string   // that it is bound to, or empty
	expires time.Time
	used    bool // a rotated refresh token
}

// grants holds what the issuer has issued and must recognize.
type grants struct {
	codes   keeper[*code]
	refresh keeper[*bearing]
	opaque  keeper[*bearing]
	made    keeper[handmade]
}

// A keeper maps random names to values. When it is full, it forgets the oldest.
type keeper[T any] struct {
	byName map[string]T
	names  []string
}

func (k *keeper[T]) add(v T) (name string) {
	if k.byName == nil {
		k.byName = make(map[string]T)
	}
	if len(k.names) == keptGrants {
		delete(k.byName, k.names[0])
		k.names = k.names[1:]
	}
	name = rand.Text()
	k.byName[name] = v
	k.names = append(k.names, name)
	return name
}

func (k *keeper[T]) find(name string) (T, bool) {
	v, ok := k.byName[name]
	return v, ok
}
