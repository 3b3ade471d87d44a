package testutil

import (
	"maps"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// A StandIn writes tokens as a real issuer does, signed with the keys of a mock
// issuer. [Issuer.As] returns one.
type StandIn struct {
	// Config is the service's own configuration, with the mock issuer's keys
	// and clock.
	Config validator.Config

	// Shape is that of the tokens, with the issuer and the audience of Config.
	// It can be changed, such as its Client, or a claim of all tokens.
	Shape mockissuer.Shape

	iss *Issuer
}

// As returns a stand-in for the real issuer of a service. Name is one of
// [mockissuer.Shapes], such as "Keycloak", and cfg is the service's
// configuration, usually from package issuers. A service is then tested with
// its own configuration and with the tokens that it will meet:
//
//	keycloak := testutil.NewIssuer(t).As("Keycloak", issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api"))
//	v, err := validator.New(keycloak.Config)
//	token := keycloak.Token(testutil.Claims{"scope": "orders:read"})
//
// Tokens have the issuer, the audience, the algorithm and the secret of cfg.
// What else a function of package issuers was told, such as a repository or a
// service account, can't be read from cfg. If it differs from the example of
// the shape, set it in Shape.Claims, or in the claims of each token.
//
// A name that no shape has, or a cfg without an issuer or an audience, fails
// the test.
func (iss *Issuer) As(name string, cfg validator.Config) *StandIn {
	iss.tb.Helper()

	shape, ok := mockissuer.ShapeOf(name)
	if !ok {
		var names []string
		for _, shape := range mockissuer.Shapes() {
			names = append(names, shape.Name)
		}
		iss.tb.Fatalf("testutil.Issuer.As: there is no shape %q, want one of %s", name, strings.Join(names, ", "))
	}
	if len(cfg.Issuers) == 0 || len(cfg.Audiences) == 0 {
		iss.tb.Fatalf("testutil.Issuer.As(%q): the Config has no issuer or no audience", name)
	}
	shape.Issuer = nearest(cfg.Issuers, shape.Issuer)
	shape.Audience = nearest(cfg.Audiences, shape.Audience)
	if claim := cfg.AudienceClaim; claim != "" && shape.Claims["aud"] != nil {
		delete(shape.Claims, "aud")
		shape.Claims[claim] = "{audience}"
		// For this service, a token without "aud" is no mistake.
		shape.Others = slices.DeleteFunc(shape.Others, func(o mockissuer.OtherToken) bool {
			aud, ok := o.Claims["aud"]
			return ok && aud == nil
		})
	}
	switch algs := cfg.Algorithms; {
	case len(algs) > 0 && !slices.Contains(algs, validator.Algorithm(shape.Algorithm)):
		shape.Algorithm = string(algs[0])
	case len(algs) == 0 && cfg.Secret != nil:
		shape.Algorithm = string(validator.HS256)
	case len(algs) == 0:
		shape.Algorithm = string(validator.RS256)
	}
	s := &StandIn{Config: cfg, Shape: shape, iss: iss}
	s.Config.Now = iss.Now
	if cfg.Secret != nil {
		return s
	}
	s.sign(shape.AccessToken(iss.Now())) // makes the key, before the key set is fetched
	keys := jwks.Config{Issuer: iss.URL, Now: iss.Now}
	if !iss.sockets {
		keys.Client = iss.Client()
	}
	cache, err := jwks.NewCache(keys)
	if err != nil {
		iss.tb.Fatalf("testutil.Issuer.As: %v", err)
	}
	s.Config.Keys, s.Config.InsecureHTTP = cache, false // which is for keys that are discovered
	return s
}

// nearest returns the element of list that begins most like example.
func nearest(list []string, example string) string {
	return slices.MaxFunc(list, func(a, b string) int { return common(a, example) - common(b, example) })
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Token returns an access token as the issuer writes it, with these claims in
// addition or instead, by the rules of [Claims]. A "scope" of several words is
// written where the issuer has its scopes, such as in an array "scp".
func (s *StandIn) Token(claims Claims) string {
	s.iss.tb.Helper()
	shape := s.Shape
	scope, ok := claims["scope"].(string)
	if ok && (shape.Claims["scope"] != nil || shape.Claims["scp"] != nil) {
		shape.Scope = scope
		claims = maps.Clone(claims)
		delete(claims, "scope")
	}
	return s.sign(with(shape.AccessToken(s.iss.Now()), claims))
}

// IDToken returns the issuer's ID token, with these claims in addition or
// instead. A service must reject it. If the shape has none, the test fails.
func (s *StandIn) IDToken(claims Claims) string {
	s.iss.tb.Helper()
	return s.find(mockissuer.KindID, claims)
}

// RefreshToken returns the issuer's refresh token, with these claims in
// addition or instead. A service must reject it. If the shape has none, because
// the issuer's refresh tokens are opaque, the test fails.
func (s *StandIn) RefreshToken(claims Claims) string {
	s.iss.tb.Helper()
	return s.find(mockissuer.KindRefresh, claims)
}

func (s *StandIn) find(kind mockissuer.TokenKind, claims Claims) string {
	s.iss.tb.Helper()
	o, ok := s.Shape.Find(kind)
	if !ok {
		s.iss.tb.Fatalf("testutil.StandIn: the shape %s has no token of the kind %q", s.Shape.Name, kind)
	}
	return s.sign(with(s.Shape.Other(o, s.iss.Now()), claims))
}

// BadTokens returns tokens of this issuer that a service must reject, each with
// its reason. They are its ID and refresh tokens, tokens of another tenant and
// for another API, and those of the usual mistakes.
func (s *StandIn) BadTokens() []mockissuer.BadToken {
	s.iss.tb.Helper()
	var list []mockissuer.BadToken
	for _, o := range s.Shape.Others {
		if o.Code == "accept" {
			continue
		}
		list = append(list, mockissuer.BadToken{
			Name: o.What, Reason: reasons[o.Kind], Code: o.Code,
			Token: s.sign(s.Shape.Other(o, s.iss.Now())),
		})
	}
	return list
}

var reasons = map[mockissuer.TokenKind]string{
	mockissuer.KindID:      "It is an ID token, which is for a client.",
	mockissuer.KindRefresh: "It is a refresh token, which is for the issuer.",
	mockissuer.KindTenant:  "It is another tenant's.",
	mockissuer.KindAPI:     "It is for another API.",
	mockissuer.KindOther:   "Access tokens of this issuer have a claim that it hasn't.",
	mockissuer.KindMistake: "This is often set wrongly at the issuer or in a client.",
}

func (s *StandIn) sign(t mockissuer.Token) string {
	s.iss.tb.Helper()
	t.Secret = s.Config.Secret
	token, err := s.iss.Issuer.Sign(t)
	if err != nil {
		s.iss.tb.Fatalf("testutil.StandIn: %v", err)
	}
	return token
}

// with returns t with claims in addition or instead.
func with(t mockissuer.Token, claims Claims) mockissuer.Token {
	all := maps.Clone(t.Claims)
	maps.Copy(all, claims)
	t.Claims = all
	return t
}
