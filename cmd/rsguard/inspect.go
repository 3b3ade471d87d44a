package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// inspect returns the header and payload of a token for a person to read. It
// verifies nothing and tolerates what it can. The signature is left out.
func inspect(token string) (header, payload string) {
	head, rest, _ := strings.Cut(token, ".")
	body, _, ok := strings.Cut(rest, ".")
	if !ok || strings.Count(rest, ".") > 1 {
		return "", ""
	}
	return readable(head), readable(body)
}

func readable(segment string) string {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(segment, "="))
	if err != nil || !utf8.Valid(raw) {
		return ""
	}
	const limit = 8 << 10
	if len(raw) > limit {
		return string(bytes.ToValidUTF8(raw[:limit], nil)) + " …"
	}
	var indented bytes.Buffer
	if json.Indent(&indented, raw, "", "  ") != nil {
		return string(raw)
	}
	return indented.String()
}
