package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// maxMinted is the length of the page's longest token. By default, validators
// reject much shorter ones. A longer one could not be pasted into the form.
const maxMinted = 32 << 10

// algorithms are those available for the tokens of every API, since the issuer
// makes the key. HS256 is not among them, because it needs a secret that the
// API knows. An API with a secret uses it unless the form says otherwise.
func algorithms() []string {
	return jose.PublicKeyAlgorithms()
}

func (p page) mint(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	token, reason, err := p.tokenFor(r)
	v := p.view(r)
	if err != nil {
		v.fail(err)
		p.show(w, r, v)
		return
	}
	p.logMinted(r)
	v.Minted, v.Reason = token, reason
	v.Curl = "curl -i http://127.0.0.1:8080/orders -H " + shell("Authorization: Bearer "+token)
	p.explainTo(v, r, token)
	p.show(w, r, v)
}

// logMinted writes the line that the token endpoint would write. It quotes only
// existing names of the form, never free text.
func (p page) logMinted(r *http.Request) {
	form := r.PostForm
	attrs := []slog.Attr{slog.String("grant", "page")}
	if bad := form.Get("bad"); bad != "" {
		attrs = append(attrs, slog.String("bad", bad), slog.String("for", form.Get("audience")))
	} else {
		what := form.Get("audience")
		if user := form.Get("user"); user != "" {
			what += " as " + user
		}
		if org := form.Get("organization"); org != "" {
			what += " in " + org
		}
		attrs = append(attrs, slog.String("client", form.Get("client")), slog.String("for", what))
	}
	p.iss.Config().Logger.LogAttrs(r.Context(), slog.LevelInfo, "token issued", attrs...)
}

// tokenFor makes the token that the form describes. If a bad one was requested,
// it also returns what is wrong with it.
func (p page) tokenFor(r *http.Request) (token, reason string, err error) {
	form := r.PostForm
	audience := form.Get("audience")
	if name := form.Get("bad"); name != "" {
		return p.badToken(name, audience)
	}

	access := mockissuer.Access{
		Client: form.Get("client"), User: form.Get("user"), Audience: audience,
		Organization: form.Get("organization"), Scopes: strings.Fields(form.Get("scope")), Algorithm: form.Get("algorithm"),
	}
	if lifetime := strings.TrimSpace(form.Get("lifetime")); lifetime != "" {
		if access.Lifetime, err = time.ParseDuration(lifetime); err != nil {
			return "", "", &mistake{"lifetime", fmt.Errorf("%q is not a lifetime: try 90m, or -1h for an expired token", lifetime)}
		}
	}
	if access.Claims, err = claimsOf(form.Get("claims")); err != nil {
		return "", "", &mistake{"claims", err}
	}
	token, err = p.iss.Issue(access)
	if len(token) > maxMinted {
		return "", "", fmt.Errorf("the token would have %d bytes, more than %d", len(token), maxMinted)
	}
	return token, "", err
}

func (p page) badToken(name, audience string) (token, reason string, err error) {
	if !slices.ContainsFunc(p.iss.Config().APIs, func(a mockissuer.API) bool { return a.Identifier == audience }) {
		return "", "", fmt.Errorf("there is no API %q", audience)
	}
	list, err := p.iss.BadTokens(audience)
	if err != nil {
		return "", "", err
	}
	n := slices.IndexFunc(list, func(b mockissuer.BadToken) bool { return b.Name == name })
	if n < 0 {
		return "", "", fmt.Errorf("there is no bad token %q", name)
	}
	return list[n].Token, list[n].Reason, nil
}

// claimsOf reads a JSON object as strictly as a validator reads claims. With a
// name that occurs twice, the token would differ from the text, since only one
// of the two could get into it. Values keep their form, such as numbers with
// all their digits.
func claimsOf(text string) (map[string]any, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	members, err := jose.ParseObject(nil, text, jose.TokenLimits)
	if err != nil {
		return nil, fmt.Errorf("this is not a JSON object for a token: %w", err)
	}

	claims := make(map[string]any, len(members))
	for _, m := range members {
		claims[m.Name] = json.RawMessage(m.Value.Raw())
		if m.Value.Kind() == jose.KindNull {
			claims[m.Name] = nil
		}
	}
	return claims, nil
}
