package middleware

import (
	"errors"
	"strings"
)

// A forwardedElement is what one proxy has noted of a request.
type forwardedElement struct {
	sender, proto, host string
}

var errForwarded = errors.New("the field Forwarded is malformed")

// maxForwarded is the length of the longest field Forwarded that is looked at.
const maxForwarded = 8 << 10

// parseForwarded reads the lines of the field Forwarded (RFC 7239, Section 4).
// Parameters of other names are skipped.
func parseForwarded(lines []string) ([]forwardedElement, error) {
	s := strings.Join(lines, ",")
	if len(s) > maxForwarded {
		return nil, errForwarded
	}
	var elements []forwardedElement
	var element forwardedElement
	seen := map[string]bool{}
	empty := true
	for {
		s = strings.TrimLeft(s, " \t")
		if n := schemeEnd(s); n > 0 { // a name is a token, as a scheme is
			name, value, rest, ok := forwardedPair(s, n)
			if !ok || seen[name] {
				return nil, errForwarded
			}
			seen[name], empty, s = true, false, rest
			switch name {
			case "for":
				element.sender = value
			case "proto":
				element.proto = value
			case "host":
				element.host = value
			}
			s = strings.TrimLeft(s, " \t")
		}
		switch {
		case s == "" || s[0] == ',':
			if !empty {
				elements = append(elements, element)
			}
			if s == "" {
				return elements, nil
			}
			element, empty = forwardedElement{}, true
			clear(seen)
		case s[0] != ';':
			return nil, errForwarded
		}
		s = s[1:]
	}
}

// forwardedPair splits what s begins with: a name of n bytes, and its value, a
// token or a quoted string.
func forwardedPair(s string, n int) (name, value, rest string, ok bool) {
	name, s = strings.ToLower(s[:n]), s[n:]
	if !strings.HasPrefix(s, "=") {
		return "", "", "", false
	}
	s = s[1:]
	if !strings.HasPrefix(s, `"`) {
		n := schemeEnd(s)
		return name, s[:n], s[n:], n > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return name, b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case c < ' ' && c != '\t' || c == 0x7f:
			return "", "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}
