package clientauth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The secrets are what of a request must not get into a text. A server or a
// proxy may send it back, in the form in which it came or another.
type secrets []string

func secretsOf(h http.Header, form url.Values) secrets {
	var found []string
	for _, name := range []string{"client_secret", "client_assertion", "subject_token", "actor_token", "assertion"} {
		found = append(found, form[name]...)
	}
	if _, credentials, ok := strings.Cut(h.Get("Authorization"), " "); ok {
		found = append(found, credentials)
		if both, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			_, secret, _ := strings.Cut(string(both), ":")
			found = append(found, secret)
			if decoded, err := url.QueryUnescape(secret); err == nil {
				found = append(found, decoded)
			}
		}
	}
	var all secrets
	for _, secret := range found {
		all = append(all, secret, url.QueryEscape(secret), url.PathEscape(secret))
		if text, err := json.Marshal(secret); err == nil {
			all = append(all, string(text[1:len(text)-1]), strings.ReplaceAll(secret, `"`, `\"`))
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	// The longest first, so that no part of one is left.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// said returns a text of another's, cut, and without the secrets.
func (s secrets) said(text string) string {
	for _, secret := range s {
		text = without(secret, text)
	}
	return cut(text)
}

// recognized is how many bytes of a secret are enough to know it, since texts
// are cut.
const recognized = 16

// without returns text with a mark in place of a secret, or of as much of its
// beginning as there is.
func without(secret, text string) string {
	head := secret[:min(len(secret), recognized)]
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, head)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("[secret]")
		rest := secret[len(head):]
		n := 0
		for n < min(len(after), len(rest)) && after[n] == rest[n] {
			n++
		}
		text = after[n:]
	}
}
