package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// readConfig reads a tenant from a YAML file. Without a file, it returns the
// demo tenant. A field that a tenant doesn't have is an error, because it is
// probably a mistake.
func readConfig(file string) (mockissuer.Config, error) {
	if file == "" {
		return mockissuer.Demo(), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return mockissuer.Config{}, err
	}
	cfg, err := parseConfig(text)
	if err != nil {
		return mockissuer.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return cfg, nil
}

func parseConfig(text []byte) (cfg mockissuer.Config, err error) {
	err = parseYAML(text, &cfg)
	return cfg, err
}

// parseYAML reads a document into a struct.
func parseYAML[T any](text []byte, into *T) error {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	var documents []ast.Node
	for _, document := range parsed.Docs {
		if document.Body != nil && document.Body.Type() != ast.CommentType {
			documents = append(documents, document.Body)
		}
	}
	switch len(documents) {
	case 0:
		return nil // an empty file sets nothing
	case 1:
	default:
		return fmt.Errorf("line %d: a second YAML document: there can be one", line(documents[1]))
	}
	if err := checkScalars(documents[0], reflect.TypeFor[T](), ""); err != nil {
		return err
	}
	return yaml.NodeToValue(documents[0], into, yaml.DisallowUnknownField())
}

// checkScalars finds values that YAML reads as another type than that of the
// field, such as the secret 0123, which is the number 83. It leaves values in
// the place of lists and objects to the decoder.
func checkScalars(node ast.Node, t reflect.Type, path string) error {
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, member := range node.Values {
			if err := checkMember(member, t, path); err != nil {
				return err
			}
		}
		return nil
	case *ast.MappingValueNode:
		return checkMember(node, t, path)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for _, element := range node.Values {
			if err := checkScalars(element, t.Elem(), path); err != nil {
				return err
			}
		}
		return nil
	}

	text, isText := scalarText(node)
	switch {
	case t == reflect.TypeFor[time.Duration]():
		if d, err := time.ParseDuration(text); err != nil || d < 0 {
			return fmt.Errorf("line %d: %s is %s, want a duration with its unit, such as 10m or 24h",
				line(node), path, node)
		}
	case t.Kind() == reflect.String && !isText && node.Type() != ast.NullType && node.Type() != ast.AliasType:
		return fmt.Errorf("line %d: %s is %s, which is not text in YAML: put it in quotes", line(node), path, node)
	}
	return nil
}

func checkMember(member *ast.MappingValueNode, t reflect.Type, path string) error {
	if t.Kind() != reflect.Struct {
		return nil // free claims, for example
	}
	name := member.Key.String()
	for field := range t.Fields() {
		if field.Tag.Get("yaml") == name {
			return checkScalars(member.Value, field.Type, strings.TrimPrefix(path+"."+name, "."))
		}
	}
	return nil
}

func scalarText(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return node.Value.Value, true
	}
	return "", false
}

func line(node ast.Node) int { return node.GetToken().Position.Line }

// writeConfig writes every field of cfg with a comment on its purpose.
func writeConfig(out io.Writer, cfg mockissuer.Config) error {
	comments := yaml.CommentMap{}
	addComments(comments, reflect.ValueOf(cfg), "$", "")
	return yaml.NewEncoder(out, yaml.IndentSequence(true), yaml.WithComment(comments)).Encode(cfg)
}

// addComments comments the fields of a struct, and of the first element of each
// list.
func addComments(comments yaml.CommentMap, v reflect.Value, at, path string) {
	for field, value := range v.Fields() {
		name := field.Tag.Get("yaml")
		comment, ok := fieldComments[strings.TrimPrefix(path+"."+name, ".")]
		if !ok {
			continue
		}
		comments[at+"."+name] = []*yaml.Comment{yaml.HeadComment(" " + comment)}
		if value.Kind() == reflect.Slice && value.Len() > 0 && value.Index(0).Kind() == reflect.Struct {
			addComments(comments, value.Index(0), at+"."+name+"[0]", strings.TrimPrefix(path+"."+name, "."))
		}
	}
}

// fieldComments are the comments of -print-config. A test checks that each
// field has one.
var fieldComments = map[string]string{
	"url":              "The issuer as tokens name it. Empty: the address it listens on.",
	"domains":          "Further URLs of the issuer, with the same keys.",
	"algorithms":       "Those there are keys for from the start; the first one signs. Empty: RS256.",
	"certificates":     "Add x5c and x5t to RSA keys, as Auth0 does.",
	"default_audience": "The audience of requests that name none. Empty: there is none.",
	"ignore_resource":  "Ignore the parameter resource, which otherwise stands in for audience.",
	"acrs":             "Values of acr_values that a login can have as its acr.",
	"dpop_nonces":      "Require a nonce in each DPoP proof.",

	"clients":                        "Applications that may ask for tokens.",
	"clients.id":                     "What it sends as client_id.",
	"clients.name":                   "For people.",
	"clients.secret":                 "Empty: a public client, which must use PKCE.",
	"clients.callbacks":              "Redirect URIs. Loopback without a port: any port.",
	"clients.grants":                 "What it may ask for on its own behalf.",
	"clients.grants.api":             "The identifier of one of the apis.",
	"clients.grants.scopes":          "Those it may have. A request that names none gets all.",
	"clients.organizations":          "Ids or names of those it may use client credentials with.",
	"clients.rotate_refresh_tokens":  "A new refresh token at each use.",
	"clients.backchannel_logout_uri": "Where it receives logout tokens. Empty: nowhere.",

	"apis":                     "Resource servers, which access tokens are for.",
	"apis.identifier":          "Its audience.",
	"apis.name":                "For people.",
	"apis.scopes":              "What users may allow.",
	"apis.profile":             "The form of its tokens: auth0, rfc9068, or another one that -h lists. Empty: auth0.",
	"apis.lifetime":            "Of its tokens, such as 10m. 0s: 24h.",
	"apis.algorithm":           "Signs its tokens. Empty: the issuer's first. HS256 needs a secret.",
	"apis.secret":              "For HS256: 32 bytes or more.",
	"apis.rbac":                "Put permissions into its tokens.",
	"apis.offline_access":      "Give refresh tokens to users who ask for offline_access.",
	"organizations":            "Customers of the tenant.",
	"organizations.id":         "Begins with org_.",
	"organizations.name":       "In lower case.",
	"users":                    "People whom the authorization endpoint signs in without asking.",
	"users.id":                 "The subject of their tokens.",
	"users.email":              "For ID tokens and user info.",
	"users.name":               "For ID tokens and user info.",
	"users.permissions":        "At APIs with rbac.",
	"users.organizations":      "Ids or names of those they belong to.",
	"users.claims":             "Further claims of ID tokens and user info.",
	"users.permissions.api":    "The identifier of one of the apis.",
	"users.permissions.scopes": "The permissions there.",

	"streams":               "Where Security Event Tokens go.",
	"streams.audience":      "The aud of its tokens.",
	"streams.url":           "Where they are pushed. Empty: they are polled, at /ssf/poll.",
	"streams.authorization": "The Authorization field of a push, or the one that a poll must have.",
}
