package validator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/jwks"
)

// An Algorithm is the "alg" of a token's header, as RFC 7518, Section 3.1,
// spells it.
type Algorithm string

// The algorithms. Those that begin with HS are for [Config.Secret] alone.
//
// RFC 9864 has new names for some algorithms. Each name is listed by itself. A
// token with Ed25519 in its header is accepted only if Ed25519 is listed, and
// one with EdDSA only if EdDSA is.
const (
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA" // with Ed25519 keys (RFC 8037)

	Ed25519 Algorithm = "Ed25519" // EdDSA's successor (RFC 9864, Section 2.2)

	// ES256, ES384 and ES512 under the names of RFC 9864, Section 2.1. They are
	// registered for COSE and not for JWTs. List them only for an issuer that
	// uses them.
	ESP256 Algorithm = "ESP256"
	ESP384 Algorithm = "ESP384"
	ESP512 Algorithm = "ESP512"

	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

// The defaults of a [Config].
const (
	DefaultLeeway       = 30 * time.Second
	DefaultMaxTokenSize = 16 << 10
)

// The limits of a [Config]. Its documentation has the numbers.
const (
	maxLeeway       = 5 * time.Minute
	maxMaxTokenSize = 1 << 20
)

// A Config says which tokens are accepted. Issuers and Audiences are required.
// The zero value of every other field is the recommended one.
type Config struct {
	// Issuers are the exact "iss" values of accepted tokens, such as those of a
	// tenant's own domain and its custom domains, or those of an old issuer and
	// its replacement. If the keys are discovered, each is an https URL, or an
	// http URL on a loopback host. If Keys or Secret is set, an issuer is only
	// compared, and can be any text (RFC 7519, Section 4.1.1), such as
	// "accounts.google.com".
	//
	// A SPIFFE trust domain is an issuer such as "spiffe://example.org". A
	// JWT-SVID has no "iss" and belongs to the trust domain of its "sub". Keys
	// must then be those of the trust domain's bundle.
	//
	// Everything else in a Config holds for all issuers alike. For issuers that
	// differ in more than their keys use a [Mux].
	Issuers []string

	// Audiences are the names of this API. A token's "aud" must have one of
	// them.
	Audiences []string

	// AudienceClaim is the name of a claim that replaces "aud" in tokens that
	// have none, such as "client_id" for Amazon Cognito or "azp" for Keycloak.
	// It is a string or an array of strings, and must have one of Audiences. It
	// also replaces an "aud" that is an empty array, as Ory Hydra writes it. If
	// there is anything in "aud", only that counts. If AudienceClaim is empty,
	// tokens without "aud" are rejected.
	//
	// A client's ID tokens have the client's ID in "aud". If Audiences has that
	// ID, they pass this check, and only their type and their other claims
	// distinguish them from access tokens. Prefer an issuer that names this API
	// in "aud".
	AudienceClaim string

	// Keys finds the key that a token names. If nil, each issuer has its own
	// [jwks.Cache], which discovers its key set when the first token comes. A
	// token is then checked with the keys of the issuer that it names, and with
	// no others. If set, all Issuers have these keys, so each of them can sign
	// tokens of the others.
	Keys KeySource

	// Secret replaces Keys for issuers that sign with a shared secret by HS256,
	// or by the HS algorithms in Algorithms. It holds raw bytes, not base64,
	// and at least as many as the hash has. A service that can check such a
	// token can also make one, so prefer public keys if the issuer offers them.
	Secret []byte `json:"-"`

	// Algorithms are the algorithms that a token may be signed with. If empty,
	// RS256 alone is accepted, or HS256 if there is a Secret.
	Algorithms []Algorithm

	// Leeway is the accepted difference between the issuer's clock and ours. If
	// zero, [DefaultLeeway] is used. If negative, none. More than 5 minutes is
	// an error.
	Leeway time.Duration

	// MaxTokenSize is the length in bytes of the longest accepted token. If
	// zero, [DefaultMaxTokenSize] is used. More than 1 MiB is an error. Over
	// all depths, the claims may have one member for each 16 bytes of it, or
	// 1,024 if that is more.
	MaxTokenSize int

	// RequireRFC9068 requires the type "at+jwt" and the claims iss, exp, aud,
	// sub, client_id, iat and jti (RFC 9068, Sections 2.1 and 2.2).
	RequireRFC9068 bool

	// InsecureSkipTypeCheck accepts tokens of other types, including ID tokens.
	// It is for issuers that use their ID tokens as access tokens. Every user
	// of any client with the same audience is then accepted.
	InsecureSkipTypeCheck bool

	// InsecureHTTP accepts issuers with an http URL on any host, and fetches
	// their metadata and key sets over plain http. It is for an issuer in the
	// same cluster or compose file, such as http://keycloak:8080/realms/shop.
	// An attacker on the network between this program and the issuer can then
	// replace the keys, and sign any token. New logs a warning for each issuer.
	// If Keys is set, use the field of this name in its [jwks.Config] instead.
	InsecureHTTP bool

	// Checks run in this order after everything else. The first error rejects
	// the token.
	Checks []Check

	// CacheSize is the number of accepted tokens that are remembered, so that
	// their signature need not be checked again. If zero, as many as fit into 8
	// MiB are remembered, which is about 3,000 tokens of 1 kB. The tenants of a
	// [Mux] share that memory. If negative, none are. If positive, the memory
	// is limited to 4 KiB for each as well, so that a long token displaces
	// several. Memory is allocated as tokens come.
	//
	// The times, the key, the binding and the Checks of a remembered token are
	// still checked every time. If a key is withdrawn, all tokens that it has
	// signed are rejected. Tokens stay in the memory of the process until they
	// have expired or others have displaced them.
	CacheSize int

	// Now returns the current time. If nil, [time.Now] is used.
	Now func() time.Time

	auth0 string // the issuer that the function Auth0 was called for
}

// A KeySource finds the keys of an issuer, or of several issuers that share
// them. Keys returns the keys with the ID kid, or all keys if kid is empty. If
// there is no such key, the result is empty and the error nil. An error means
// that the keys can't be fetched now, and rejects the token with
// [CodeUnavailable]. Neither side may change the result. Keys must be safe for
// concurrent use.
//
// If a KeySource also has a method Unknown(kid string) error, its error says in
// the log why there is no such key. The sources of package jwks have it.
type KeySource interface {
	Keys(ctx context.Context, kid string) ([]jwks.Key, error)
}

var (
	_ KeySource = (*jwks.Cache)(nil)
	_ KeySource = jwks.Set(nil)
)

// Auth0 returns the Config for an API of an Auth0 tenant. The domain is the
// tenant's or its custom domain, such as "tenant.eu.auth0.com". A scheme,
// capitals, surrounding spaces and a final slash are ignored. The audience is
// the API's identifier.
func Auth0(domain, audience string) Config {
	issuer := strings.ToLower(strings.TrimSpace(domain))
	issuer = strings.TrimPrefix(strings.TrimPrefix(issuer, "https://"), "http://")
	issuer = strings.TrimRight(issuer, "/")
	// What is more than a domain gets no scheme, so that New rejects it.
	if !strings.Contains(issuer, "/") {
		issuer = "https://" + issuer + "/"
	}
	return Config{Issuers: []string{issuer}, Audiences: []string{audience}, auth0: issuer}
}

// isAuth0 reports whether issuer is one of Auth0's. A custom domain is one if
// the function Auth0 was called with it.
func (cfg *Config) isAuth0(issuer string) bool {
	return issuer == cfg.auth0 || strings.HasSuffix(strings.TrimSuffix(issuer, "/"), ".auth0.com")
}

// check joins all faults of cfg, as one of package pkg.
func (cfg *Config) check(pkg string) error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(pkg+": Config."+format, args...))
	}

	if len(cfg.Issuers) == 0 {
		wrong("Issuers is empty: name the issuer, such as https://tenant.eu.auth0.com/")
	}
	for i, issuer := range cfg.Issuers {
		if err := cfg.checkIssuer(issuer); err != nil {
			wrong("Issuers[%d] %w", i, err)
		}
	}
	if len(cfg.Audiences) == 0 {
		wrong("Audiences is empty: name this API, so that tokens for others are rejected")
	}
	for _, audience := range cfg.Audiences {
		if audience == "" || strings.TrimSpace(audience) != audience {
			wrong("Audiences: %q is empty or has space around it", audience)
		}
	}
	if err := cfg.checkAudienceClaim(); err != nil {
		wrong("AudienceClaim %w", err)
	}
	if cfg.InsecureHTTP && !cfg.discovers() {
		wrong("InsecureHTTP is for keys that are discovered: set InsecureHTTP of the jwks.Config of Config.Keys")
	}
	for _, alg := range cfg.Algorithms {
		switch secret := jose.HashSize(string(alg)) > 0; {
		case secret && cfg.Secret == nil:
			wrong("Algorithms: %s needs Config.Secret, and is never used with public keys: NewMux takes a Validator for each", alg)
		case !secret && cfg.Secret != nil:
			wrong("Algorithms: %s can't be used with Config.Secret", alg)
		case !secret && !jose.Known(string(alg)):
			wrong("Algorithms: %q is not known", alg)
		}
	}
	if cfg.Secret != nil && cfg.Keys != nil {
		wrong("Secret and Config.Keys exclude each other")
	}
	for _, alg := range cfg.algorithms() {
		if size := jose.HashSize(string(alg)); cfg.Secret != nil && len(cfg.Secret) < size {
			wrong("Secret has %d bytes; %s needs at least %d", len(cfg.Secret), alg, size)
		}
	}
	if set, ok := cfg.Keys.(jwks.Set); ok && len(set) == 0 {
		wrong("Keys is an empty Set")
	} else if cfg.Keys != nil && isnil.Value(cfg.Keys) {
		wrong("Keys is a nil %T", cfg.Keys)
	}
	if cfg.Leeway > maxLeeway {
		wrong("Leeway is %v; it must not be over %v", cfg.Leeway, maxLeeway)
	}
	if cfg.MaxTokenSize < 0 || cfg.MaxTokenSize > maxMaxTokenSize {
		wrong("MaxTokenSize is %d; it can be 1 to %d bytes", cfg.MaxTokenSize, maxMaxTokenSize)
	}
	if cfg.RequireRFC9068 && cfg.InsecureSkipTypeCheck {
		wrong("RequireRFC9068 and Config.InsecureSkipTypeCheck exclude each other")
	}
	if slices.ContainsFunc(cfg.Checks, func(c Check) bool { return c == nil }) {
		wrong("Checks has a nil Check")
	}
	return errors.Join(errs...)
}

// withDefaults returns cfg with all defaults, and with copies of its slices. If
// the caller changes its own later, the decision must not change.
func (cfg Config) withDefaults() Config {
	cfg.Issuers = slices.Clone(cfg.Issuers)
	cfg.Audiences = slices.Clone(cfg.Audiences)
	cfg.Checks = slices.Clone(cfg.Checks)
	cfg.Secret = slices.Clone(cfg.Secret)
	cfg.Algorithms = slices.Clone(cfg.algorithms())
	cfg.Leeway = max(cmp.Or(cfg.Leeway, DefaultLeeway), 0)
	cfg.MaxTokenSize = cmp.Or(cfg.MaxTokenSize, DefaultMaxTokenSize)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// algorithms returns the Algorithms or their default.
func (cfg *Config) algorithms() []Algorithm {
	switch {
	case len(cfg.Algorithms) > 0:
		return cfg.Algorithms
	case cfg.Secret != nil:
		return []Algorithm{HS256}
	}
	return []Algorithm{RS256}
}

// discovers reports whether keys are discovered by the names of the issuers.
func (cfg *Config) discovers() bool { return cfg.Keys == nil && cfg.Secret == nil }

// checkIssuer returns an error if s can't be an issuer. If keys are discovered,
// the rules are those of RFC 8414, Section 2. Otherwise a name is only compared
// (RFC 7519, Section 4.1.1).
func (cfg *Config) checkIssuer(s string) error {
	if isAuth0 := s != "" && s == cfg.auth0; !cfg.discovers() && !isAuth0 {
		if !isName(s) {
			return errors.New("is empty, has space around it or has characters that can't be printed")
		}
		if secureurl.HasCredentials(s) {
			return errors.New("has credentials in it")
		}
		if strings.HasPrefix(s, spiffeScheme) && trustDomain(s) != s {
			return errors.New("is not a trust domain, such as spiffe://example.org")
		}
		return nil
	}
	parse := secureurl.Parse
	if cfg.InsecureHTTP {
		parse = secureurl.ParseInsecure
	}
	_, err := parse(s)
	switch scheme := (*secureurl.SchemeError)(nil); {
	case errors.As(err, &scheme) && scheme.Scheme == "http":
		return fmt.Errorf("%w: an issuer is a URL such as https://tenant.eu.auth0.com/; "+
			"Config.InsecureHTTP accepts http inside of a cluster", err)
	case err != nil:
		return fmt.Errorf("%w: keys are discovered by the issuer, which is a URL such as https://tenant.eu.auth0.com/; "+
			"if Config.Keys is set, any text can be an issuer", err)
	case strings.Contains(s, "?"):
		return errors.New("has a query: keys are discovered by the issuer, which is a URL without one")
	}
	return nil
}

// checkAudienceClaim returns an error if AudienceClaim can't say what a token
// is for.
func (cfg *Config) checkAudienceClaim() error {
	switch name := cfg.AudienceClaim; {
	case name == "":
		return nil
	case !isName(name):
		return fmt.Errorf("is %q, with space around it or characters that can't be printed", name)
	case slices.Contains(noAudienceClaims, name):
		return fmt.Errorf("is %q, which doesn't say what a token is for: name a claim such as client_id or azp", name)
	case cfg.RequireRFC9068:
		return errors.New("and Config.RequireRFC9068 exclude each other: RFC 9068, Section 2.2 requires aud")
	}
	return nil
}

// noAudienceClaims are registered claims with another meaning, which may be the
// same in all tokens of an issuer.
var noAudienceClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", // RFC 7519, Section 4.1
	"scope", "act", "may_act", // RFC 8693, Section 4
	"cnf", "auth_time", "acr", "amr", "typ", "scp", "tid",
}

// isName reports whether s is a printable text without space around it.
func isName(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
