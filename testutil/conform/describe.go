package conform

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// describe returns req without its secrets: of a token, the header and the
// claims are shown, and of its signature the length.
func describe(req *http.Request) string {
	var text strings.Builder
	target := req.URL.RequestURI()
	if before, token, ok := strings.Cut(target, "access_token="); ok {
		target = before + "access_token=" + redact(token)
	}
	fmt.Fprintf(&text, "%s %s", req.Method, cut(target, 500))
	for _, name := range []string{"Authorization", "Dpop"} {
		for _, field := range req.Header[name] {
			fmt.Fprintf(&text, "\n%s: %s", strings.Replace(name, "Dpop", "DPoP", 1), redactField(field))
		}
	}
	return text.String()
}

// redactField redacts the words of a field that are longer than a scheme.
func redactField(field string) string {
	words := strings.Split(field, " ")
	for i, word := range words {
		for _, part := range strings.Split(word, ",") {
			if len(part) >= 16 {
				words[i] = strings.Replace(words[i], part, redact(part), 1)
			}
		}
	}
	return cut(strings.Join(words, " "), 2000)
}

// redact returns the readable parts of a token.
func redact(token string) string {
	parts := strings.Split(cutBytes(token, 8<<10), ".")
	if len(parts) < 2 || len(parts) > 5 {
		return fmt.Sprintf("⟨%d bytes⟩", len(token))
	}
	for i, part := range parts {
		if i < 2 {
			text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
			if err == nil && len(text) > 0 && !slices.ContainsFunc(text, func(b byte) bool { return b < ' ' || b > '~' }) {
				parts[i] = cut(string(text), 600)
				continue
			}
		}
		parts[i] = fmt.Sprintf("⟨%d bytes⟩", len(part))
	}
	return strings.Join(parts, " . ")
}

func cutBytes(text string, most int) string { return text[:min(len(text), most)] }
