package middleware

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// checkHost demands that a token is used on the domain that its issuer is for.
func (a *Authenticator) checkHost(r *http.Request, claims *validator.Claims) error {
	if a.cfg.IssuerForHost == nil {
		return nil
	}
	host := hostname(r.Host)
	want := a.cfg.IssuerForHost(host)
	if want != "" && want == claims.Issuer {
		return nil
	}
	return &validator.Error{
		Code:   validator.CodeIssuer,
		Issuer: claims.Issuer,
		Err:    fmt.Errorf("on the host %q tokens are to be of the issuer %q", cut(host, maxValue), want),
	}
}

// hostname returns the name in a Host field: without its port, in lower case, without the dot that may end it.
func hostname(host string) string {
	name := (&url.URL{Host: host}).Hostname()
	return strings.TrimSuffix(strings.ToLower(name), ".")
}
