// Package parameter finds one parameter in a query or a form. A stranger's form
// has room for thousands of others, and [url.ParseQuery] makes a map of them. To
// find one costs as much as to look at each byte once.
package parameter

import (
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/internal/percent"
)

// Has reports whether query has a parameter of that name. It finds what
// [url.ParseQuery] finds, and one whose value is malformed too.
func Has(query, name string) bool {
	return next(query, 0, name) >= 0
}

// Values returns the values of the parameters of that name in a form, at most
// so many. It reports false if [url.ParseQuery] would return an error.
func Values(form, name string, most int) (values []string, ok bool) {
	if !isForm(form) {
		return nil, false
	}
	for i := next(form, 0, name); i >= 0 && len(values) < most; i = next(form, i, name) {
		value, _, _ := strings.Cut(strings.TrimPrefix(form[i:], "="), "&")
		value, err := url.QueryUnescape(value)
		if err != nil {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// next returns where the key of the next parameter of that name ends
// in a query, from start on, or -1. It allocates nothing and is fast for long
// queries.
func next(query string, start int, name string) (end int) {
	for i := start; i < len(query); i++ {
		last := i
		for last < len(query) && query[last] != '&' {
			last++
		}
		if last-i >= len(name) && (query[i] == name[0] || query[i] == '%') {
			if n := keyLength(query[i:last], name); n >= 0 {
				return i + n
			}
		}
		i = last
	}
	return -1
}

// keyLength returns the length of the key at the beginning of a parameter if it
// is name, with or without percent-encoding. Otherwise it returns -1.
func keyLength(parameter, name string) int {
	i := 0
	for j := range len(name) {
		if i == len(parameter) {
			return -1
		}
		c := parameter[i]
		switch c {
		case '%':
			var ok bool
			if c, ok = percent.Decode(parameter[i:]); !ok {
				return -1
			}
			i += 2
		case '=', '+':
			return -1
		}
		if c != name[j] {
			return -1
		}
		i++
	}
	if i < len(parameter) && parameter[i] != '=' {
		return -1
	}
	return i
}

// isForm reports whether [url.ParseQuery] takes s.
func isForm(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ';':
			return false
		case '%':
			if _, ok := percent.Decode(s[i:]); !ok {
				return false
			}
			i += 2
		}
	}
	return true
}
