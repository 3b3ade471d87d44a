package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/jwks"
)

var discard = slog.New(slog.DiscardHandler)

// The settings of a service, as doctor reads them from flags and from a file.
type settings struct {
	Issuers       []string              `yaml:"issuers"`
	Audiences     []string              `yaml:"audiences"`
	Algorithms    []string              `yaml:"algorithms"`
	AudienceClaim string                `yaml:"audience_claim"`
	Leeway        time.Duration         `yaml:"leeway"`
	RFC9068       bool                  `yaml:"rfc9068"`
	SkipTypeCheck bool                  `yaml:"insecure_skip_type_check"`
	KeySet        string                `yaml:"jwks"`
	Metadata      string                `yaml:"metadata"`
	Fallbacks     []string              `yaml:"fallbacks"`
	InsecureHTTP  bool                  `yaml:"insecure_http"`
	Timeout       time.Duration         `yaml:"timeout"`
	CA            string                `yaml:"ca"`
	Introspection introspectionSettings `yaml:"introspection"`
}

type introspectionSettings struct {
	Endpoint        string `yaml:"endpoint"`
	ClientID        string `yaml:"client_id"`
	SecretFile      string `yaml:"client_secret_file"`
	Post            bool   `yaml:"client_secret_post"`
	KeyFile         string `yaml:"client_key_file"`
	KeyID           string `yaml:"client_key_id"`
	CertificateFile string `yaml:"client_certificate_file"`
}

// asks reports whether an introspection endpoint is to be asked.
func (s *introspectionSettings) asks() bool { return *s != introspectionSettings{} }

func readSettings(args []string, errOut io.Writer) (settings, error) {
	var file string
	var byFlags settings
	flags := byFlags.flags(&file)
	if err := parse(flags, args, errOut, 0); err != nil {
		return settings{}, err
	}
	var s settings
	if file != "" {
		text, err := readFile("-config", file)
		if err != nil {
			return settings{}, err
		}
		if err := parseYAML(text, &s); err != nil {
			return settings{}, misuse("-config %s: %s", file, err)
		}
	}
	// Once more, over what the file says. It can't fail: it did not before.
	if err := parse(s.flags(&file), args, errOut, 0); err != nil {
		return settings{}, err
	}
	return s, s.complete()
}

func (s *settings) flags(file *string) *flag.FlagSet {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	text := func(to *string, name, about string) { flags.StringVar(to, name, *to, about) }
	list := func(to *[]string, name, about string) {
		flags.Func(name, about, func(value string) error {
			if !slices.Contains(*to, value) {
				*to = append(*to, value)
			}
			return nil
		})
	}
	text(file, "config", "read these settings from a YAML `file`, whose members docs/doctor.md lists")
	list(&s.Issuers, "issuer", "an `issuer` of validator.Config.Issuers; may be repeated")
	list(&s.Audiences, "audience", "an `identifier` of validator.Config.Audiences; may be repeated")
	list(&s.Algorithms, "algorithm", "an `algorithm` of validator.Config.Algorithms, in place of RS256; may be repeated")
	text(&s.AudienceClaim, "audience-claim", "the `claim` of validator.Config.AudienceClaim")
	flags.DurationVar(&s.Leeway, "leeway", s.Leeway, "validator.Config.Leeway; 30s if it is left out")
	flags.BoolVar(&s.RFC9068, "rfc9068", s.RFC9068, "validator.Config.RequireRFC9068")
	flags.BoolVar(&s.SkipTypeCheck, "insecure-skip-type-check", s.SkipTypeCheck, "validator.Config.InsecureSkipTypeCheck")
	text(&s.KeySet, "jwks", "the `URL` of jwks.Config.URL; by discovery if it is left out")
	text(&s.Metadata, "metadata", "the `URL` of jwks.Config.MetadataURL")
	list(&s.Fallbacks, "fallback", "a `URL` of jwks.Config.FallbackURLs; may be repeated")
	flags.BoolVar(&s.InsecureHTTP, "insecure-http", s.InsecureHTTP, "validator.Config.InsecureHTTP, or that of jwks.Config")
	flags.DurationVar(&s.Timeout, "timeout", s.Timeout, "jwks.Config.Timeout; 5s if it is left out")
	text(&s.CA, "ca", "trust the authorities in this PEM `file`, beside those of the system")
	text(&s.Introspection.Endpoint, "introspection", "the `URL` of introspection.Config.Endpoint")
	text(&s.Introspection.ClientID, "client-id", "the `name` of introspection.Config.ClientID. Without -introspection, the endpoint is discovered")
	text(&s.Introspection.SecretFile, "client-secret-file", "a `file` with the client's secret")
	flags.BoolVar(&s.Introspection.Post, "client-secret-post", s.Introspection.Post, "send the secret in the form (introspection.ClientSecretPost), and not by Basic")
	text(&s.Introspection.KeyFile, "client-key-file", "a PEM `file` with the private key of introspection.PrivateKeyJWT, or of -client-certificate-file")
	text(&s.Introspection.KeyID, "client-key-id", "the `kid` of introspection.PrivateKeyJWT")
	text(&s.Introspection.CertificateFile, "client-certificate-file", "a PEM `file` with the certificate of introspection.ClientCertificate, and those between it and its authority")
	flags.Usage = doctorUsage(flags)
	return flags
}

// complete finds what is missing, without which nothing can be checked.
func (s *settings) complete() error {
	in := &s.Introspection
	switch {
	case len(s.Issuers) == 0:
		return misuse("-issuer is missing")
	case len(s.Audiences) == 0:
		return misuse("-audience is missing")
	case s.KeySet != "" && s.Metadata != "":
		return misuse("-jwks and -metadata exclude each other")
	case s.Metadata != "" && len(s.Issuers) > 1:
		return misuse("-metadata is for one -issuer, and there are %d", len(s.Issuers))
	case len(s.Fallbacks) > 0 && len(s.Issuers) > 1 && s.KeySet == "":
		return misuse("-fallback is for one -issuer, and there are %d", len(s.Issuers))
	case s.Timeout < 0:
		return misuse("-timeout %v is negative", s.Timeout)
	}
	if err := in.complete(); err != nil {
		return err
	}
	for _, alg := range s.Algorithms {
		if strings.HasPrefix(alg, "HS") {
			return misuse("-algorithm %s is for a shared secret, so there is no issuer to ask for keys", quoted(alg))
		}
	}
	if s.Timeout == 0 {
		s.Timeout = jwks.DefaultTimeout
	}
	return nil
}

func (s *introspectionSettings) complete() error {
	switch {
	case !s.asks():
	case s.ClientID == "" || s.SecretFile == "" && s.KeyFile == "" && s.CertificateFile == "":
		return misuse("to ask the introspection endpoint, both -client-id and its credentials are needed: " +
			"-client-secret-file, -client-key-file, or -client-certificate-file with -client-key-file")
	case s.SecretFile != "" && (s.KeyFile != "" || s.CertificateFile != ""):
		return misuse("-client-secret-file and -client-key-file exclude each other")
	case s.CertificateFile != "" && s.KeyFile == "":
		return misuse("-client-certificate-file needs its key, -client-key-file")
	case s.KeyID != "" && (s.KeyFile == "" || s.CertificateFile != ""):
		return misuse("-client-key-id is the kid of assertions, so it is for -client-key-file without a certificate")
	case s.Post && s.SecretFile == "":
		return misuse("-client-secret-post is for -client-secret-file")
	}
	return nil
}

// count writes how many there are of a thing.
func count(n int, what string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}
