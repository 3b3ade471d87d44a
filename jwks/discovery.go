package jwks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/observe"
)

// How long a discovered URL is used, and how long the next discovery waits if
// the URL yields no key set.
const (
	discoveryTTL        = 24 * time.Hour
	rediscovery         = 15 * time.Minute
	rediscoveryIfNoKeys = 10 * time.Second

	otherFirst = 4 // every so many attempts that meet an outage
)

// A discovered holds what is known of the URL of an issuer's key set.
type discovered struct {
	url    string    // empty: nothing
	at     time.Time // when it was learnt
	tried  time.Time // when it was last asked for
	silent bool      // the URL yielded no key set the last time

	err     error // of the last attempt
	outages int   // attempts in a row that met one
}

// due reports whether the URL must be discovered.
func (d *discovered) due(now time.Time, holdsKeys bool) bool {
	interval := rediscovery
	if !holdsKeys {
		interval = rediscoveryIfNoKeys
	}
	switch {
	case d.url == "":
		return true
	case 0 <= elapsed(d.tried, now) && elapsed(d.tried, now) < interval:
		return false
	}
	return d.silent || elapsed(d.at, now) >= discoveryTTL
}

// url returns the URL of the key set: the configured one, the one discovered
// before, or one discovered now. With an error, it also returns the previous
// URL, if there is one. A URL that the issuer has named once is better than
// none.
func (s *source) url(ctx context.Context, holdsKeys bool) (string, error) {
	now := s.cfg.Now()
	if s.cfg.URL != "" {
		return s.cfg.URL, nil
	}
	if !s.where.due(now, holdsKeys) {
		return s.where.url, nil
	}
	s.where.tried = now
	url, errs := s.discover(ctx)
	s.where.err = errors.Join(errs...)
	switch err := s.where.err; {
	case url != "":
		s.where = discovered{url: url, at: now, tried: now}
		return url, nil
	case s.where.url != "" || s.seen || slices.ContainsFunc(errs, isOutage):
		return s.where.url, err
	default:
		return "", &misplaced{discoveryAdvice(err), err}
	}
}

// moved asks the metadata where the key set is now, at most every 15 minutes.
// If that is another URL, it returns the key set there. An issuer that moves its
// key set may go on serving the old one.
func (s *source) moved(ctx context.Context) (answer, bool) {
	now := s.cfg.Now()
	was := s.where
	if since := elapsed(was.tried, now); s.cfg.URL != "" || 0 <= since && since < rediscovery {
		return answer{}, false
	}
	s.where.tried = now
	url, errs := s.discover(ctx)
	s.where.err = errors.Join(errs...)
	if url == "" {
		return answer{}, false
	}
	was.tried, was.err, was.outages = now, nil, 0
	if url != was.url {
		if a, err := s.keySet(ctx, url, version{}, true); err == nil {
			s.where = discovered{url: url, at: now, tried: now}
			return a, true
		}
	}
	s.where = was // the old one answers
	return answer{}, false
}

// discover fetches the issuer's metadata. If there is none at the first URL, it
// tries the second. If the first URL meets an outage, so may the second, which
// is therefore not asked. Some gateways answer like that for all that they don't
// know, so the second is the first one now and then.
func (s *source) discover(ctx context.Context) (url string, errs []error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	urls := s.cfg.metadataURLs()
	if s.where.outages%otherFirst == otherFirst-1 {
		slices.Reverse(urls)
	}
	for _, url := range urls {
		keys, err := s.metadata(ctx, url)
		if err == nil {
			return keys, nil
		}
		errs = append(errs, err)
		if isOutage(err) {
			s.where.outages++
			break
		}
	}
	return "", errs
}

// metadata returns the key set's URL from the metadata at url.
func (s *source) metadata(ctx context.Context, url string) (keys string, err error) {
	var res response
	request := s.teller.Begin(ctx, observe.Metadata, url)
	defer func() { tellEnd(ctx, &request, &res, err) }()
	if res, err = s.get(ctx, url, "application/json", "", false); err != nil {
		return "", err
	}
	err = errUnread // until it is
	if keys, err = readMetadata(string(res.body), url, s.cfg); err != nil {
		return "", fmt.Errorf("GET %s: %w", url, err)
	}
	return keys, nil
}

// discoveryAdvice is the advice if the issuer responds, but without metadata
// that names it.
func discoveryAdvice(err error) string {
	other := (*otherIssuerError)(nil)
	if !errors.As(err, &other) {
		return "no metadata of this issuer at either address: " + adviceKeys
	}
	if difference := secureurl.Difference(other.found, other.want); difference != "" {
		return "the issuer has another name in its metadata, and " + difference + ": use the name that its tokens have"
	}
	return "the issuer has another name in its metadata: use that, if its tokens have it as well, " +
		"and if it can't be reached, this address as the MetadataURL of a jwks.Cache; or " + adviceKeys
}

// adviceKeys is the advice for callers that configure a validator, which nearly
// all do.
const adviceKeys = "set Config.Keys to a jwks.Cache with the key set's URL"

// A misplaced says that an issuer responds, but has never responded with the
// document that was requested. Its text begins with the advice, since the
// responses may be long.
type misplaced struct {
	advice string
	err    error
}

func (e *misplaced) Error() string { return e.advice + ": " + e.err.Error() }
func (e *misplaced) Unwrap() error { return e.err }

// isMistake reports whether err is due to a wrong URL, and not to an issuer
// that can't respond now.
func isMistake(err error) bool {
	m := (*misplaced)(nil)
	return errors.As(err, &m)
}

// metadataURLs returns the URLs of OpenID Connect Discovery 1.0, Section 4, and
// RFC 8414, Section 3.1. The former adds to the end of the issuer's path, and
// the latter to its beginning. If a URL is configured, it returns that one.
func (cfg *Config) metadataURLs() []string {
	if cfg.MetadataURL != "" {
		return []string{cfg.MetadataURL}
	}
	urls := secureurl.Metadata(cfg.Issuer)
	return urls[:]
}

// isOutage reports whether err is due to an issuer that can't respond now, and
// not to a wrong response.
func isOutage(err error) bool {
	if status := (*statusError)(nil); errors.As(err, &status) {
		return status.code >= 500 || status.code == http.StatusTooManyRequests
	}
	return !errors.Is(err, errMetadata)
}

// maxURL is the length of the longest jwks_uri.
const maxURL = 2 << 10

var errMetadata = errors.New("not the issuer's metadata")

// An otherIssuerError says that metadata is that of another issuer.
type otherIssuerError struct{ found, want string }

func (e *otherIssuerError) Error() string {
	return fmt.Sprintf("%v: its issuer is %.256q, not %q", errMetadata, e.found, e.want)
}

func (e *otherIssuerError) Unwrap() error { return errMetadata }

// readMetadata returns the jwks_uri of the metadata that was found at url. The
// document must say that it is the issuer's (OpenID Connect Discovery 1.0,
// Section 4.3; RFC 8414, Section 3.3), in the same bytes. Otherwise one tenant
// of a host could speak for another. That is so wherever the document is.
func readMetadata(document, url string, cfg *Config) (string, error) {
	members, err := jose.ParseObject(nil, strings.TrimPrefix(document, jose.ByteOrderMark), jose.DocumentLimits)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errMetadata, err)
	}
	value, _ := jose.Lookup(members, "issuer")
	if name, ok := value.Text(); !ok || name != cfg.Issuer {
		return "", &otherIssuerError{strings.Clone(name), cfg.Issuer}
	}
	value, _ = jose.Lookup(members, "jwks_uri")
	raw, ok := value.Text()
	if !ok {
		return "", fmt.Errorf("%w: it has no jwks_uri", errMetadata)
	}
	if len(raw) > maxURL {
		return "", fmt.Errorf("%w: its jwks_uri has %d bytes", errMetadata, len(raw))
	}
	u, err := cfg.parseURL(raw)
	if err != nil {
		return "", fmt.Errorf("%w: its jwks_uri %w", errMetadata, err)
	}
	// Metadata over TLS must not lead to a URL without TLS, nor to this host.
	if u.Scheme == "http" && !strings.HasPrefix(strings.ToLower(url), "http:") {
		return "", fmt.Errorf("%w: its jwks_uri is http, on %q", errMetadata, u.Hostname())
	}
	return strings.Clone(raw), nil
}
