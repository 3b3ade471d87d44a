package issuers

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// args collects what is wrong with the arguments of a function.
type args struct {
	function string
	errs     []error
}

func (a *args) wrong(format string, values ...any) {
	a.errs = append(a.errs, fmt.Errorf("issuers: "+a.function+": "+format, values...))
}

// word requires a text that can stand in a URL as it is.
func (a *args) word(name, value string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.", r)
	}
	if strings.TrimFunc(value, plain) != "" || strings.Trim(value, ".") == "" {
		a.wrong("%s is %q, want letters, digits, hyphens, underscores and dots", name, value)
	}
	return value
}

// host requires the name of a host, perhaps with a port. As [validator.Auth0]
// does, it forgives a scheme, capitals, spaces around it and a slash at its
// end.
func (a *args) host(name, value string) string {
	host := bare(value)
	if host == "" || strings.ContainsAny(host, "/?#@ ") {
		a.wrong("%s is %q, want a host such as login.example.com", name, value)
	}
	return host
}

// bare returns the host of what may be written as a URL.
func bare(value string) string {
	host := strings.ToLower(strings.TrimSpace(value))
	host = strings.TrimPrefix(strings.TrimPrefix(host, "https://"), "http://")
	return strings.TrimRight(host, "/")
}

// some requires one value at least, and none that is empty.
func (a *args) some(name, why string, values []string) {
	if len(values) == 0 {
		a.wrong("no %s is named: %s", name, why)
	}
	for _, value := range values {
		if value == "" {
			a.wrong("a %s is empty", name)
		}
	}
}

// discovered returns cfg, whose keys are found by the issuers' names.
func (a *args) discovered(cfg validator.Config) (validator.Config, error) {
	if len(a.errs) > 0 {
		return validator.Config{}, errors.Join(a.errs...)
	}
	return cfg, nil
}

// with returns cfg with the keys at a URL.
func (a *args) with(cfg validator.Config, url string) (validator.Config, error) {
	return a.keys(cfg, jwks.Config{Issuer: cfg.Issuers[0], URL: url})
}

// keys returns cfg with the keys of a cache.
func (a *args) keys(cfg validator.Config, keys jwks.Config) (validator.Config, error) {
	if len(a.errs) > 0 {
		return validator.Config{}, errors.Join(a.errs...)
	}
	cache, err := jwks.NewCache(keys)
	if err != nil {
		a.wrong("%w", err)
		return validator.Config{}, errors.Join(a.errs...)
	}
	cfg.Keys = cache
	return cfg, nil
}
