package middleware

import (
	"errors"
	"strings"
)

// A forwardedElement is what one proxy has recorded of a request.
type forwardedElement struct {
	sender, proto, host string
}

var (
	errForwarded     = errors.New("the field Forwarded is malformed")
	errLongForwarded = errors.New("a field of proxies is longer than any of them makes it")
)

// These bound what is read of the fields of proxies, most of which a client may
// have written.
const (
	maxForwarded  = 8 << 10 // bytes of the field Forwarded
	maxHops       = 64      // items of a field
	maxParameters = 8       // of an element of the field Forwarded
)

// parseForwarded reads the lines of the field Forwarded (RFC 7239, Section 4).
// Parameters of other names are skipped.
func parseForwarded(lines []string) ([]forwardedElement, error) {
	size := 0
	for _, line := range lines {
		if size += len(line) + 1; size > maxForwarded {
			return nil, errLongForwarded
		}
	}
	s := strings.Join(lines, ",")
	var elements []forwardedElement
	var element forwardedElement
	var few [maxParameters]string
	names := few[:0] // the element's
	for {
		s = trimSpace(s)
		if n := schemeEnd(s); n > 0 { // a name is a token, like a scheme
			name, value, rest, ok := forwardedPair(s, n)
			if !ok || len(names) == maxParameters {
				return nil, errForwarded
			}
			for _, other := range names {
				if strings.EqualFold(name, other) {
					return nil, errForwarded
				}
			}
			names, s = append(names, name), trimSpace(rest)
			switch {
			case strings.EqualFold(name, "for"):
				element.sender = value
			case strings.EqualFold(name, "proto"):
				element.proto = value
			case strings.EqualFold(name, "host"):
				element.host = value
			}
		}
		switch {
		case s == "" || s[0] == ',':
			if len(names) > 0 {
				if len(elements) == maxHops {
					return nil, errLongForwarded
				}
				elements = append(elements, element)
			}
			if s == "" {
				return elements, nil
			}
			element, names = forwardedElement{}, names[:0]
		case s[0] != ';':
			return nil, errForwarded
		}
		s = s[1:]
	}
}

func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

// forwardedPair splits the pair at the beginning of s: a name of n bytes, and
// its value, which is a token or a quoted string.
func forwardedPair(s string, n int) (name, value, rest string, ok bool) {
	name, s = s[:n], s[n:]
	if !strings.HasPrefix(s, "=") {
		return "", "", "", false
	}
	s = s[1:]
	if !strings.HasPrefix(s, `"`) {
		n := schemeEnd(s)
		return name, s[:n], s[n:], n > 0
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return name, unquote(s[1:i]), s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
		case c < ' ' && c != '\t' || c == 0x7f:
			return "", "", "", false
		}
	}
	return "", "", "", false
}

// unquote resolves the quoted pairs of a quoted string (RFC 9110, Section
// 5.6.4).
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
