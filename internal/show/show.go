// Package show writes values that hold secrets as text, without them.
//
// A type with something to hide has a method LogValue, which lists what may be
// seen of it, and a method Format, which is made of that by [Format]: so both
// packages fmt and log/slog show the same, whatever the verb and the handler.
package show

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
)

// Format writes the name of a type and the members of v, which is a group, as
// in validator.Config{issuers:["https://a/"] leeway:30s}. It heeds no verb and
// no flag, since %x and %#v would otherwise show what %v does not.
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

// Cut returns s, or its first bytes, limit at most, and an ellipsis. Logs and
// the texts of errors are bounded by it. A character that limit would part is
// left out.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// Type returns an attribute with the name of v's dynamic type, or nothing if v
// is nil: what may be seen of a value that is the caller's own.
func Type(key string, v any) slog.Attr {
	if v == nil {
		return slog.String(key, "")
	}
	return slog.String(key, fmt.Sprintf("%T", v))
}
