package forge

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

// A draft starts from this token, which the default configuration accepts.
const (
	now      = 1767225600 // 2026-01-01T00:00:00Z
	issuer   = "https://tenant.example.com/"
	audience = "https://api.example.com"
	secret   = "auth0|a-secret-subject"

	// tokenChars is the alphabet of b64token (RFC 6750, Section 2.1) without
	// padding.
	tokenChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
)

// A draft is an unfinished vector.
type draft struct {
	header, payload         []member
	headerText, payloadText *string // instead of the members

	key    *key
	alg    string
	signer func(input string) []byte // nil: key and alg
	edits  []func(compact string) string

	v        vectors.Vector
	keySet   string // its text, if it is this vector's own
	scope    string // of the challenge
	code     string // of the answer, if not v.Want
	unparsed bool
	proof    []option // of the DPoP proof that {proof} stands for

	opaque   string   // the token, of which the payload is the answer
	signedBy []option // what changes of the signed answer, or nil if it is plain
}

type option func(*draft)

// A suite is an unfinished file.
type suite struct {
	file vectors.File
	seen map[string]bool
}

func newSuite(name, about string) *suite {
	return &suite{
		file: vectors.File{Name: name, About: about, KeySets: map[string]json.RawMessage{}},
		seen: map[string]bool{},
	}
}

func (s *suite) accept(name, why string, opts ...option) { s.add(vectors.Accept, name, why, opts) }

func (s *suite) refuse(code, name, why string, opts ...option) { s.add(code, name, why, opts) }

func (s *suite) add(want, name, why string, opts []option) {
	if s.seen[name] {
		panic("forge: " + s.file.Name + " has two vectors " + name)
	}
	s.seen[name] = true

	d := &draft{
		header: []member{{"alg", `"RS256"`}, {"typ", `"JWT"`}, {"kid", `"rsa"`}},
		payload: []member{
			{"iss", quote(issuer)}, {"sub", quote(secret)}, {"aud", quote(audience)},
			{"iat", "1767225540"}, {"exp", "1767229200"}, {"scope", `"read:orders"`},
			{"email", `"a.secret.person@example.com"`},
		},
		key: rsaKey1(), alg: "RS256",
		v: vectors.Vector{
			Name: name, Why: why, Now: now, Keys: "standard", Want: want,
			Config: vectors.Config{Issuers: []string{issuer}, Audiences: []string{audience}},
		},
	}
	for _, opt := range opts {
		opt(d)
	}

	d.finish()
	s.keySets(d)
	s.file.Vectors = append(s.file.Vectors, d.v)
}

// keySets adds the key sets that d names to the file.
func (s *suite) keySets(d *draft) {
	names := map[string]string{}
	switch {
	case d.keySet != "":
		names[d.v.Keys] = d.keySet
	case d.v.Keys != "":
		names[d.v.Keys] = keySets[d.v.Keys]()
	}
	for _, tenant := range d.v.Tenants {
		names[tenant.Keys] = keySets[tenant.Keys]()
	}
	for name, text := range names {
		raw := json.RawMessage(text)
		if !json.Valid(raw) || strings.Contains(text, `\ud8`) { // many parsers reject half a surrogate pair
			raw = json.RawMessage(quote(text))
		}
		if old, ok := s.file.KeySets[name]; ok && string(old) != string(raw) {
			panic("forge: " + s.file.Name + " has two key sets " + name)
		}
		s.file.KeySets[name] = raw
	}
}

// keySets are the key sets that several vectors use.
var keySets = map[string]func() string{
	"standard": standard,
	"tenant-b": func() string { return jwks(jwk(tenantBKey(), member{"kid", `"rsa"`})) },
}

func (d *draft) finish() {
	d.finishAnswer()
	if d.v.Request == nil && d.v.Token == "" && !d.unparsed {
		d.v.Token = d.compact()
	}
	for r := d.v.Request; r != nil; r = r.Before {
		token := d.compact()
		fill := strings.NewReplacer("{token}", token, "{proof}", proofFor(token, d.proof))
		for i, field := range r.Header {
			r.Header[i][1] = fill.Replace(field[1])
		}
		r.Target, r.Body = fill.Replace(r.Target), fill.Replace(r.Body)
	}

	if d.v.Config.IDToken != nil {
		return // no server answers to a client
	}
	code := d.v.Want
	if d.v.Request == nil && !isB64Token(d.v.Token) {
		code = "invalid_request"
	}
	if d.code != "" {
		code = d.code
	}
	d.v.Answer = answer(code, d.v.Config, d.scope, d.usesDPoP())
}

// usesDPoP reports whether the request's credentials have that scheme.
func (d *draft) usesDPoP() bool {
	if d.v.Request == nil {
		return false
	}
	authorization := 0
	under := false
	for _, field := range d.v.Request.Header {
		if field[0] == "Authorization" {
			authorization++
			under = strings.EqualFold(strings.SplitN(field[1], " ", 2)[0], "DPoP")
		}
	}
	return authorization == 1 && under && (d.v.Config.DPoP != nil || d.v.Request.Certificate != "")
}

// isB64Token reports whether a request can carry the token in an Authorization
// field.
func isB64Token(token string) bool {
	body := strings.TrimRight(token, "=")
	return body != "" && strings.Trim(body, tokenChars) == ""
}

// answer is the table of codes in README.md, written a second time.
func answer(code string, cfg vectors.Config, scope string, dpop bool) vectors.Answer {
	a := vectors.Answer{Code: code, Status: 401}
	challenge := "invalid_token"
	switch code {
	case vectors.Accept:
		a.Status = 200
		if cfg.DPoP != nil && dpop {
			a.Nonce = cfg.DPoP.Nonce
		}
		return a
	case "refused", "insufficient_role":
		return vectors.Answer{Code: code, Status: 403}
	case "unavailable":
		return vectors.Answer{Code: code, Status: 503}
	case "token_missing":
		challenge = ""
	case "invalid_request":
		a.Status, challenge = 400, "invalid_request"
	case "insufficient_scope":
		a.Status, challenge = 403, "insufficient_scope"
	case "insufficient_user_authentication":
		challenge = code
	case "invalid_proof", "proof_replayed":
		dpop, challenge = true, "invalid_dpop_proof"
	case "proof_nonce_required":
		dpop, challenge = true, "use_dpop_nonce"
	}

	if a.Status == 401 {
		scope = routeScope(cfg)
	}
	switch {
	case dpop || cfg.DPoP != nil && cfg.RequireBinding:
		a.Challenge = challengeOf("DPoP", challenge, scope, cfg)
		if cfg.DPoP != nil && code != "token_missing" {
			a.Nonce = cfg.DPoP.Nonce
		}
	case cfg.DPoP != nil && a.Status != 403: // the other scheme is accepted too
		a.Challenge = challengeOf("Bearer", challenge, scope, cfg) + ", " + challengeOf("DPoP", "", routeScope(cfg), cfg)
	default:
		a.Challenge = challengeOf("Bearer", challenge, scope, cfg)
	}
	return a
}

// routeScope returns the scopes of a 401, which the next token needs.
func routeScope(cfg vectors.Config) string {
	var scopes []string
	for _, c := range cfg.Checks {
		switch c.Kind {
		case "scopes", "any_scope", "permissions", "any_permission":
			for _, scope := range c.Args {
				if !slices.Contains(scopes, scope) {
					scopes = append(scopes, scope)
				}
			}
		}
	}
	return strings.Join(scopes, " ")
}

// signInAge returns the seconds of the check authenticated_within.
func signInAge(cfg vectors.Config) string {
	for _, c := range cfg.Checks {
		if c.Kind == "authenticated_within" {
			return strconv.FormatInt(c.Seconds, 10)
		}
	}
	return ""
}

func challengeOf(scheme, code, scope string, cfg vectors.Config) string {
	algs := ""
	if scheme == "DPoP" && cfg.DPoP != nil {
		if algs = strings.Join(cfg.DPoP.Algorithms, " "); algs == "" {
			algs = "ES256 EdDSA PS256 RS256"
		}
	}
	maxAge := ""
	if code == "insufficient_user_authentication" {
		maxAge = signInAge(cfg)
	}
	var params []string
	for _, p := range [][2]string{{"realm", cfg.Realm}, {"error", code}, {"scope", scope}, {"max_age", maxAge}, {"algs", algs}, {"resource_metadata", cfg.ResourceMetadata}} {
		if p[1] != "" {
			params = append(params, p[0]+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p[1])+`"`)
		}
	}
	return strings.TrimSuffix(scheme+" "+strings.Join(params, ", "), " ")
}

// compact returns the JWS compact serialization (RFC 7515, Section 7.1) of the
// draft.
func (d *draft) compact() string {
	if d.opaque != "" {
		return d.opaque
	}
	header, payload := object(d.header), d.payloadOf()
	if d.headerText != nil {
		header = *d.headerText
	}
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	signer := d.signer
	if signer == nil {
		signer = func(input string) []byte { return sign(d.key, d.alg, []byte(input)) }
	}
	token := input + "." + b64(signer(input))
	for _, edit := range d.edits {
		token = edit(token)
	}
	return token
}

func (d *draft) payloadOf() string {
	if d.payloadText != nil {
		return *d.payloadText
	}
	return object(d.payload)
}

// These options change the token. Texts are JSON.

func claim(name, text string) option {
	return func(d *draft) { d.payload = set(d.payload, member{name, text}) }
}

func claimToo(name, text string) option { // a second one of that name
	return func(d *draft) { d.payload = append(d.payload, member{name, text}) }
}

func without(names ...string) option {
	return func(d *draft) {
		for _, name := range names {
			d.payload = drop(d.payload, name)
		}
	}
}

func payload(text string) option { return func(d *draft) { d.payloadText = &text } }

func head(name, text string) option {
	return func(d *draft) { d.header = set(d.header, member{name, text}) }
}

func headToo(name, text string) option {
	return func(d *draft) { d.header = append(d.header, member{name, text}) }
}

func headWithout(name string) option {
	return func(d *draft) { d.header = drop(d.header, name) }
}

func header(text string) option { return func(d *draft) { d.headerText = &text } }

// signed signs with k by alg, which the header names and the configuration
// allows.
func signed(alg string, k func() *key) option {
	return func(d *draft) {
		d.key, d.alg = k(), alg
		d.header = set(d.header, member{"alg", quote(alg)})
		d.header = set(d.header, member{"kid", quote(d.key.kid)})
		d.v.Config.Algorithms = []string{alg}
	}
}

// by signs with k by alg, which neither the header nor the configuration names.
func by(alg string, k func() *key) option {
	return func(d *draft) { d.key, d.alg = k(), alg }
}

func signature(f func(input string) []byte) option { return func(d *draft) { d.signer = f } }

// mangled changes the signature that the key makes.
func mangled(f func(sig []byte) []byte) option {
	return func(d *draft) {
		d.signer = func(input string) []byte { return f(sign(d.key, d.alg, []byte(input))) }
	}
}

func edited(f func(compact string) string) option {
	return func(d *draft) { d.edits = append(d.edits, f) }
}

// token is the whole token, unchanged.
func token(text string) option {
	return func(d *draft) { d.v.Token, d.unparsed = text, true }
}

// These options change the surroundings of the token.

func config(f func(*vectors.Config)) option { return func(d *draft) { f(&d.v.Config) } }

func allow(algs ...string) option {
	return func(d *draft) { d.v.Config.Algorithms = algs }
}

func leeway(seconds int64) option {
	return func(d *draft) { d.v.Config.LeewaySeconds = seconds }
}

func keySet(name, text string) option {
	return func(d *draft) { d.v.Keys, d.keySet = name, text }
}

// served replaces the key set by responses of the issuer, in which KEYS stands
// for the standard key set.
func served(answers ...vectors.Served) option {
	return func(d *draft) {
		d.v.Keys = ""
		for _, a := range answers {
			a.Body = strings.ReplaceAll(a.Body, "KEYS", jwks(jwk(rsaKey1())))
			d.v.Served = append(d.v.Served, a)
		}
	}
}

func at(t float64) option { return func(d *draft) { d.v.Now = t } }

func check(kind string, args ...string) option {
	return func(d *draft) { d.v.Config.Checks = append(d.v.Config.Checks, vectors.Check{Kind: kind, Args: args}) }
}

// roles is a check of roles in the claim at a path.
func roles(kind string, path []string, args ...string) option {
	return func(d *draft) {
		d.v.Config.Checks = append(d.v.Config.Checks, vectors.Check{Kind: kind, Path: path, Args: args})
	}
}

func challengeScope(scope string) option { return func(d *draft) { d.scope = scope } }

func confirmed(c vectors.Confirmed) option { return func(d *draft) { d.v.Confirmed = &c } }

func tenants(t ...vectors.Tenant) option {
	return func(d *draft) {
		d.v.Tenants, d.v.Keys, d.v.Config = t, "", vectors.Config{}
	}
}

// request sends fields, in which {token} stands for the token.
func request(fields ...[2]string) option {
	return func(d *draft) {
		d.v.Request = &vectors.Request{Header: append([][2]string{}, fields...)}
	}
}

// requestWith is request with the changes of f.
func requestWith(f func(*vectors.Request), fields ...[2]string) option {
	return func(d *draft) {
		request(fields...)(d)
		f(d.v.Request)
	}
}

func authorization(values ...string) option {
	return func(d *draft) {
		d.v.Request = &vectors.Request{Header: [][2]string{}}
		for _, value := range values {
			d.v.Request.Header = append(d.v.Request.Header, [2]string{"Authorization", value})
		}
	}
}
