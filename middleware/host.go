package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/validator"
)

// checkHost requires that a token is used on the domain of its issuer.
func (a *Authenticator) checkHost(r *http.Request, claims *validator.Claims) error {
	if a.cfg.IssuerForHost == nil {
		return nil
	}
	origin, err := a.cfg.Origin(r)
	if err != nil {
		return refusal(validator.CodeRequest, err)
	}
	host := hostname(origin)
	if host == "" {
		return &validator.Error{Code: validator.CodeIssuer, Issuer: claims.Issuer, Err: errHost}
	}
	want := a.cfg.IssuerForHost(host)
	if want != "" && want == claims.Issuer {
		return nil
	}
	return &validator.Error{
		Code:   validator.CodeIssuer,
		Issuer: claims.Issuer,
		Err:    fmt.Errorf("on the host %q, tokens must be of the issuer %q", show.Cut(host, maxValue), want),
	}
}

var errHost = errors.New("the origin of the request has no host that can be read")

// hostname returns the host name of an origin in lower case, without its port
// and without a final dot. It returns "" if that is neither an ASCII DNS name
// nor an address. Other letters may become ASCII in lower case, and a zone or a
// second port may contain anything.
func hostname(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() || addr.Zone() != "" {
			return ""
		}
		return strings.ToLower(host)
	}
	host = strings.TrimSuffix(host, ".")
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.ContainsFunc(label, func(c rune) bool {
			return c > '~' || !isAlphanumeric(byte(c)) && c != '-' && c != '_'
		}) {
			return ""
		}
	}
	return strings.ToLower(host)
}
