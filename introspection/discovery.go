package introspection

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/secureurl"
)

// where returns the endpoint's URL, as configured, or as discovered within a
// day.
func (c *client) where(ctx context.Context) (string, error) {
	if c.cfg.Endpoint != "" {
		return c.cfg.Endpoint, nil
	}
	now := c.cfg.Now()
	c.mu.Lock()
	endpoint, at := c.endpoint, c.at
	c.mu.Unlock()
	if age := now.Sub(at); endpoint != "" && 0 <= age && age < metadataTTL {
		return endpoint, nil
	}
	found, err := c.discover(ctx)
	switch {
	case err != nil && endpoint != "":
		return endpoint, nil // a place that the issuer named once is a better guess than none
	case err != nil:
		return "", err
	}
	c.mu.Lock()
	c.endpoint, c.at = found, now
	c.mu.Unlock()
	return found, nil
}

// discover asks the issuer for its metadata. Where it has none in the first
// place, it may have it in the second.
func (c *client) discover(ctx context.Context) (string, error) {
	var first error
	for _, url := range secureurl.Metadata(c.cfg.Issuer) {
		endpoint, err := c.metadata(ctx, url)
		if err == nil {
			return endpoint, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

func (c *client) metadata(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("GET %s: not a URL to send to", url)
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.do(req, maxMetadata)
	switch {
	case err != nil:
		return "", err
	case res.status/100 == 5 || res.status == http.StatusTooManyRequests:
		return "", fmt.Errorf("GET %s: %d %s", url, res.status, http.StatusText(res.status))
	case res.status != http.StatusOK:
		return "", &mistake{fmt.Sprintf("GET %s: %d %s: set Config.Endpoint", url, res.status, http.StatusText(res.status))}
	}
	endpoint, err := readMetadata(res.body, c.cfg)
	if err != nil {
		return "", &mistake{fmt.Sprintf("GET %s: %v", url, err)}
	}
	return endpoint, nil
}

// readMetadata returns the endpoint that the issuer's metadata names. The
// document must say that it is this issuer's (RFC 8414, Section 3.3).
func readMetadata(document string, cfg *Config) (string, error) {
	members, err := jose.ParseObject(nil, strings.TrimPrefix(document, jose.ByteOrderMark), jose.DocumentLimits)
	if err != nil {
		return "", err
	}
	value, _ := jose.Lookup(members, "issuer")
	if name, ok := value.Text(); !ok || name != cfg.Issuer {
		return "", fmt.Errorf("the issuer in it is %.256q, not %q: use the name that is there, or set Config.Endpoint", name, cfg.Issuer)
	}
	member, without := "introspection_endpoint", ": set Config.Endpoint, or use tokens in JWT form if the server introspects none"
	if cfg.InsecureUserInfo {
		member, without = "userinfo_endpoint", ": set Config.Endpoint"
	} else if strings.HasSuffix(strings.TrimSuffix(cfg.Issuer, "/"), ".auth0.com") {
		without = ": Auth0's opaque tokens are good for its userinfo endpoint alone, so have the client request its token with the " +
			"audience of this API"
	}
	value, there := jose.Lookup(members, member)
	raw, ok := value.Text()
	if !there || !ok {
		return "", fmt.Errorf("it names no %s%s", member, without)
	}
	u, err := secureurl.Parse(raw)
	switch {
	case err != nil:
		return "", fmt.Errorf("its %s %w", member, err)
	case u.Scheme == "http" && !strings.HasPrefix(strings.ToLower(cfg.Issuer), "http:"):
		return "", fmt.Errorf("its %s is http, on %q", member, u.Hostname())
	}
	return strings.Clone(raw), nil
}
