package mockissuer

import (
	"net/http"
	"net/url"
	"strings"
)

// crossOrigin allows single-page applications to call the issuer if their
// origin is that of a client's callback. It reports whether r was only the
// browser's preflight.
func (iss *Issuer) crossOrigin(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); origin != "" && iss.callsFrom(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "DPoP-Nonce, WWW-Authenticate")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP, Auth0-Client")
			h.Set("Access-Control-Max-Age", "600")
		}
	}
	if r.Method != http.MethodOptions {
		return false
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (iss *Issuer) callsFrom(origin string) bool {
	for _, c := range iss.cfg.Clients {
		for _, callback := range c.Callbacks {
			u, err := url.Parse(callback)
			if err == nil && callbackMatches(u.Scheme+"://"+u.Host, origin) {
				return true
			}
		}
	}
	return false
}

// callbackMatches reports whether a requested callback is the allowed one.
func callbackMatches(allowed, asked string) bool {
	if allowed == asked {
		return true
	}
	a, err := url.Parse(allowed)
	if err != nil || a.Port() != "" || a.Scheme != "http" {
		return false
	}
	if host := a.Hostname(); host != "localhost" && host != "127.0.0.1" && host != "::1" {
		return false
	}
	q, err := url.Parse(asked)
	if err != nil || q.User != nil {
		return false
	}
	// RFC 8252, Section 7.3: any port of a loopback address.
	return a.Scheme == q.Scheme && a.Hostname() == q.Hostname() && a.Path == q.Path && a.RawQuery == q.RawQuery &&
		a.RawPath == q.RawPath && !strings.Contains(asked, "#")
}
