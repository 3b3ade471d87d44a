package middleware

import (
	"errors"
	"fmt"

	"github.com/rsguard/rsguard/internal/isnil"
	"github.com/rsguard/rsguard/internal/secureurl"
)

func (cfg Config) check() error {
	var errs []error
	if isnil.Value(cfg.Validator) {
		errs = append(errs, errors.New("middleware: Config.Validator is nil"))
	}
	if !isPrintable(cfg.Realm) {
		errs = append(errs, fmt.Errorf("middleware: Config.Realm %q has characters that are not printable ASCII", cfg.Realm))
	}
	if err := checkURL(cfg.ResourceMetadata); cfg.ResourceMetadata != "" && err != nil {
		errs = append(errs, fmt.Errorf("middleware: Config.ResourceMetadata %w", err))
	}
	return errors.Join(errs...)
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// checkURL says what keeps s from naming an API, an issuer or a document in public, and in a challenge.
func checkURL(s string) error {
	if !isValue(s) {
		return errors.New("has characters that no URL has")
	}
	_, err := secureurl.Parse(s)
	return err
}
