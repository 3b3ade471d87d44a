package introspection

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/observe"
)

// A discovery is an attempt to find the endpoint. It ends with the call that
// has begun it, and others wait for it.
type discovery struct {
	gone  <-chan struct{} // closed when that call has no time left
	done  chan struct{}
	found string // to be read when done is closed
	err   error
}

func (d *discovery) isGone() bool {
	select {
	case <-d.gone:
		return true
	default:
		return false
	}
}

// where returns the endpoint's URL, as configured, or as discovered within a
// day. After that, one call at a time asks again, every 15 minutes if it fails,
// and the others use the endpoint that is known.
func (c *client) where(ctx context.Context) (string, error) {
	if c.cfg.Endpoint != "" {
		return c.cfg.Endpoint, nil
	}
	now := c.cfg.Now()
	c.mu.Lock()
	known, d := c.endpoint, c.discovery
	if known != "" && (within(now, c.at, metadataTTL) || within(now, c.tried, metadataRetry)) {
		c.mu.Unlock()
		return known, nil
	}
	mine := d == nil || d.isGone() // a client that hangs is not waited for
	if mine {
		d = &discovery{gone: ctx.Done(), done: make(chan struct{}), err: errEnded}
		c.discovery, c.tried = d, now
	}
	c.mu.Unlock()
	if mine {
		c.run(ctx, d, known != "")
	}
	select {
	case <-d.done:
	case <-ctx.Done():
		return "", errSilent
	}
	if d.err != nil && known != "" {
		return known, nil // a place that the issuer named once is a better guess than none
	}
	return d.found, d.err
}

// run discovers the endpoint. If one is known, it leaves half of the time for
// the call itself.
func (c *client) run(ctx context.Context, d *discovery, known bool) {
	defer func() {
		c.mu.Lock()
		if c.discovery == d {
			c.discovery = nil
		}
		if d.err == nil {
			c.endpoint, c.at = d.found, c.cfg.Now()
		}
		c.mu.Unlock()
		close(d.done)
	}()
	if known {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.Timeout/2)
		defer cancel()
	}
	d.found, d.err = c.discover(ctx)
}

// within reports whether d has not passed since then.
func within(now, then time.Time, d time.Duration) bool {
	age := now.Sub(then)
	return 0 <= age && age < d
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

func (c *client) metadata(ctx context.Context, url string) (endpoint string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("GET %s: not a URL to send to", url)
	}
	req.Header.Set("Accept", "application/json")
	var res response
	request := c.teller.Begin(ctx, observe.Metadata, url)
	defer func() { tellEnd(ctx, &request, &res, err) }()
	res, err = c.do(req, maxMetadata)
	switch {
	case err != nil:
		return "", err
	case res.status/100 == 5 || res.status == http.StatusTooManyRequests:
		return "", fmt.Errorf("GET %s: %d %s", url, res.status, http.StatusText(res.status))
	case res.status != http.StatusOK:
		return "", &mistake{text: fmt.Sprintf("GET %s: %d %s: set Config.Endpoint", url, res.status, http.StatusText(res.status))}
	}
	err = errEnded // until it is read
	if endpoint, err = readMetadata(res.body, c.cfg, c.intendsMutualTLS()); err != nil {
		return "", &mistake{fmt.Sprintf("GET %s: %v", url, err), errors.Is(err, outbound.ErrOtherIssuer)}
	}
	return endpoint, nil
}

// intendsMutualTLS reports whether requests go to the endpoints for clients with
// a certificate (RFC 8705, Section 5). The transport says so if it has one, and
// Auth does, since a transport may be wrapped.
func (c *client) intendsMutualTLS() bool {
	return outbound.SameFunc(c.cfg.Auth, ClientCertificate()) || outbound.HasCertificate(c.http)
}

// readMetadata returns the endpoint that the issuer's metadata names.
func readMetadata(document string, cfg *Config, mutualTLS bool) (string, error) {
	member, without := "introspection_endpoint", ": set Config.Endpoint, or use tokens in JWT form if the server introspects none"
	if cfg.InsecureUserInfo {
		member, without = "userinfo_endpoint", ": set Config.Endpoint"
	} else if strings.HasSuffix(strings.TrimSuffix(cfg.Issuer, "/"), ".auth0.com") {
		without = ": Auth0's opaque tokens are good for its userinfo endpoint alone, so have the client request its token with the " +
			"audience of this API"
	}
	m, err := outbound.ReadMetadata(document, cfg.Issuer, "Config.Endpoint")
	if err != nil {
		return "", err
	}
	endpoint, err := m.EndpointFor(mutualTLS, member, cfg.parse)
	if errors.Is(err, outbound.ErrNotNamed) {
		return "", fmt.Errorf("it names no %s%s", member, without)
	}
	return endpoint, err
}
