package conform

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A Target describes the API under test. The zero Target but for its URL is an
// API that accepts tokens of the type JWT for [mockissuer.DefaultAudience].
type Target struct {
	_ [0]func()

	// URL is where the API is. A request with a good token must be answered
	// with a status of 2xx. [Run] sets it if there is a Handler.
	URL string
	// Handler returns the API for [Run], which serves it on a loopback port.
	// The API must accept the tokens of the issuer for Audience.
	Handler func(*testutil.Issuer) http.Handler
	// FollowsClock says that the API has the issuer's clock, as it does by
	// [testutil.Issuer.Config]. Time then passes without waiting.
	FollowsClock bool

	// Method, Header and Body are those of each request. If Method is empty, it
	// is GET. Header must not have an Authorization field.
	Method string
	Header http.Header
	Body   string

	// Audience is what names the API in a token. If empty, it is
	// [mockissuer.DefaultAudience].
	Audience string
	// Scope is what the API requires of a token, separated by spaces. If empty,
	// there is none, and no case about scopes.
	Scope string
	// Profile is the form of the tokens. If empty, it is [ProfileJWT].
	Profile Profile

	// DPoP says that the API accepts tokens that are bound to a key (RFC 9449).
	DPoP bool
	// MTLS says that the API accepts tokens that are bound to a certificate
	// (RFC 8705). URL must be https, and the API must request a certificate of
	// its clients.
	MTLS bool
	// Metadata says that the API has protected resource metadata (RFC 9728).
	// [ProfileMCP] requires it.
	Metadata bool

	// RootCAs verify the certificate of the API. If nil, the system's are used.
	RootCAs *x509.CertPool
	// Certificate is the certificate of the client, for MTLS. If nil, it is one
	// that no authority has signed.
	Certificate *tls.Certificate `json:"-"`

	// Log is the file that the API logs to. What it has when the run begins is
	// not read. If empty, there are no cases about it.
	Log string
	// Slow adds the cases that wait for the API's cache of keys: up to half an
	// hour, unless FollowsClock is set.
	Slow bool
	// Patience is how long an API may take to accept a token of a new key. If
	// zero, [DefaultPatience] is used.
	Patience time.Duration
	// Only are the ids or groups of the cases to run. If empty, all are.
	Only []string
}

// DefaultPatience is longer than the pause of common caches between two fetches
// for unknown keys.
const DefaultPatience = 75 * time.Second

// check joins all faults of target.
func (target Target) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("conform: "+format, args...)) }

	u, err := url.Parse(target.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "":
		wrong("the URL of the API is an http or https URL, such as http://127.0.0.1:8080/orders")
	case target.MTLS && u.Scheme != "https":
		wrong("MTLS needs an https URL")
	case strings.Contains(u.RawQuery, "access_token"):
		wrong("the URL of the API has an access token")
	}
	if _, ok := target.Profile.form(); !ok {
		wrong("there is no profile %q, want one of %s", target.Profile, profileNames())
	}
	if target.Profile == ProfileFAPI2 && !target.DPoP {
		wrong("the profile %s is tried with DPoP: set DPoP", ProfileFAPI2)
	}
	if target.Header.Get("Authorization") != "" || target.Header.Get("DPoP") != "" {
		wrong("Authorization and DPoP are fields of the cases")
	}
	if target.Patience < 0 {
		wrong("Patience is negative")
	}
	for _, only := range target.Only {
		if !slices.ContainsFunc(target.withDefaults().checks(nil), func(c check) bool { return c.only([]string{only}) }) {
			wrong("there is no case and no group %q for this target", only)
		}
	}
	return errors.Join(errs...)
}

func (target Target) withDefaults() Target {
	if target.Method == "" {
		target.Method = http.MethodGet
	}
	if target.Audience == "" {
		target.Audience = mockissuer.DefaultAudience
	}
	if target.Profile == "" {
		target.Profile = ProfileJWT
	}
	if target.Patience == 0 {
		target.Patience = DefaultPatience
	}
	if target.Profile == ProfileMCP {
		target.Metadata = true
	}
	return target
}

// Cases returns the cases for target, in the order in which they are run.
func Cases(target Target) []Case {
	var list []Case
	for _, c := range target.withDefaults().checks(nil) {
		if c.only(target.Only) && (target.Slow || !c.Slow) {
			list = append(list, c.Case)
		}
	}
	return list
}
