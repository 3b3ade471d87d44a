package conform

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A challenge is one of WWW-Authenticate (RFC 9110, Section 11.6.1).
type challenge struct {
	scheme string
	token  string // if it has one instead of parameters
	params [][2]string
}

func (c challenge) param(name string) (value string, times int) {
	for _, p := range c.params {
		if strings.EqualFold(p[0], name) {
			if times == 0 {
				value = p[1]
			}
			times++
		}
	}
	return value, times
}

// parseChallenges reads the fields of WWW-Authenticate strictly.
func parseChallenges(fields []string) ([]challenge, error) {
	var list []challenge
	for _, field := range fields {
		p := parser{rest: field}
		for p.skipCommas(); p.rest != ""; p.skipCommas() {
			c, err := p.challenge()
			if err != nil {
				return list, fmt.Errorf("%w, at %q", err, cut(p.rest, 40))
			}
			list = append(list, c)
		}
	}
	return list, nil
}

type parser struct{ rest string }

const tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (p *parser) take(set string) string {
	n := len(p.rest) - len(strings.TrimLeft(p.rest, set))
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) skipCommas() { p.take(" \t,") }

func (p *parser) challenge() (c challenge, err error) {
	if c.scheme = p.take(tchar); c.scheme == "" {
		return c, errors.New("want the name of a scheme")
	}
	spaces := p.take(" ")
	switch {
	case p.rest == "" || p.rest[0] == ',':
		return c, nil
	case spaces == "":
		return c, errors.New("want a space after the scheme")
	}
	for {
		before := p.rest
		name := p.take(tchar)
		p.take(" \t")
		if name == "" || !strings.HasPrefix(p.rest, "=") || len(c.params) == 0 && strings.Trim(p.rest, "=") == "" {
			p.rest = before
			if len(c.params) > 0 {
				return c, nil // another challenge
			}
			if c.token = p.take(tchar + "/="); c.token == "" {
				return c, errors.New("want a parameter")
			}
			return c, nil
		}
		p.rest = p.rest[1:]
		p.take(" \t")
		value, err := p.value()
		if err != nil {
			return c, err
		}
		c.params = append(c.params, [2]string{name, value})
		p.take(" \t")
		if p.rest == "" {
			return c, nil
		}
		if p.rest[0] != ',' {
			return c, errors.New("want a comma after a parameter")
		}
		p.skipCommas()
		if p.rest == "" {
			return c, nil
		}
	}
}

func (p *parser) value() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		value := p.take(tchar)
		if value == "" {
			return "", errors.New("want a value")
		}
		return value, nil
	}
	var value strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch b := p.rest[i]; {
		case b == '"':
			p.rest = p.rest[i+1:]
			return value.String(), nil
		case b == '\\' && i+1 < len(p.rest):
			i++ // RFC 9110, Section 5.6.4: what is escaped is no control character either
			fallthrough
		case b == '\t' || b >= ' ' && b != 0x7f:
			if b = p.rest[i]; b != '\t' && b < ' ' || b == 0x7f {
				return "", errors.New("want no control character in a quoted string")
			}
			value.WriteByte(b)
		default:
			return "", errors.New("want no control character in a quoted string")
		}
	}
	return "", errors.New("want the end of a quoted string")
}

// challengeFor returns the challenge of the scheme that the target's clients
// use.
func (s *session) challengeFor(a answer) (challenge, error) {
	list, err := parseChallenges(a.header.Values("WWW-Authenticate"))
	if err != nil {
		return challenge{}, err
	}
	wanted := []string{"Bearer"}
	if s.target.DPoP {
		wanted = []string{"DPoP", "Bearer"}
	}
	if s.target.DPoP && s.target.Profile != ProfileFAPI2 {
		wanted = []string{"Bearer", "DPoP"}
	}
	for _, scheme := range wanted {
		for _, c := range list {
			if strings.EqualFold(c.scheme, scheme) {
				return c, nil
			}
		}
	}
	return challenge{}, fmt.Errorf("no challenge of the scheme %s", wanted[0])
}

// challengeChecks are about the responses to rejected requests.
func challengeChecks(target Target) []check {
	const section = "RFC 6750, Section 3"
	type sender func(s *session) (request, error)
	none := func(*session) (request, error) { return request{}, nil }
	expired := func(s *session) (request, error) {
		token, err := s.iss.Sign(s.good(map[string]any{"exp": s.iss.Now().Add(-time.Hour)}))
		return s.bearer(token), err
	}
	fields := func(field string) sender {
		return func(s *session) (request, error) { return s.fields(field) }
	}
	row := func(id string, level Level, section, title string, send sender, judge func(s *session, a answer) (want string)) check {
		return check{
			Case: Case{ID: "challenge/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				r, err := send(s)
				if err != nil {
					return broken(err)
				}
				a := s.send(r)
				switch {
				case a.err != nil:
					return broken(a.err)
				case a.accepted():
					return skip("the request was accepted, which is another case's matter")
				}
				if want := judge(s, a); want != "" {
					return fail(a.String(), want)
				}
				return pass(a.String())
			},
		}
	}
	status := func(statuses ...int) func(*session, answer) string {
		return func(_ *session, a answer) string {
			for _, status := range statuses {
				if a.status == status {
					return ""
				}
			}
			return fmt.Sprintf("the status %d", statuses[0])
		}
	}
	hasError := func(code string) func(*session, answer) string {
		return func(s *session, a answer) string {
			c, err := s.challengeFor(a)
			if err != nil {
				return fmt.Sprintf("error=%q in a challenge (%v)", code, err)
			}
			if got, _ := c.param("error"); got != code {
				return fmt.Sprintf("error=%q in the challenge", code)
			}
			return ""
		}
	}
	list := []check{
		row("missing-401", Must, "RFC 6750, Section 3.1", "A request without credentials gets 401.", none, status(http.StatusUnauthorized)),
		row("missing-scheme", Must, section, "A request without credentials gets a challenge that names the scheme.", none,
			func(s *session, a answer) string {
				if _, err := s.challengeFor(a); err != nil {
					return "WWW-Authenticate: Bearer (" + err.Error() + ")"
				}
				return ""
			}),
		row("missing-no-error", Should, "RFC 6750, Section 3.1", "A request without credentials gets no error code.", none,
			func(s *session, a answer) string {
				c, err := s.challengeFor(a)
				if _, times := c.param("error"); err == nil && times > 0 {
					return "no error in the challenge"
				}
				return ""
			}),
		row("invalid-401", Should, "RFC 6750, Section 3.1", "A request with an expired token gets 401.", expired, status(http.StatusUnauthorized)),
		row("invalid-error", Should, "RFC 6750, Section 3.1", `A request with an expired token gets error="invalid_token".`, expired, hasError("invalid_token")),
		row("invalid-once", Must, section, "No parameter comes twice in a challenge.", expired,
			func(s *session, a answer) string {
				list, err := parseChallenges(a.header.Values("WWW-Authenticate"))
				if err != nil {
					return ""
				}
				for _, c := range list {
					for _, name := range []string{"realm", "scope", "error", "error_description", "error_uri"} {
						if _, times := c.param(name); times > 1 {
							return name + " once"
						}
					}
				}
				return ""
			}),
		row("invalid-grammar", Must, "RFC 9110, Section 11.6.1", "The challenge can be parsed.", expired,
			func(_ *session, a answer) string {
				if _, err := parseChallenges(a.header.Values("WWW-Authenticate")); err != nil {
					return "a challenge by the grammar (" + err.Error() + ")"
				}
				return ""
			}),
		row("invalid-characters", Must, section, "error and error_description have printable ASCII characters alone.", expired,
			func(s *session, a answer) string {
				c, err := s.challengeFor(a)
				if err != nil {
					return ""
				}
				for _, name := range []string{"error", "error_description"} {
					if value, _ := c.param(name); strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
						return "no quotation mark, backslash or other character in " + name
					}
				}
				return ""
			}),
		row("malformed-400", May, "RFC 6750, Section 3.1", "The scheme without a token gets 400.", fields("Bearer"), status(http.StatusBadRequest)),
		row("malformed-4xx", Should, "RFC 6750, Section 3.1", "The scheme without a token gets 400 or 401.", fields("Bearer"), status(http.StatusBadRequest, http.StatusUnauthorized)),
		row("not-stored", May, "", "The response to an expired token has Cache-Control: no-store.", expired,
			func(_ *session, a answer) string {
				if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
					return "Cache-Control: no-store"
				}
				return ""
			}),
	}
	if target.Scope == "" {
		return list
	}
	lacking := func(s *session) (request, error) {
		token, err := s.iss.Sign(s.good(map[string]any{"scope": "conform:other"}))
		return s.bearer(token), err
	}
	return append(list,
		row("scope-403", Should, "RFC 6750, Section 3.1", "A token without the scope gets 403.", lacking, status(http.StatusForbidden)),
		row("scope-error", Should, "RFC 6750, Section 3.1", `A token without the scope gets error="insufficient_scope".`, lacking, hasError("insufficient_scope")),
		row("scope-named", May, section, "The challenge names the scope that is required.", lacking,
			func(s *session, a answer) string {
				c, err := s.challengeFor(a)
				if scope, _ := c.param("scope"); err != nil || scope == "" {
					return fmt.Sprintf("scope=%q in the challenge", s.target.Scope)
				}
				return ""
			}),
	)
}
