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

// Alias is [Metadata.Endpoint] for a member of mtls_endpoint_aliases (RFC 8705,
// Section 5).
func (m Metadata) Alias(member string, parse func(string) (*url.URL, error)) (string, error) {
	aliases, _ := jose.Lookup(m.members, "mtls_endpoint_aliases")
	if aliases.Kind() != jose.KindObject {
		return "", ErrNotNamed
	}
	members, err := jose.ParseObject(nil, aliases.Raw(), jose.ReadBefore)
	if err != nil {
		return "", err
	}
	value, _ := jose.Lookup(members, member)
	return m.endpoint(value, member, parse)
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
