package conform

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// checks returns all checks for target, in the order in which they are run. The
// session may be nil if none is run.
//
// A rotation comes late: an API that does not learn the new key accepts nothing
// from then on.
func (target Target) checks(s *session) []check {
	var list []check
	for _, group := range [][]check{
		goodChecks(target),
		requestChecks(target),
		challengeChecks(target),
		badChecks(target, s),
		profileChecks(target),
		scopeChecks(target),
		http2Checks(),
		dpopChecks(target),
		mtlsChecks(target),
		metadataChecks(target),
		rotationChecks(),
		slowChecks(),
		watchChecks(target),
	} {
		list = append(list, group...)
	}
	for i := range list {
		list[i].Fix = cmp.Or(fixes[list[i].ID], list[i].Fix, fixes[list[i].Group()])
	}
	return list
}

const (
	wantAccepted = "a status of 2xx"
	wantRejected = "a status of 4xx"
)

// accepts reports whether the API accepts r.
func (s *session) accepts(r request) verdict {
	a := s.send(r)
	if !a.accepted() {
		return fail(a.String(), wantAccepted)
	}
	return pass(a.String())
}

// rejects reports whether the API rejects r. That a rejection is a server error
// is another case's matter.
func (s *session) rejects(r request) verdict {
	a := s.send(r)
	switch {
	case a.err != nil && s.target.DPoP && strings.Contains(a.err.Error(), "invalid header"):
		return skip(a.String())
	case a.status == http.StatusTooManyRequests:
		return skip("the API limits the rate of requests: " + a.String())
	case a.accepted() || a.status >= 300 && a.status < 400:
		return fail(a.String(), wantRejected)
	}
	return pass(a.String())
}

func (s *session) acceptsToken(t mockissuer.Token) verdict {
	token, err := s.iss.Sign(t)
	if err != nil {
		return broken(err)
	}
	return s.accepts(s.bearer(token))
}

func (s *session) rejectsToken(t mockissuer.Token) verdict {
	token, err := s.iss.Sign(t)
	if err != nil {
		return broken(err)
	}
	return s.rejects(s.bearer(token))
}

// goodChecks are about tokens that the API has to accept.
func goodChecks(target Target) []check {
	token := func(id string, level Level, section, title string, make func(s *session) mockissuer.Token) check {
		return check{
			Case: Case{ID: "good/" + id, Level: level, Section: section, Title: title},
			run:  func(s *session) verdict { return s.acceptsToken(make(s)) },
		}
	}
	claims := func(changes func(s *session) map[string]any) func(s *session) mockissuer.Token {
		return func(s *session) mockissuer.Token { return s.good(changes(s)) }
	}
	list := []check{
		token("plain", Must, "RFC 6750, Section 2.1", "A good token is accepted.",
			func(s *session) mockissuer.Token { return s.good() }),
		token("audience-string", Must, jwtAud, "A token whose aud is a string is accepted.",
			claims(func(s *session) map[string]any { return map[string]any{"aud": s.target.Audience} })),
		token("audience-list", Must, jwtAud, "A token whose aud is a list of one is accepted.",
			claims(func(s *session) map[string]any { return map[string]any{"aud": []string{s.target.Audience}} })),
		token("audience-among-others", Must, jwtAud, "A token for several APIs, this one the last, is accepted.",
			claims(func(s *session) map[string]any {
				return map[string]any{"aud": []string{"https://other.example.com", s.iss.URL + "userinfo", s.target.Audience}}
			})),
		token("unknown-claims", Must, jwt4, "Claims that are not understood are ignored.",
			claims(func(*session) map[string]any {
				return map[string]any{"https://example.com/tenant": map[string]any{"id": 7, "tags": []string{"a", "b"}}, "x": nil, "y": raw("null")}
			})),
		token("unknown-header", Must, jws4, "Members of the header that are not understood, and not critical, are ignored.",
			func(s *session) mockissuer.Token {
				return header(s.good(), map[string]any{"x": map[string]any{"y": 1}})
			}),
		token("fraction-of-a-second", Should, jwt2, "Times with a fraction are accepted.",
			claims(func(s *session) map[string]any {
				now := s.iss.Now().Unix()
				return map[string]any{"iat": raw(fmt.Sprintf("%d.25", now-1)), "exp": raw(fmt.Sprintf("%d.75", now+3600))}
			})),
		token("nbf-now", Must, jwtNbf, "A token whose nbf has just passed is accepted.",
			claims(func(s *session) map[string]any { return map[string]any{"nbf": s.iss.Now().Unix() - 1} })),
		token("expires-soon", Must, jwtExp, "A token that expires in half a minute is accepted.",
			claims(func(s *session) map[string]any { return map[string]any{"exp": s.iss.Now().Unix() + 30} })),
		token("issued-just-ahead", May, jwtIat, "A token of an issuer whose clock is five seconds ahead is accepted.",
			claims(func(s *session) map[string]any {
				return map[string]any{"iat": s.iss.Now().Unix() + 5, "nbf": s.iss.Now().Unix() + 5}
			})),
		token("unicode", Should, jwt72, "Claims beyond ASCII, written as UTF-8 or escaped, are accepted.",
			claims(func(*session) map[string]any {
				return map[string]any{"name": "Zoë 王 🚀", "escaped": raw(`"\u738b\ud83d\ude80"`)}
			})),
		token("four-kib", Should, "", "A token of four KiB, as groups make it, is accepted.",
			claims(func(*session) map[string]any {
				return map[string]any{"groups": strings.Repeat("group-0123456789 ", 170)}
			})),
	}
	if target.Profile.strict() {
		list = append(list,
			token("application-at-jwt", Must, "RFC 9068, Section 4", "The type application/at+jwt is accepted.",
				func(s *session) mockissuer.Token {
					return header(s.good(), map[string]any{"typ": "application/at+jwt"})
				}),
			token("type-in-another-case", May, "RFC 7515, Section 4.1.9", "The type AT+JWT is accepted: a media type has no case.",
				func(s *session) mockissuer.Token { return header(s.good(), map[string]any{"typ": "AT+JWT"}) }))
	} else {
		list = append(list,
			token("no-type", May, "RFC 7519, Section 5.1", "A token without a type is accepted: it is optional.",
				func(s *session) mockissuer.Token { return header(s.good(), map[string]any{"typ": nil}) }),
			token("at-jwt", May, "RFC 9068, Section 4", "A token of the type at+jwt is accepted.",
				func(s *session) mockissuer.Token { return header(s.good(), map[string]any{"typ": "at+jwt"}) }))
	}
	field := func(id string, level Level, section, title, field string) check {
		return check{
			Case: Case{ID: "good/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				r, err := s.fields(field)
				if err != nil {
					return broken(err)
				}
				return s.accepts(r)
			},
		}
	}
	return append(list,
		field("scheme-in-lower-case", Must, "RFC 9110, Section 11.1", "The scheme bearer in lower case is accepted.", "bearer %s"),
		field("several-spaces", May, "RFC 6750, Section 2.1", "Several spaces after the scheme are accepted.", "Bearer   %s"),
	)
}

// requestChecks are about requests that don't carry one token as they should.
func requestChecks(target Target) []check {
	rejects := func(id string, level Level, section, title string, fields ...string) check {
		return check{
			Case: Case{ID: "request/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				r, err := s.fields(fields...)
				if err != nil {
					return broken(err)
				}
				return s.rejects(r)
			},
		}
	}
	query := func(id string, level Level, section, title string, header bool) check {
		return check{
			Case: Case{ID: "request/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				r, err := s.fields("Bearer %s")
				if err != nil {
					return broken(err)
				}
				_, token, _ := strings.Cut(r.authorization[0], " ")
				r.query, r.token = "access_token="+token, token
				if !header {
					r.authorization = nil
				}
				return s.rejects(r)
			},
		}
	}
	const bearer, once = "RFC 6750, Section 2.1", "RFC 9110, Section 5.3"
	return []check{
		rejects("no-credentials", Must, "RFC 6750, Section 3", "A request without credentials is rejected."),
		{
			Case: Case{ID: "request/head", Level: Must, Section: "RFC 6750, Section 3", Title: "HEAD without credentials is rejected, as any method is."},
			run:  func(s *session) verdict { return s.rejects(request{method: http.MethodHead}) },
		},
		rejects("empty-field", Must, "RFC 6750, Section 3", "An empty Authorization field is rejected.", ""),
		rejects("no-token", Must, bearer, "The scheme without a token is rejected.", "Bearer"),
		rejects("no-token-but-a-space", Must, bearer, "The scheme with a space and no token is rejected.", "Bearer "),
		rejects("no-scheme", Must, bearer, "A token without a scheme is rejected.", "%s"),
		rejects("another-scheme", Must, bearer, "A token with the scheme Basic is rejected.", "Basic %s"),
		rejects("unknown-scheme", Must, bearer, "A token with an unknown scheme is rejected.", "Token %s"),
		rejects("no-space", Must, bearer, "The scheme with the token right behind it is rejected.", "Bearer%s"),
		rejects("colon", Must, bearer, "A colon after the scheme is rejected.", "Bearer: %s"),
		rejects("equals", Must, bearer, "The token as a parameter is rejected.", "Bearer token=%s"),
		rejects("quoted", Should, bearer, "A token in quotation marks is rejected.", `Bearer "%s"`),
		rejects("word-behind", Should, bearer, "A word after the token is rejected.", "Bearer %s x"),
		rejects("word-between", Must, bearer, "A word between the scheme and the token is rejected.", "Bearer x %s"),
		rejects("list", Should, bearer, "Two tokens with a comma are rejected.", "Bearer %s, Bearer %s"),
		rejects("two-fields", Should, once, "Two Authorization fields are rejected: two readers may take one each.", "Bearer %s", "Bearer %s"),
		rejects("another-scheme-first", Should, once, "A field with another scheme before the token's is rejected.", "Basic dTpw", "Bearer %s"),
		rejects("bad-token-behind", Should, once, "A field with a bad token behind a good one is rejected.", "Bearer %s", "Bearer a.b.c"),
		query("query", Should, "RFC 9700, Section 4.3.2", "A token in the query is not accepted: queries are logged.", false),
		query("two-ways", Should, "RFC 6750, Section 2", "A token in the field and in the query is rejected.", true),
	}
}

// profileChecks are the rules of the profile.
func profileChecks(target Target) []check {
	if !target.Profile.strict() {
		return nil
	}
	rejects := func(id string, level Level, section, title string, make func(s *session) mockissuer.Token) check {
		return check{
			Case: Case{ID: id, Level: level, Section: section, Title: title},
			run:  func(s *session) verdict { return s.rejectsToken(make(s)) },
		}
	}
	without := func(name string) check {
		return rejects("claim/no-"+strings.ReplaceAll(name, "_", "-"), May, "RFC 9068, Section 2.2", "A token without "+name+" is rejected: it is required.",
			func(s *session) mockissuer.Token { return s.good(map[string]any{name: nil}) })
	}
	return []check{
		rejects("type/jwt", Must, "RFC 9068, Section 4", "A token of the type JWT is rejected: it is at+jwt.",
			func(s *session) mockissuer.Token { return header(s.good(), map[string]any{"typ": "JWT"}) }),
		rejects("type/missing", Must, "RFC 9068, Section 4", "A token without a type is rejected: it is at+jwt.",
			func(s *session) mockissuer.Token { return header(s.good(), map[string]any{"typ": nil}) }),
		without("sub"), without("client_id"), without("jti"), without("iat"),
	}
}

// scopeChecks are about what the API requires beside a valid token.
func scopeChecks(target Target) []check {
	if target.Scope == "" {
		return nil
	}
	first, _, _ := strings.Cut(target.Scope, " ")
	const section = "RFC 6749, Section 3.3"
	scope := func(id string, level Level, title string, value any, accepted bool) check {
		return check{
			Case: Case{ID: "scope/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				t := s.good(map[string]any{"scope": value})
				if accepted {
					return s.acceptsToken(t)
				}
				return s.rejectsToken(t)
			},
		}
	}
	return []check{
		scope("among-others", Must, "A token with further scopes is accepted.", "a:b "+target.Scope+" x", true),
		scope("missing", Must, "A token without scopes is rejected.", nil, false),
		scope("empty", Must, "A token with an empty scope is rejected.", "", false),
		scope("another", Must, "A token with another scope is rejected.", "conform:other", false),
		scope("longer", Must, "A scope that begins so is another.", first+"x", false),
		scope("shorter", Must, "A scope that is a part of it is another.", first[:len(first)-1], false),
		scope("another-case", Must, "A scope in another case is another.", strings.ToUpper(first), false),
		scope("comma", Must, "Commas don't separate scopes.", "x,"+strings.ReplaceAll(target.Scope, " ", ",")+",y", false),
	}
}

func http2Checks() []check {
	tried := func(s *session, r request, judge func(answer) verdict) verdict {
		r.client = s.http2
		a := s.send(r)
		if a.err != nil || !strings.HasPrefix(a.proto, "HTTP/2") {
			return skip("the API does not speak HTTP/2 here")
		}
		return judge(a)
	}
	return []check{
		{
			Case: Case{ID: "http2/good", Level: Must, Section: "RFC 6750, Section 2.1", Title: "A good token is accepted over HTTP/2."},
			run: func(s *session) verdict {
				r, err := s.fields("Bearer %s")
				if err != nil {
					return broken(err)
				}
				return tried(s, r, func(a answer) verdict {
					if !a.accepted() {
						return fail(a.String(), wantAccepted)
					}
					return pass(a.String())
				})
			},
		},
		{
			Case: Case{ID: "http2/no-credentials", Level: Must, Section: "RFC 6750, Section 3", Title: "A request without credentials is rejected over HTTP/2."},
			run: func(s *session) verdict {
				return tried(s, request{}, func(a answer) verdict {
					if a.accepted() {
						return fail(a.String(), wantRejected)
					}
					return pass(a.String())
				})
			},
		},
		{
			Case: Case{ID: "http2/expired", Level: Must, Section: jwtExp, Title: "An expired token is rejected over HTTP/2."},
			run: func(s *session) verdict {
				token, err := s.iss.Sign(s.good(map[string]any{"exp": s.iss.Now().Add(-time.Hour)}))
				if err != nil {
					return broken(err)
				}
				return tried(s, s.bearer(token), func(a answer) verdict {
					if a.accepted() {
						return fail(a.String(), wantRejected)
					}
					return pass(a.String())
				})
			},
		},
	}
}

// watchChecks are about all exchanges of a run.
func watchChecks(target Target) []check {
	list := []check{
		{
			Case: Case{
				ID: "robust/server-errors", Level: Should,
				Title: "No request of a client is answered with a server error.", Why: "A 500 is a fault that strangers can cause, and it hides that the token was bad.",
			},
			run: func(s *session) verdict {
				if n := len(s.watch.faults); n > 0 {
					return fail(fmt.Sprintf("%d responses of 5xx other than 503, in %s", n, names(s.watch.faults)), "none")
				}
				return pass("none")
			},
		},
		{
			Case: Case{
				ID: "robust/no-response", Level: Should,
				Title: "Every request is answered.", Why: "A handler that crashes or hangs at a bad token lets strangers hold up the API, or end it.",
			},
			run: func(s *session) verdict {
				if n := len(s.watch.silent); n > 0 {
					return fail(fmt.Sprintf("%d requests without a response, in %s", n, names(s.watch.silent)), "a response to each")
				}
				return pass("all")
			},
		},
		{
			Case: Case{
				ID: "leak/response", Level: Should,
				Title: "No response has the token in it.", Why: "Responses are logged, cached and shown on pages.",
			},
			run: func(s *session) verdict {
				if n := len(s.watch.echoes); n > 0 {
					return fail(fmt.Sprintf("the end of the token in %d responses, of %s", n, names(s.watch.echoes)), "no part of a signature")
				}
				return pass("none")
			},
		},
	}
	if target.Log == "" {
		return list
	}
	return append(list, check{
		Case: Case{
			ID: "leak/log", Level: Should,
			Title: "The API's log has no token in it.", Why: "A token in a log can be used by those who read it.",
		},
		run: func(s *session) verdict {
			found, read, err := s.watch.logged(s.target.Log)
			switch {
			case err != nil:
				return broken(err)
			case found > 0:
				return fail(fmt.Sprintf("%d of the tokens in the log", found), "none")
			}
			return pass(fmt.Sprintf("none in %d bytes", read))
		},
	})
}

// names returns the first few of a list, without repetitions.
func names(list []string) string {
	const most = 5
	seen := map[string]bool{}
	var short []string
	for _, name := range list {
		if !seen[name] {
			seen[name] = true
			short = append(short, name)
		}
	}
	if len(short) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(short[:most], ", "), len(short)-most)
	}
	return strings.Join(short, ", ")
}
