package conform

import (
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/testutil"
)

// boundToKey returns a token that is bound to the session's key.
func (s *session) boundToKey() (string, error) {
	return s.iss.Sign(s.good(map[string]any{"cnf": s.key.Confirmation()}))
}

// dpopChecks are about tokens that are bound to a key (RFC 9449).
func dpopChecks(target Target) []check {
	if !target.DPoP {
		return nil
	}
	const proven, checked = "RFC 9449, Section 7.1", "RFC 9449, Section 4.3"
	row := func(id string, level Level, section, title string, run func(s *session, token string) verdict) check {
		return check{
			Case: Case{ID: "dpop/" + id, Level: level, Section: section, Title: title},
			run: func(s *session) verdict {
				token, err := s.boundToKey()
				if err != nil {
					return broken(err)
				}
				return run(s, token)
			},
		}
	}
	list := []check{
		row("good", Must, proven, "A bound token with a good proof is accepted.",
			func(s *session, token string) verdict { return s.accepts(s.proven(token)) }),
		row("scheme-in-lower-case", Must, "RFC 9110, Section 11.1", "The scheme dpop in lower case is accepted.",
			func(s *session, token string) verdict {
				r := s.proven(token)
				r.authorization = []string{"dpop " + token}
				return s.accepts(r)
			}),
		row("query-in-htu", May, checked, "A proof whose htu has a query is accepted: it is ignored.",
			func(s *session, token string) verdict {
				return s.accepts(s.proven(token, testutil.Claims{"htu": s.target.URL + "?x=1"}))
			}),
		row("as-bearer", Must, "RFC 9449, Section 7.2", "A bound token as a bearer token is rejected.",
			func(s *session, token string) verdict {
				return s.rejects(request{authorization: []string{"Bearer " + token}, token: token})
			}),
		row("as-bearer-with-proof", Must, "RFC 9449, Section 7.2", "A bound token as a bearer token is rejected, even with a proof.",
			func(s *session, token string) verdict {
				r := s.proven(token)
				r.authorization = []string{"Bearer " + token}
				return s.rejects(r)
			}),
		row("unbound", Must, proven, "A token that is not bound is rejected with the scheme DPoP.",
			func(s *session, _ string) verdict {
				token, err := s.iss.Sign(s.good(map[string]any{"cnf": nil}))
				if err != nil {
					return broken(err)
				}
				return s.rejects(s.proven(token))
			}),
		row("another-key", Must, proven, "A good proof by another key than the token's is rejected.",
			func(s *session, token string) verdict {
				other := testutil.DPoPKey(outside{})
				other.Now = s.iss.Now
				r := s.proven(token)
				r.proof = func(nonce string) []string {
					return []string{other.Proof(s.target.Method, s.target.URL, token, withNonce(nonce))}
				}
				return s.rejects(r)
			}),
		row("replay", Should, "RFC 9449, Section 11.1", "A proof that was used is rejected.",
			func(s *session, token string) verdict {
				r := s.proven(token)
				if a := s.send(r); !a.accepted() { // which learns the nonce, if there is one
					return skip("the proof was not accepted the first time: " + a.String())
				}
				fields := r.proof(s.nonce)
				r.proof = func(string) []string { return fields }
				if a := s.sendOnce(r); !a.accepted() {
					return skip("the proof was not accepted the first time: " + a.String())
				}
				a := s.sendOnce(r)
				if a.accepted() {
					return fail(a.String(), wantRejected)
				}
				return pass(a.String())
			}),
		row("challenge-algs", Should, proven, "A challenge of the scheme DPoP names the algorithms of proofs.",
			func(s *session, _ string) verdict {
				a := s.send(request{})
				list, _ := parseChallenges(a.header.Values("WWW-Authenticate"))
				for _, c := range list {
					if algs, _ := c.param("algs"); strings.EqualFold(c.scheme, "DPoP") && algs != "" {
						return pass(a.String())
					}
				}
				return fail(a.String(), `WWW-Authenticate: DPoP algs="…"`)
			}),
		row("challenge-error", Should, proven, `A bad proof gets 401 with error="invalid_dpop_proof".`,
			func(s *session, token string) verdict {
				s.send(s.proven(token)) // which learns the nonce, if there is one
				a := s.send(s.proven(token, testutil.Claims{"htm": "CONFORM"}))
				list, _ := parseChallenges(a.header.Values("WWW-Authenticate"))
				for _, c := range list {
					if code, _ := c.param("error"); a.status == http.StatusUnauthorized && strings.EqualFold(c.scheme, "DPoP") && code == "invalid_dpop_proof" {
						return pass(a.String())
					}
				}
				return fail(a.String(), `401, WWW-Authenticate: DPoP error="invalid_dpop_proof"`)
			}),
		row("nonce", Must, "RFC 9449, Section 9", "If the API asks for a nonce, a proof with another one is rejected.",
			func(s *session, token string) verdict {
				s.send(s.proven(token))
				if s.nonce == "" {
					return skip("the API asks for no nonce")
				}
				a := s.sendOnce(s.proven(token, testutil.Claims{"nonce": "conform-conform-conform"}))
				switch {
				case a.accepted():
					return fail(a.String(), wantRejected)
				case a.header.Get("DPoP-Nonce") == "":
					return fail(a.String()+", without DPoP-Nonce", "a new nonce in DPoP-Nonce")
				}
				return pass(a.String())
			}),
	}
	return append(list, badProofChecks()...)
}

func withNonce(nonce string) testutil.Claims {
	if nonce == "" {
		return nil
	}
	return testutil.Claims{"nonce": nonce}
}

// mayProofs are the bad proofs that the standard does not name, or leaves to
// the server.
var mayProofs = map[string]Level{
	"with padding":                 Should,
	"a jti of 10,000 bytes":        Should,
	"an empty jti":                 Should,
	"for the method in lower case": Should,
	"for a path alone":             Should,
	"issued at a string":           Should,
	"issued in an hour":            Should,
}

func badProofChecks() []check {
	// The names and reasons are those of any key's proofs.
	list := testutil.DPoPKey(outside{}).BadProofs(http.MethodGet, "https://api.example.com/", "token")
	var checks []check
	for _, bad := range list {
		level := mayProofs[bad.Name]
		if level == "" {
			level = Must
		}
		section, why, ok := strings.Cut(bad.Why, ": ")
		if !ok {
			section, why = bad.Why, ""
		}
		section = strings.Replace(section, "Sections 4 and 7.1", "Section 7.1", 1)
		checks = append(checks, check{
			Case: Case{
				ID: "dpop/proof-" + slug(bad.Name), Level: level, Section: section, Why: why,
				Title: "A proof is rejected: " + bad.Name + ".",
			},
			run: func(s *session) verdict {
				token, err := s.boundToKey()
				if err != nil {
					return broken(err)
				}
				s.learnNonce()
				for _, proof := range s.key.BadProofs(s.target.Method, s.target.URL, token, withNonce(s.nonce)) {
					if proof.Name != bad.Name {
						continue
					}
					r := s.proven(token)
					r.proof = func(string) []string { return proof.DPoP }
					a := s.sendOnce(r)
					if a.accepted() {
						return fail(a.String(), wantRejected)
					}
					return pass(a.String())
				}
				return skip("there is no such proof")
			},
		})
	}
	return checks
}

// learnNonce gets the API's nonce, once.
func (s *session) learnNonce() {
	if s.nonce != "" {
		return
	}
	if token, err := s.boundToKey(); err == nil {
		s.send(s.proven(token))
	}
}

func slug(name string) string {
	return strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name)
}

// mtlsChecks are about tokens that are bound to a certificate (RFC 8705).
func mtlsChecks(target Target) []check {
	if !target.MTLS {
		return nil
	}
	const section = "RFC 8705, Section 3"
	row := func(id, title string, accepted bool, send func(s *session, own, other, none request) request) check {
		return check{
			Case: Case{ID: "mtls/" + id, Level: Must, Section: section, Title: title},
			run: func(s *session) verdict {
				token, err := s.iss.Sign(s.good(map[string]any{"cnf": testutil.CertificateConfirmation(s.own.Leaf)}))
				if err != nil {
					return broken(err)
				}
				own, other, none := s.bearer(token), s.bearer(token), s.bearer(token)
				own.client, other.client = s.withCertificate(true), s.withCertificate(false)
				r := send(s, own, other, none)
				if accepted {
					return s.accepts(r)
				}
				a := s.send(r)
				if a.accepted() {
					return fail(a.String(), wantRejected+", or no connection")
				}
				return pass(a.String())
			},
		}
	}
	return []check{
		row("good", "A bound token over a connection with its certificate is accepted.", true,
			func(_ *session, own, _, _ request) request { return own }),
		row("another-certificate", "A bound token over a connection with another certificate is rejected.", false,
			func(_ *session, _, other, _ request) request { return other }),
		row("no-certificate", "A bound token over a connection without a certificate is rejected.", false,
			func(_ *session, _, _, none request) request { return none }),
	}
}

// withCertificate returns the client with the own or the other certificate.
func (s *session) withCertificate(own bool) *http.Client {
	if s.certified[own] == nil {
		certificate := s.other
		if own {
			certificate = s.own
		}
		var one http.Protocols
		one.SetHTTP1(true)
		if s.certified == nil {
			s.certified = make(map[bool]*http.Client)
		}
		s.certified[own] = s.newClient(&one, certificate)
	}
	return s.certified[own]
}
