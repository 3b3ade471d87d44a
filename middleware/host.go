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
	origin, err := a.origin(r)
	if err != nil {
		return err
	}
	host := hostname(origin)
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

// hostname returns the name of an origin's host: without its port, in lower case, without the dot that may end it. It is
// empty if that isn't an origin, or not in ASCII: there are letters beyond it that become ASCII in lower case.
func hostname(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || !isPrintable(u.Hostname()) {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}
