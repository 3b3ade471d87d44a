// Package show writes values that hold secrets as text, without them.
//
// A type with secrets has a method LogValue, which lists what may be shown, and
// a method Format, which calls [Format] with that. Packages fmt and log/slog
// then show the same, whatever the verb and the handler.
package show

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Format writes the name of a type and the members of the group v, as in
// validator.Config{issuers:["https://a/"] leeway:30s}. It ignores the verb and
// its flags, since %x and %#v would otherwise show more than %v.
func Format(f fmt.State, name string, v slog.Value) {
	text := append([]byte(name), '{')
	for i, attr := range v.Group() {
		if i > 0 {
			text = append(text, ' ')
		}
		text = append(text, attr.Key...)
		text = append(text, ':')
		switch value := attr.Value.Resolve(); {
		case value.Kind() == slog.KindString:
			text = strconv.AppendQuote(text, value.String())
		case value.Kind() == slog.KindAny:
			text = fmt.Appendf(text, "%q", value.Any())
		default:
			text = append(text, value.String()...)
		}
	}
	_, _ = f.Write(append(text, '}'))
}

// Cut returns s, or its first bytes and an ellipsis. It keeps at most limit
// bytes, and no part of a character. It bounds log lines and the texts of
// errors and of events. What is no UTF-8 in s is replaced or left out, because
// the exporters of metrics and spans reject it.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// Type returns an attribute with the name of v's dynamic type, or "" if v is
// nil. Nothing more may be shown of a caller's own value.
func Type(key string, v any) slog.Attr {
	if v == nil {
		return slog.String(key, "")
	}
	return slog.String(key, fmt.Sprintf("%T", v))
}
