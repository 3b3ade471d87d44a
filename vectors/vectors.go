// Package vectors holds test vectors for OAuth 2.0 resource servers. A vector
// is a token or a request, the configuration with which it is checked, and the
// required verdict.
//
//	files, err := vectors.All()
//	for _, file := range files {
//		for _, v := range file.Vectors {
//			got := verdict(v.Token, file.KeySets[v.Keys], v.Config, v.Time())
//			if got != v.Want { … }
//
// The files in data are JSON, for any language. README.md describes every
// member. Package forge makes them from fixed keys.
package vectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"
)

// Accept is the Want of a vector that must be accepted.
const Accept = "accept"

// A File has the vectors of one theme.
type File struct {
	Name  string `json:"-"` // without folder and ".json"
	About string `json:"about"`
	// KeySets holds the responses of this file's issuers, by name. They are JWK
	// sets, or a JSON string for a body that not every JSON parser reads.
	KeySets map[string]json.RawMessage `json:"key_sets"`
	Vectors []Vector                   `json:"vectors"`
}

// A Vector is a token or a whole request, its surroundings, and the verdict.
type Vector struct {
	Name string `json:"name"`
	Why  string `json:"why"`

	Token   string   `json:"token,omitempty"`
	Request *Request `json:"request,omitempty"`

	Keys      string     `json:"keys,omitempty"` // the key set that Config's issuer serves
	Config    Config     `json:"config"`
	Served    []Served   `json:"served,omitempty"`  // all responses of the issuer, including metadata, instead of Keys
	Tenants   []Tenant   `json:"tenants,omitempty"` // several issuers instead of Config's one
	Confirmed *Confirmed `json:"confirmed,omitempty"`
	Now       float64    `json:"now"` // seconds since 1970

	// Want is Accept, or the code of the rejection. Answer is the response to a
	// request with the token, or to Request. Its Code differs from Want only if
	// a request cannot carry the token.
	Want   string `json:"want"`
	Answer Answer `json:"answer,omitzero"`
}

// Time returns v.Now.
func (v Vector) Time() time.Time {
	whole, frac := math.Modf(v.Now)
	return time.Unix(int64(whole), int64(math.Round(frac*1e3))*int64(time.Millisecond)).UTC()
}

// A Request has the differences from "GET / HTTP/1.1, Host: api.example.com"
// without TLS.
type Request struct {
	Method string      `json:"method,omitempty"`
	Scheme string      `json:"scheme,omitempty"` // https
	Host   string      `json:"host,omitempty"`
	Target string      `json:"target,omitempty"`
	Header [][2]string `json:"header"`
	Body   string      `json:"body,omitempty"`

	Certificate string   `json:"certificate,omitempty"` // the client's, DER in base64
	Before      *Request `json:"before,omitempty"`      // sent before, and accepted
}

// An Answer is the response that the client gets. Challenge is the whole
// WWW-Authenticate field, or empty if there is none. Nonce is DPoP-Nonce.
type Answer struct {
	Code      string `json:"code"`
	Status    int    `json:"status"`
	Challenge string `json:"challenge,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
}

// A Config configures the resource server. Absent members have their documented
// defaults.
type Config struct {
	Issuers               []string `json:"issuers"`
	Audiences             []string `json:"audiences"`
	Algorithms            []string `json:"algorithms,omitempty"`
	Secret                string   `json:"secret,omitempty"`         // base64url; for HS algorithms, instead of keys
	LeewaySeconds         int64    `json:"leeway_seconds,omitempty"` // negative: none
	MaxTokenSize          int      `json:"max_token_size,omitempty"`
	RequireRFC9068        bool     `json:"require_rfc9068,omitempty"`
	InsecureSkipTypeCheck bool     `json:"insecure_skip_type_check,omitempty"`
	AudienceClaim         string   `json:"audience_claim,omitempty"` // replaces an absent aud
	KeysGiven             bool     `json:"keys_given,omitempty"`     // the keys are not discovered, so issuers can be any text
	MetadataURL           string   `json:"metadata_url,omitempty"`   // where the issuer's metadata is; absent: at its name
	InsecureHTTP          bool     `json:"insecure_http,omitempty"`  // http is accepted for any host
	CacheSize             int      `json:"cache_size,omitempty"`     // negative: none
	Checks                []Check  `json:"checks,omitempty"`
	Preset                *Preset  `json:"preset,omitempty"` // the other members say what else can be said of it

	Introspection *Introspection `json:"introspection,omitempty"` // absent: tokens are JWTs
	IDToken       *IDToken       `json:"id_token,omitempty"`      // absent: tokens are access tokens

	Optional         bool   `json:"optional,omitempty"` // a request without a token is accepted
	Realm            string `json:"realm,omitempty"`
	ResourceMetadata string `json:"resource_metadata,omitempty"`
	DPoP             *DPoP  `json:"dpop,omitempty"` // absent: proofs are not checked
	RequireBinding   bool   `json:"require_binding,omitempty"`

	IssuerForHost  map[string]string `json:"issuer_for_host,omitempty"` // the one issuer accepted on a host; empty or absent: none
	AllowPreflight bool              `json:"allow_preflight,omitempty"` // a CORS preflight without a token is accepted
	Origin         string            `json:"origin,omitempty"`          // the URL before the request's path; absent: its scheme and host
}

// An Introspection has the issuer asked about each token (RFC 7662). The first
// of Config's Issuers is the one that is asked.
type Introspection struct {
	ClientID           string `json:"client_id"`                     // of the resource server
	Endpoint           string `json:"endpoint,omitempty"`            // absent: found by the issuer's metadata
	AudienceGuaranteed string `json:"audience_guaranteed,omitempty"` // by this issuer: aud may be absent
	RequireSigned      bool   `json:"require_signed,omitempty"`      // only signed responses are accepted (RFC 9701)
}

// An IDToken says that tokens are ID tokens, which a client has received. The
// one of Config's Audiences is the client.
type IDToken struct {
	TrustedAudiences   []string `json:"trusted_audiences,omitempty"`
	AuthorizedParties  []string `json:"authorized_parties,omitempty"`    // beside the client
	NoAuthorizedParty  bool     `json:"no_authorized_party,omitempty"`   // several audiences need no azp
	MaxTokenAgeSeconds int64    `json:"max_token_age_seconds,omitempty"` // by iat; absent: 600; negative: none

	// What the client has requested, and what came with the token.
	Nonce         string   `json:"nonce,omitempty"`
	NoNonce       bool     `json:"no_nonce,omitempty"` // none was requested
	MaxAgeSeconds int64    `json:"max_age_seconds,omitempty"`
	ACR           []string `json:"acr,omitempty"` // one of these
	Organization  string   `json:"organization,omitempty"`
	AccessToken   string   `json:"access_token,omitempty"`
	Code          string   `json:"code,omitempty"`
	FrontChannel  bool     `json:"front_channel,omitempty"` // the browser has brought the token
	Previous      *Login   `json:"previous,omitempty"`      // of the refresh token
}

// A Login is what an earlier ID token of the user had.
type Login struct {
	Issuer          string   `json:"iss"`
	Subject         string   `json:"sub"`
	Audience        []string `json:"aud"`
	AuthorizedParty string   `json:"azp,omitempty"`
	AuthTime        int64    `json:"auth_time,omitempty"`
	Nonce           string   `json:"nonce,omitempty"`
}

// A Preset is the configuration for a real issuer: a function of the Go
// library's package issuers, and its arguments.
type Preset struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

// A DPoP says which proofs are accepted (RFC 9449). Absent members have their
// documented defaults.
type DPoP struct {
	Algorithms    []string `json:"algorithms,omitempty"`
	MaxAgeSeconds int64    `json:"max_age_seconds,omitempty"`
	LeewaySeconds int64    `json:"leeway_seconds,omitempty"` // negative: none
	Nonce         string   `json:"nonce,omitempty"`          // the required one
}

// A Check is one of the built-in checks: scopes, any_scope, permissions,
// any_permission, organization, clients, grant_type (with Args), roles,
// any_role (with Args and Path), max_age and
// authenticated_within (with Seconds), no_actor, actors (with
// Args), any_of (with Checks).
type Check struct {
	Kind    string   `json:"check"`
	Path    []string `json:"path,omitempty"` // of the claim, and of members in it
	Args    []string `json:"args,omitempty"`
	Seconds int64    `json:"seconds,omitempty"`
	Checks  []Check  `json:"checks,omitempty"`
}

// Served is the response to a GET of URL, or to a request with another Method.
// The response to any other request is a 404.
type Served struct {
	Method string      `json:"method,omitempty"` // GET if absent
	URL    string      `json:"url"`
	Status int         `json:"status,omitempty"` // 200 if absent
	Header [][2]string `json:"header,omitempty"`
	Body   string      `json:"body"`
}

// A Tenant is one issuer among several.
type Tenant struct {
	Keys   string `json:"keys"`
	Config Config `json:"config"`
}

// Confirmed is what the caller has proven to hold (RFC 7800).
type Confirmed struct {
	JKT     string `json:"jkt,omitempty"`
	X5TS256 string `json:"x5t#S256,omitempty"`
}

// Load reads all JSON files of fsys, sorted by name. An unknown member is an
// error.
func Load(fsys fs.FS) ([]File, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("vectors: no JSON files: %w", fs.ErrNotExist)
	}

	files := make([]File, 0, len(names))
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		file := File{Name: strings.TrimSuffix(path.Base(name), ".json")}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&file); err != nil {
			return nil, fmt.Errorf("vectors: %s: %w", name, err)
		}
		files = append(files, file)
	}
	return files, nil
}
