package jwks

import (
	"net/http"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/seconds"
)

// lifetime returns how long a response with this header is valid, and for how
// much longer if the issuer can't be reached. It reports whether the header
// says so.
func (cfg *Config) lifetime(h http.Header) (ttl, stale time.Duration, said bool) {
	ttl, stale = cfg.TTL, cfg.MaxStale
	maxAge, staleIfError, none := cacheControl(h)
	switch {
	case none:
		maxAge = 0
	case maxAge >= 0:
		// RFC 9111, Section 4.2: some of the lifetime has passed in other
		// caches.
		maxAge = max(0, maxAge-seconds.Age(h))
	}
	if maxAge >= 0 {
		ttl = min(max(maxAge, cfg.MinTTL), cfg.MaxTTL)
	}
	if staleIfError >= 0 {
		stale = min(max(staleIfError, minStale), cfg.MaxStale)
	}
	return ttl, stale, maxAge >= 0 || staleIfError >= 0
}

// minStale is the least that an issuer's stale-if-error can set. It takes about
// an hour to notice an outage and end it.
const minStale = time.Hour

// cacheControl reads the directives of RFC 9111, Section 5.2.2, and RFC 5861,
// Section 4. A missing value is negative. Of a directive that repeats, the
// lowest value is used.
func cacheControl(h http.Header) (maxAge, staleIfError time.Duration, none bool) {
	maxAge, staleIfError = -1, -1
	for _, field := range h.Values("Cache-Control") {
		for _, directive := range directives(field) {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "max-age":
				maxAge = lower(maxAge, deltaSeconds(strings.Trim(value, `"`)))
			case "stale-if-error":
				staleIfError = lower(staleIfError, deltaSeconds(strings.Trim(value, `"`)))
			case "no-store", "no-cache":
				none = true
			}
		}
	}
	return maxAge, staleIfError, none
}

// directives splits a field at its commas, except at those within quoted
// strings (RFC 9110, Section 5.6.4).
func directives(field string) []string {
	var list []string
	quoted, escaped, start := false, false, 0
	for i, c := range []byte(field) {
		switch {
		case escaped:
			escaped = false
		case c == '"':
			quoted = !quoted
		case quoted:
			escaped = c == '\\'
		case c == ',':
			list = append(list, field[start:i])
			start = i + 1
		}
	}
	return append(list, field[start:])
}

func lower(a, b time.Duration) time.Duration {
	if a < 0 || b < 0 {
		return max(a, b)
	}
	return min(a, b)
}

// deltaSeconds reads a delta-seconds. It returns −1 for any other text.
func deltaSeconds(s string) time.Duration {
	if d, ok := seconds.Parse(s); ok {
		return d
	}
	return -1
}
