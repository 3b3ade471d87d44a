package mockissuer

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Shape is the form in which a real issuer writes its tokens: which claims
// there are, of which type, and in which of them the API, the client and the
// scopes are. [Shapes] returns all of them.
//
//	keycloak, _ := mockissuer.ShapeOf("Keycloak")
//	token, err := iss.Sign(keycloak.AccessToken(iss.Now()))
//
// The fields Issuer to Scope are values of an example. They can be changed, and
// the tokens change with them.
type Shape struct {
	// Name is that of the issuer and the key of [ShapeOf], such as "Keycloak".
	Name string `json:"name"`
	// Preset is the function of package issuers that accepts the access token,
	// and Args are its arguments for the example.
	Preset string   `json:"preset"`
	Args   []string `json:"args"`
	// Sources are the pages or files in which the issuer's documentation or
	// source says so. Unread says what couldn't be read there, or is empty.
	Sources []string `json:"sources"`
	Unread  string   `json:"unread"`

	Issuer   string `json:"issuer"`   // {issuer} in claims
	Audience string `json:"audience"` // {audience}
	Client   string `json:"client"`   // {client}
	Subject  string `json:"subject"`  // {subject}
	Scope    string `json:"scope"`    // {scope}, separated by spaces. In an array it is one element for each

	// Algorithm signs the tokens, and Type is their "typ". If Type is empty,
	// there is none.
	Algorithm string `json:"algorithm"`
	Type      string `json:"type"`
	// Secret is that of HS256, for issuers that sign by it.
	Secret string `json:"secret"`
	// KeySet is the URL of the issuer's key set. If empty, it is found by the
	// issuer's metadata.
	KeySet string `json:"keys"`

	// Claims are those of an access token. Those of Issuer to Scope are in
	// braces, and {now} is the time. To these, "iat" and "exp" are added.
	Claims map[string]any `json:"access"`
	// Others are tokens that an API meets and must reject.
	Others []OtherToken `json:"others"`
}

// An OtherToken is one of the same issuer's tokens that an API must reject, or
// one like it.
type OtherToken struct {
	Kind TokenKind `json:"kind"`
	// What says which token it is, or what the mistake is.
	What string `json:"what"`
	// Claims are the differences from the access token's claims. A nil is a
	// claim that is not there. Type is the header's "typ" if it differs.
	Claims map[string]any `json:"claims"`
	Type   string         `json:"type"`
	// Code is the code of the rejection, as in package validator. It is
	// "accept" if nothing tells the token from an access token.
	Code string `json:"code"`
	// Log is a part of the log line, and Remedy is what to do, at the issuer, in
	// the client or in the API's configuration. Mistakes have both.
	Log    string `json:"log"`
	Remedy string `json:"remedy"`
}

// A TokenKind says what an [OtherToken] is.
type TokenKind string

// The kinds of other tokens.
const (
	KindID      TokenKind = "id"
	KindRefresh TokenKind = "refresh"
	KindTenant  TokenKind = "tenant"  // of another tenant of the same vendor
	KindAPI     TokenKind = "api"     // for another API of the same tenant
	KindOther   TokenKind = "other"   // of a kind that isn't an access token, or of nobody's session
	KindMistake TokenKind = "mistake" // what is often set wrongly at the issuer or in a client
)

//go:embed shapes.json
var shapesJSON []byte

// Shapes returns the shapes of all issuers that package issuers has functions
// for. The result is the caller's own.
func Shapes() []Shape { return parseShapes() }

// parsedShapes returns shapes that must not be changed.
var parsedShapes = sync.OnceValue(parseShapes)

func parseShapes() []Shape {
	var shapes []Shape
	dec := json.NewDecoder(bytes.NewReader(shapesJSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&shapes); err != nil {
		panic("mockissuer: shapes.json: " + err.Error())
	}
	for i := range shapes {
		if shapes[i].Algorithm == "" {
			shapes[i].Algorithm = "RS256"
		}
	}
	return shapes
}

// ShapeOf returns the shape of that name. It doesn't matter whether letters are
// capitals.
func ShapeOf(name string) (Shape, bool) {
	for _, s := range Shapes() {
		if strings.EqualFold(s.Name, name) {
			return s, true
		}
	}
	return Shape{}, false
}

// AudienceClaim returns the name of the claim that the audience is in, if it
// isn't "aud" (see validator.Config.AudienceClaim).
func (s Shape) AudienceClaim() string {
	if s.Claims["aud"] != nil {
		return ""
	}
	for name, value := range s.Claims {
		if value == "{audience}" {
			return name
		}
	}
	return ""
}

// AudienceOf returns what names an API in the tokens, for an API of this name.
// It differs from the name for issuers that write something before it.
func (s Shape) AudienceOf(api string) string {
	s.Audience = api
	if text, ok := s.Claims["aud"].(string); ok {
		return s.text(text)
	}
	return api
}

// AccessToken returns an access token as the issuer writes it, for
// [Issuer.Sign]. Its time is now.
func (s Shape) AccessToken(now time.Time) Token { return s.token(s.Claims, s.Type, now) }

// Other returns the token that o describes, for [Issuer.Sign]. Its time is now.
func (s Shape) Other(o OtherToken, now time.Time) Token {
	claims := maps.Clone(s.Claims)
	maps.Copy(claims, o.Claims)
	typ := s.Type
	if o.Type != "" {
		typ = o.Type
	}
	return s.token(claims, typ, now)
}

// Find returns the first of Others of that kind.
func (s Shape) Find(kind TokenKind) (OtherToken, bool) {
	n := slices.IndexFunc(s.Others, func(o OtherToken) bool { return o.Kind == kind })
	if n < 0 {
		return OtherToken{}, false
	}
	return s.Others[n], true
}

func (s Shape) token(claims map[string]any, typ string, now time.Time) Token {
	t := Token{
		Algorithm: s.Algorithm,
		Secret:    []byte(s.Secret),
		Header:    map[string]any{"typ": nil},
		// What the issuer doesn't write gets no default.
		Claims: map[string]any{"iss": nil, "sub": nil, "aud": nil},
	}
	if typ != "" {
		t.Header["typ"] = typ
	}
	for name, value := range claims {
		t.Claims[s.text(name)] = s.fill(value, now)
	}
	return t
}

// fill returns value with the names in braces replaced.
func (s Shape) fill(value any, now time.Time) any {
	switch value := value.(type) {
	case string:
		switch {
		case value == "{now}":
			return now.Unix()
		case value == "{scope}" && s.Scope == "":
			return nil // no scopes, no claim
		}
		return s.text(value)
	case []any:
		list := []any{} // and not null
		for _, element := range value {
			if element == "{scope}" {
				for _, scope := range strings.Fields(s.text("{scope}")) {
					list = append(list, scope)
				}
				continue
			}
			list = append(list, s.fill(element, now))
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(value))
		for name, member := range value {
			object[s.text(name)] = s.fill(member, now)
		}
		return object
	}
	return value
}

// text returns s with the names in braces replaced. The client of some issuers
// is the audience, the subject of others begins
// with the issuer, and scopes may begin with the audience.
func (s Shape) text(text string) string {
	client := strings.ReplaceAll(s.Client, "{audience}", s.Audience)
	subject := strings.ReplaceAll(s.Subject, "{issuer}", s.Issuer)
	scope := strings.ReplaceAll(s.Scope, "{audience}", s.Audience)
	return strings.NewReplacer("{issuer}", s.Issuer, "{audience}", s.Audience, "{client}", client,
		"{subject}", subject, "{scope}", scope).Replace(text)
}
