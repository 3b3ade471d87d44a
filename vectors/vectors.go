// Package vectors holds test vectors for OAuth 2.0 resource servers: tokens and
// requests, what they are checked with, and the verdict that each must get.
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

// A File is one theme.
type File struct {
	Name  string `json:"-"` // without folder and ".json"
	About string `json:"about"`
	// KeySets holds what the issuers of this file serve, by name: JWK sets, or
	// a JSON string for a body that is to be served as it is because it is not
	// JSON.
	KeySets map[string]json.RawMessage `json:"key_sets"`
	Vectors []Vector                   `json:"vectors"`
}

// A Vector is one case: a token or a whole request, its surroundings, and the
// verdict.
type Vector struct {
	Name string `json:"name"`
	Why  string `json:"why"`

	Token   string   `json:"token,omitempty"`
	Request *Request `json:"request,omitempty"`

	Keys      string     `json:"keys,omitempty"` // the key set that Config's issuer serves
	Config    Config     `json:"config"`
	Served    []Served   `json:"served,omitempty"`  // what the issuer serves, metadata and all, instead of Keys
	Tenants   []Tenant   `json:"tenants,omitempty"` // several issuers instead of Config's one
	Confirmed *Confirmed `json:"confirmed,omitempty"`
	Now       float64    `json:"now"` // seconds since 1970

	// Want is Accept, or the code of the refusal. Answer is what a client gets
	// for a request with the token, or for Request; its Code differs from Want
	// only where a request cannot carry the token.
	Want   string `json:"want"`
	Answer Answer `json:"answer"`
}

// Time returns v.Now.
func (v Vector) Time() time.Time {
	whole, frac := math.Modf(v.Now)
	return time.Unix(int64(whole), int64(math.Round(frac*1e3))*int64(time.Millisecond)).UTC()
}

// A Request is what differs from "GET / HTTP/1.1, Host: api.example.com",
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

// An Answer is what the client sees. Challenge is the whole WWW-Authenticate
// field, empty for none; Nonce is DPoP-Nonce.
type Answer struct {
	Code      string `json:"code"`
	Status    int    `json:"status"`
	Challenge string `json:"challenge,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
}

// A Config is how the resource server is set up. Absent members have their
// documented defaults.
type Config struct {
	Issuers               []string `json:"issuers"`
	Audiences             []string `json:"audiences"`
	Algorithms            []string `json:"algorithms,omitempty"`
	Secret                string   `json:"secret,omitempty"`         // base64url: for HS algorithms, in place of keys
	LeewaySeconds         int64    `json:"leeway_seconds,omitempty"` // negative: none
	MaxTokenSize          int      `json:"max_token_size,omitempty"`
	RequireRFC9068        bool     `json:"require_rfc9068,omitempty"`
	InsecureSkipTypeCheck bool     `json:"insecure_skip_type_check,omitempty"`
	AudienceClaim         string   `json:"audience_claim,omitempty"` // stands in for an absent aud
	KeysGiven             bool     `json:"keys_given,omitempty"`     // and not found by the issuer's name, which can be any text
	MetadataURL           string   `json:"metadata_url,omitempty"`   // where the issuer's metadata is; absent: where its name says
	InsecureHTTP          bool     `json:"insecure_http,omitempty"`  // http is accepted off this machine
	CacheSize             int      `json:"cache_size,omitempty"`     // negative: none
	Checks                []Check  `json:"checks,omitempty"`

	Optional         bool   `json:"optional,omitempty"` // a request without a token is let through
	Realm            string `json:"realm,omitempty"`
	ResourceMetadata string `json:"resource_metadata,omitempty"`
	DPoP             *DPoP  `json:"dpop,omitempty"` // absent: proofs are not checked
	RequireBinding   bool   `json:"require_binding,omitempty"`

	IssuerForHost  map[string]string `json:"issuer_for_host,omitempty"` // the one issuer that is accepted there; empty, or no such host: none
	AllowPreflight bool              `json:"allow_preflight,omitempty"` // a CORS preflight without a token is let through
	Origin         string            `json:"origin,omitempty"`          // what clients write before the request's path; absent: its scheme and host
}

// A DPoP says which proofs are accepted (RFC 9449). Absent members have their
// documented defaults.
type DPoP struct {
	Algorithms    []string `json:"algorithms,omitempty"`
	MaxAgeSeconds int64    `json:"max_age_seconds,omitempty"`
	LeewaySeconds int64    `json:"leeway_seconds,omitempty"` // negative: none
	Nonce         string   `json:"nonce,omitempty"`          // the one that is demanded
}

// A Check is one of the built-in checks: scopes, any_scope, permissions,
// any_permission, organization, clients, grant_type (with Args), roles,
// any_role (with Args and Path), max_age (with Seconds), no_actor, actors (with
// Args), any_of (with Checks).
type Check struct {
	Kind    string   `json:"check"`
	Path    []string `json:"path,omitempty"` // of the claim, and of members in it
	Args    []string `json:"args,omitempty"`
	Seconds int64    `json:"seconds,omitempty"`
	Checks  []Check  `json:"checks,omitempty"`
}

// Served is the answer to a GET of URL. What is not served is a 404.
type Served struct {
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
