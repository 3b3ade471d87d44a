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
)

// How long to believe what was discovered, and how long to wait with the next
// try if the key set's URL is silent.
const (
	discoveryTTL        = 24 * time.Hour
	rediscovery         = 15 * time.Minute
	rediscoveryIfNoKeys = 10 * time.Second
)

// discovered is what is known of where an issuer's key set is.
type discovered struct {
	url    string    // empty: nothing
	at     time.Time // when it was learnt
	tried  time.Time // when it was last asked for
	silent bool      // the key set's URL didn't bring a key set when last asked
}

// due reports whether to ask the issuer where its keys are.
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

// url is where the key set is, as configured, as discovered before, or as
// discovered now. With an error, it is where it was before, if that is known: a
// place that the issuer named once is a better guess than none.
func (s *source) url(holdsKeys bool) (string, error) {
	now := s.cfg.Now()
	if s.cfg.URL != "" {
		return s.cfg.URL, nil
	}
	if !s.where.due(now, holdsKeys) {
		return s.where.url, nil
	}
	s.where.tried = now
	url, errs := s.discover()
	switch err := errors.Join(errs...); {
	case url != "":
		s.where = discovered{url: url, at: now, tried: now}
		return url, nil
	case s.where.url != "" || s.seen || slices.ContainsFunc(errs, isOutage):
		return s.where.url, err
	default:
		return "", &misplaced{discoveryAdvice(err), err}
	}
}

// discover asks the issuer for its metadata. Where it has none in the first
// place, it may have it in the second.
func (s *source) discover() (url string, errs []error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	defer cancel()
	for _, url := range s.cfg.metadataURLs() {
		res, err := s.get(ctx, url, "application/json", "")
		if err == nil {
			var keys string
			if keys, err = readMetadata(string(res.body), url, s.cfg); err == nil {
				return keys, nil
			}
			err = fmt.Errorf("GET %s: %w", url, err)
		}
		errs = append(errs, err)
		if isOutage(err) {
			break
		}
	}
	return "", errs
}

// discoveryAdvice is for an issuer that answers, but without metadata that
// names it.
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

// adviceKeys is for who configures a validator, as nearly all callers do.
const adviceKeys = "set Config.Keys to a jwks.Cache with the key set's URL"

// A misplaced error says that an issuer answers, but not with what was looked
// for and has never been seen. It begins with what to do, since the answers may
// be long.
type misplaced struct {
	advice string
	err    error
}

func (e *misplaced) Error() string { return e.advice + ": " + e.err.Error() }
func (e *misplaced) Unwrap() error { return e.err }

// isMistake tells a wrong address from an issuer that can't answer now.
func isMistake(err error) bool {
	m := (*misplaced)(nil)
	return errors.As(err, &m)
}

// metadataURLs are those of OpenID Connect Discovery 1.0, Section 4 and RFC
// 8414, Section 3.1: the one goes to the end of the issuer's path, the other to
// its beginning. Or it is the one that is configured.
func (cfg *Config) metadataURLs() []string {
	if cfg.MetadataURL != "" {
		return []string{cfg.MetadataURL}
	}
	issuer := strings.TrimSuffix(cfg.Issuer, "/")
	origin, path := issuer, ""
	if start := strings.Index(issuer, "://") + len("://"); strings.Contains(issuer[start:], "/") {
		slash := start + strings.Index(issuer[start:], "/")
		origin, path = issuer[:slash], issuer[slash:]
	}
	return []string{
		issuer + "/.well-known/openid-configuration",
		origin + "/.well-known/oauth-authorization-server" + path,
	}
}

// isOutage tells an issuer that can't answer now from one that answers
// something else.
func isOutage(err error) bool {
	if status := (*statusError)(nil); errors.As(err, &status) {
		return status.code >= 500 || status.code == http.StatusTooManyRequests
	}
	return !errors.Is(err, errMetadata)
}

// maxURL is the length of the longest jwks_uri.
const maxURL = 2 << 10

var errMetadata = errors.New("not the issuer's metadata")

// An otherIssuerError is the reason not to believe metadata of another issuer.
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
	members, err := jose.ParseObject(nil, document, jose.DocumentLimits)
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
	// What is said over TLS must not lead away from it, nor to this host.
	if u.Scheme == "http" && !strings.HasPrefix(strings.ToLower(url), "http:") {
		return "", fmt.Errorf("%w: its jwks_uri is http, on %q", errMetadata, u.Hostname())
	}
	return strings.Clone(raw), nil
}
