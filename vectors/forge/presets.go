package forge

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	_ "embed"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

// shapesJSON is a copy of testutil/mockissuer/shapes.json, made by go generate.
//
//go:embed shapes.json
var shapesJSON []byte

// A shape is how an issuer writes its tokens. The fields are described where the
// file is.
type shape struct {
	Name, Preset, Unread, Issuer, Audience, Client, Subject, Scope, Algorithm, Type, Keys, Secret string

	Args, Sources []string
	Access        json.RawMessage
	Others        []struct {
		Kind, What, Type, Code, Log, Remedy string
		Claims                              json.RawMessage
	}
}

func presets() *suite {
	s := newSuite("presets", "Tokens of real issuers, as these write them, and the configurations that are made for them.")
	var shapes []shape
	dec := json.NewDecoder(bytes.NewReader(shapesJSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&shapes); err != nil {
		panic(err)
	}
	for _, sh := range shapes {
		if sh.Algorithm == "" {
			sh.Algorithm = "RS256"
		}
		access := membersOf(sh.fill(string(sh.Access)))
		s.accept(sh.Name+": the access token", "the form is that of "+strings.Join(sh.Sources, " and "), sh.token(access, sh.Type)...)
		for _, o := range sh.Others {
			claims, typ := append([]member{}, access...), sh.Type
			for _, m := range membersOf(sh.fill(string(o.Claims))) {
				if m.raw == "null" {
					claims = drop(claims, m.name)
				} else {
					claims = set(claims, m)
				}
			}
			if o.Type != "" {
				typ = o.Type
			}
			why := map[string]string{
				"id":      "an ID token is for a client, and says who signed in there",
				"refresh": "a refresh token is for the issuer alone",
				"tenant":  "each tenant has users of its own",
				"api":     "a token for another API is not for this one",
				"other":   "access tokens of this issuer are known by a claim of its own",
				"mistake": "this is often set wrongly at the issuer or in a client",
			}[o.Kind]
			if o.Code == vectors.Accept {
				s.accept(sh.Name+": "+o.What, "the issuer forces this", sh.token(claims, typ)...)
				continue
			}
			s.refuse(o.Code, sh.Name+": "+o.What, why, sh.token(claims, typ)...)
		}
	}
	return s
}

// token returns the options of a vector with a token of the shape.
func (sh *shape) token(claims []member, typ string) []option {
	opts := []option{func(d *draft) {
		d.header = []member{{"alg", quote(sh.Algorithm)}, {"kid", `"rsa"`}}
		if typ != "" {
			d.header = append(d.header, member{"typ", quote(typ)})
		}
		d.payload = claims
		for _, m := range []member{{"iat", strconv.Itoa(now - 60)}, {"exp", strconv.Itoa(now + 3600)}} {
			if !has(d.payload, m.name) {
				d.payload = append(d.payload[:len(d.payload):len(d.payload)], m)
			}
		}
		sh.configure(&d.v.Config, claims)
	}}
	switch sh.Algorithm {
	case "RS256":
	case "HS256":
		opts = append(opts, signature(func(input string) []byte {
			m := hmac.New(crypto.SHA256.New, []byte(sh.Secret))
			m.Write([]byte(input))
			return m.Sum(nil)
		}))
	default:
		opts = append(opts, signed(sh.Algorithm, map[string]func() *key{"ES256": p256Key, "ES384": p384Key}[sh.Algorithm]))
	}
	return opts
}

// configure sets what the preset's Config has besides its own checks.
func (sh *shape) configure(c *vectors.Config, claims []member) {
	c.Issuers, c.Audiences, c.KeysGiven = []string{sh.Issuer}, []string{sh.Audience}, sh.Secret == ""
	c.Preset = &vectors.Preset{Name: sh.Preset, Args: sh.Args}
	if sh.Secret != "" {
		c.Secret = b64([]byte(sh.Secret))
	}
	access := membersOf(sh.fill(string(sh.Access)))
	switch {
	case !has(access, "aud"):
		for _, m := range access {
			if m.raw == quote(sh.Audience) {
				c.AudienceClaim = m.name
				break
			}
		}
	case !strings.Contains(raw(access, "aud"), quote(sh.Audience)): // the issuer writes something before it
		var aud string
		if err := json.Unmarshal([]byte(raw(access, "aud")), &aud); err != nil {
			panic(err)
		}
		c.Audiences = append(c.Audiences, aud)
	}
	for _, o := range sh.Others {
		c.InsecureSkipTypeCheck = c.InsecureSkipTypeCheck || o.Kind == "id" && o.Code == vectors.Accept
	}
}

func has(members []member, name string) bool {
	for _, m := range members {
		if m.name == name {
			return true
		}
	}
	return false
}

func raw(members []member, name string) string {
	for _, m := range members {
		if m.name == name {
			return m.raw
		}
	}
	return ""
}

// fill replaces the names in braces in a JSON text.
func (sh *shape) fill(text string) string {
	inner := func(s string) string { return strings.Trim(quote(s), `"`) }
	client := strings.ReplaceAll(sh.Client, "{audience}", sh.Audience)
	subject := strings.ReplaceAll(sh.Subject, "{issuer}", sh.Issuer)
	scope := strings.ReplaceAll(sh.Scope, "{audience}", sh.Audience)
	var scopes []string
	for _, word := range strings.Fields(scope) {
		scopes = append(scopes, quote(word))
	}
	return strings.NewReplacer(`["{scope}"]`, "["+strings.Join(scopes, ",")+"]", `"{now}"`, strconv.Itoa(now-60),
		"{issuer}", inner(sh.Issuer), "{audience}", inner(sh.Audience), "{client}", inner(client),
		"{subject}", inner(subject), "{scope}", inner(scope)).Replace(text)
}

// membersOf returns the members of a JSON object in their order.
func membersOf(text string) []member {
	dec := json.NewDecoder(strings.NewReader(text))
	var members []member
	if _, err := dec.Token(); err != nil {
		panic(err)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			panic(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			panic(err)
		}
		members = append(members, member{name.(string), string(value)})
	}
	return members
}
