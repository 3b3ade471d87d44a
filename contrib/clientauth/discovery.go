package clientauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/secureurl"
)

const (
	maxMetadata   = 1 << 20
	metadataTTL   = 24 * time.Hour
	metadataRetry = 15 * time.Minute
)

// An endpoint is the token endpoint as discovered.
type endpoint struct {
	turn chan struct{} // held by the one request that discovers it

	mu        sync.Mutex
	url       string
	at, tried time.Time
}

// known returns the endpoint, and whether it need not be discovered again.
func (e *endpoint) known(now time.Time) (url string, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.url, e.url != "" && (between(e.at, now) < metadataTTL || between(e.tried, now) < metadataRetry)
}

// where returns the endpoint's URL, as configured, or as discovered within a
// day. One request at a time discovers it.
func (c *state) where(ctx context.Context) (string, *Error) {
	if c.cfg.TokenURL != "" {
		return c.cfg.TokenURL, nil
	}
	e := &c.endpoint
	known, fresh := e.known(c.cfg.Now())
	if fresh {
		return known, nil
	}
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return "", &Error{Code: CodeUnavailable, Err: errSilent}
	}
	if known, fresh = e.known(c.cfg.Now()); fresh {
		return known, nil
	}
	if known != "" { // leave half of the time for the request itself
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.Timeout/2)
		defer cancel()
	}
	now := c.cfg.Now()
	found, err := c.discover(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tried = now
	switch {
	case err == nil:
		e.url, e.at = found, now
	case known != "":
		return known, nil // a place that the issuer named once is a better guess than none
	}
	return found, err
}

// discover asks the issuer for its metadata. Where it has none in the first
// place, it may have it in the second.
func (c *state) discover(ctx context.Context) (string, *Error) {
	var first *Error
	for _, url := range secureurl.Metadata(c.cfg.Issuer) {
		found, err := c.metadata(ctx, url)
		if err == nil {
			return found, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

func (c *state) metadata(ctx context.Context, url string) (string, *Error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", &Error{Code: CodeConfig, Err: fmt.Errorf("GET %s: not a URL to send to", url)}
	}
	req.Header.Set("Accept", "application/json")
	res, failure := c.do(req, maxMetadata, nil)
	if failure != nil {
		return "", failure
	}
	if res.status != http.StatusOK {
		e := &Error{
			Code: CodeRejected, Status: res.status, wait: seconds.RetryAfter(res.header, c.cfg.Now(), maxAsked),
			Err: fmt.Errorf("GET %s: %d %s: see Config.TokenURL", url, res.status, http.StatusText(res.status)),
		}
		if res.status/100 == 5 || res.status == http.StatusTooManyRequests {
			e.Code = CodeUnavailable
		}
		return "", e
	}
	found, err := c.readMetadata(res.body)
	if err != nil {
		return "", &Error{Code: CodeAnswer, Status: res.status, Err: fmt.Errorf("GET %s: %w", url, err)}
	}
	return found, nil
}

func (c *state) readMetadata(document string) (string, error) {
	m, err := outbound.ReadMetadata(document, c.cfg.Issuer, "Config.TokenURL")
	if err != nil {
		return "", err
	}
	found, err := m.EndpointFor(c.intendsMutualTLS(), "token_endpoint", c.cfg.parse)
	if errors.Is(err, outbound.ErrNotNamed) {
		return "", errors.New("it names no token_endpoint: set Config.TokenURL")
	}
	return found, err
}

// intendsMutualTLS reports whether requests go to the endpoint for clients with
// a certificate (RFC 8705, Section 5). The Config or the transport says so if it
// has one, and Auth does, since a transport may be wrapped.
func (c *state) intendsMutualTLS() bool {
	return c.cfg.Certificate != nil || outbound.SameFunc(c.cfg.Auth, ClientCertificate()) || outbound.HasCertificate(c.http)
}
