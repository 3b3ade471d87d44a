package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// doctor runs the command of that name.
func doctor(ctx context.Context, args []string, _ io.Reader, out, errOut io.Writer) error {
	s, err := readSettings(args, errOut)
	if err != nil {
		return err
	}
	d := &examiner{settings: s, now: time.Now}
	if s.CA != "" {
		text, err := readFile("-ca", s.CA)
		if err != nil {
			return err
		}
		// What the system trusts counts too, as it usually does in the service.
		if d.roots, err = x509.SystemCertPool(); err != nil {
			d.roots = x509.NewCertPool()
		}
		if !d.roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("-ca %s has no certificate in PEM", s.CA)
		}
	}
	var client credentials
	if s.Introspection.asks() {
		if client, err = s.Introspection.read(); err != nil {
			return err
		}
	}

	for _, address := range slices.Concat(s.Issuers, s.Fallbacks, []string{s.KeySet, s.Metadata, s.Introspection.Endpoint}) {
		d.report.hide(address)
	}
	d.configuration()
	var sets []jwks.Set // one for each issuer, which is nil if there is none
	for _, issuer := range s.Issuers {
		sets = append(sets, d.issuer(ctx, issuer))
	}
	d.issuersTogether(sets)
	d.audiences()
	d.introspection(ctx, client)
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := io.WriteString(out, d.report.text()); err != nil {
		return err
	}
	if d.report.count(change) > 0 {
		return errTold
	}
	return nil
}

// An examiner asks the services of a configuration, and writes a report.
type examiner struct {
	settings
	roots    *x509.CertPool // nil for the system's
	metadata []byte         // of the first issuer, or nil
	now      func() time.Time
	report   report
}

// configuration finds what validator.New finds when the service starts.
func (d *examiner) configuration() {
	d.report.begin("configuration")
	if err := d.settings.check(); err != nil {
		for line := range strings.SplitSeq(inFlags(err.Error()), "\n") {
			d.report.add(change, "settings", line, "correct it: the service would not start")
		}
		return
	}
	var algorithms []string
	for _, alg := range d.algorithms() {
		algorithms = append(algorithms, string(alg))
	}
	d.report.add(good, "settings", fmt.Sprintf("%s, tokens signed by %s, clocks may differ by %v",
		count(len(d.Issuers), "issuer"), strings.Join(algorithms, ", "), d.leeway()), "")
	if d.InsecureHTTP {
		d.report.add(consider, "settings", "keys are fetched over http",
			"use https, and leave out -insecure-http: an attacker on the network can replace the keys, and sign any token")
	}
	if d.SkipTypeCheck {
		d.report.add(consider, "settings", "tokens of every type are accepted, ID tokens of all clients included",
			"leave out -insecure-skip-type-check, unless the issuer uses its ID tokens as access tokens")
	}
}

// config is the Config that the service would have.
func (s *settings) config() validator.Config {
	cfg := validator.Config{
		Issuers: s.Issuers, Audiences: s.Audiences, Leeway: s.Leeway, RequireRFC9068: s.RFC9068,
		InsecureSkipTypeCheck: s.SkipTypeCheck, AudienceClaim: s.AudienceClaim,
	}
	for _, alg := range s.Algorithms {
		cfg.Algorithms = append(cfg.Algorithms, validator.Algorithm(alg))
	}
	if s.KeySet == "" && s.Metadata == "" {
		cfg.InsecureHTTP = s.InsecureHTTP // otherwise it is the Cache's
	}
	return cfg
}

// check joins all faults of s.
func (s *settings) check() error {
	cfg := s.config()
	for _, issuer := range s.Issuers {
		keys, err := jwks.NewCache(s.cache(issuer))
		if err != nil {
			return err
		}
		if s.KeySet != "" || s.Metadata != "" {
			cfg.Keys = keys
		}
	}
	_, err := validator.New(cfg)
	return err
}

// cache is the Config of the keys of an issuer.
func (s *settings) cache(issuer string) jwks.Config {
	return jwks.Config{
		Issuer: issuer, URL: s.KeySet, MetadataURL: s.Metadata, FallbackURLs: s.Fallbacks,
		InsecureHTTP: s.InsecureHTTP, Timeout: s.Timeout, Logger: discard,
	}
}

func (s *settings) algorithms() []validator.Algorithm {
	if len(s.Algorithms) == 0 {
		return []validator.Algorithm{validator.RS256}
	}
	return s.config().Algorithms
}

func (s *settings) leeway() time.Duration {
	if s.Leeway == 0 {
		return validator.DefaultLeeway
	}
	return max(s.Leeway, 0)
}

// issuersTogether looks at what several issuers have in common.
func (d *examiner) issuersTogether(sets []jwks.Set) {
	if len(d.Issuers) < 2 {
		return
	}
	d.report.begin("all issuers")
	for i, a := range d.Issuers {
		for _, b := range d.Issuers[i+1:] {
			if difference := secureurl.Difference(a, b); difference != "" {
				d.report.add(consider, "names", fmt.Sprintf("%q and %q: %s", a, b, difference), "leave out the one that tokens don't have")
			}
		}
	}
	if d.KeySet != "" {
		d.report.add(consider, "keys", "all issuers have the keys of -jwks, so each can sign tokens of the others",
			"leave out -jwks if they can be discovered, or use a Validator for each issuer (validator.NewMux)")
		return
	}
	if slices.ContainsFunc(sets, func(s jwks.Set) bool { return s == nil }) {
		return
	}
	for i, set := range sets[1:] {
		if !sameKeys(sets[0], set) {
			d.report.add(consider, "keys", fmt.Sprintf("%s and %s have different keys, so they are not domains of one tenant", d.Issuers[0], d.Issuers[i+1]),
				"if they have other users or other rules, use a Validator for each issuer (validator.NewMux)")
			return
		}
	}
	d.report.add(good, "keys", "they have the same keys, as the domains of one tenant do", "")
}

func sameKeys(a, b jwks.Set) bool { return len(lacking(a, b)) == 0 && len(lacking(b, a)) == 0 }

// lacking returns the keys of a that b lacks.
func lacking(a, b jwks.Set) (keys []jwks.Key) {
	for _, key := range a {
		if !slices.ContainsFunc(b, func(other jwks.Key) bool { return key.ID == other.ID && samePublic(key, other) }) {
			keys = append(keys, key)
		}
	}
	return keys
}

func samePublic(a, b jwks.Key) bool {
	public, ok := a.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(b.Public)
}

// doctorUsage is the head of -h.
func doctorUsage(flags *flag.FlagSet) func() {
	return func() {
		fmt.Fprint(flags.Output(), `usage: rsguard doctor [-config FILE] [flags]
Checks a service's configuration against its live issuer, and says what to change.
Exits with 0 if nothing must be changed, with 1 if something must, and with 2 if
the command line is not understood. Flags add to the lists of -config.
`)
		flags.PrintDefaults()
	}
}
