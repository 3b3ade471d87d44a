package outbound

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
)

// Metadata is an issuer's metadata document.
type Metadata struct {
	issuer  string
	members []jose.Member
}

// Errors of a document that is read.
var (
	ErrOtherIssuer = errors.New("the issuer in it is") // the document is another issuer's
	ErrNotNamed    = errors.New("it is not named")     // there is no such member, or it is no string
)

// ReadMetadata reads the metadata of issuer strictly. The document must say that
// it is this issuer's (RFC 8414, Section 3.3). The setting is what to set in
// place of discovery, for the error's text, which may be [ErrOtherIssuer].
func ReadMetadata(document, issuer, setting string) (Metadata, error) {
	members, err := jose.ParseObject(nil, strings.TrimPrefix(document, jose.ByteOrderMark), jose.DocumentLimits)
	if err != nil {
		return Metadata{}, err
	}
	value, _ := jose.Lookup(members, "issuer")
	if name, ok := value.Text(); !ok || name != issuer {
		return Metadata{}, fmt.Errorf("%w %.256q, not %q: use the name that is there, or set %s", ErrOtherIssuer, name, issuer, setting)
	}
	return Metadata{issuer, members}, nil
}

// Endpoint returns the URL in a member, which parse accepts. A document that was
// fetched by https can't name an http URL. The error is [ErrNotNamed] if there
// is no such member, or none that is a string.
func (m Metadata) Endpoint(member string, parse func(string) (*url.URL, error)) (string, error) {
	value, _ := jose.Lookup(m.members, member)
	return m.endpoint(value, member, parse)
}

// EndpointFor is [Metadata.Endpoint] for a client that may be one that intends to
// do mutual TLS. It then prefers the [Metadata.Alias].
func (m Metadata) EndpointFor(mutualTLS bool, member string, parse func(string) (*url.URL, error)) (string, error) {
	if mutualTLS {
		if alias, err := m.Alias(member, parse); !errors.Is(err, ErrNotNamed) {
			return alias, err
		}
	}
	return m.Endpoint(member, parse)
}

// Alias is [Metadata.Endpoint] for a member of mtls_endpoint_aliases (RFC 8705,
// Section 5). The error is [ErrNotNamed] if there is no such member, and the
// endpoint at the top level is then the one to use. A member that is no string
// is another error, since the issuer has an alias that can't be read.
func (m Metadata) Alias(member string, parse func(string) (*url.URL, error)) (string, error) {
	const name = "mtls_endpoint_aliases"
	aliases, _ := jose.Lookup(m.members, name)
	switch aliases.Kind() {
	case jose.KindNone, jose.KindNull:
		return "", ErrNotNamed
	case jose.KindObject:
	default:
		return "", fmt.Errorf("its %s is %v, want an object", name, aliases.Kind())
	}
	members, err := jose.ParseObject(nil, aliases.Raw(), jose.ReadBefore)
	if err != nil {
		return "", err
	}
	value, _ := jose.Lookup(members, member)
	switch value.Kind() {
	case jose.KindNone, jose.KindNull:
		return "", ErrNotNamed
	case jose.KindString:
		return m.endpoint(value, name+"."+member, parse)
	}
	return "", fmt.Errorf("its %s.%s is %v, want a string", name, member, value.Kind())
}

func (m Metadata) endpoint(value jose.Value, member string, parse func(string) (*url.URL, error)) (string, error) {
	raw, ok := value.Text()
	if !ok {
		return "", ErrNotNamed
	}
	u, err := parse(raw)
	switch {
	case err != nil:
		return "", fmt.Errorf("its %s %w", member, err)
	case u.Scheme == "http" && !strings.HasPrefix(strings.ToLower(m.issuer), "http:"):
		return "", fmt.Errorf("its %s is http, on %q", member, u.Hostname())
	}
	return strings.Clone(raw), nil
}
