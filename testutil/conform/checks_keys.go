package conform

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

const unfamiliar = "OpenID Connect Core 1.0, Section 10.1.1"

// The limits of what the key cases send, and how long they wait.
const (
	floodTokens  = 20
	floodFetches = 5
	slowLimit    = 20 * time.Minute
	slowDelay    = 12 * time.Second // of an issuer that is slow
	slowAnswer   = 10 * time.Second // of an API whose issuer is slow
)

// step is the time between two tries.
func (s *session) step() time.Duration {
	if s.target.FollowsClock {
		return 15 * time.Second
	}
	return 2 * time.Second
}

// unknown returns a request with a token of a key that no set has.
func (s *session) unknown() (request, error) {
	kid := rand.Text()
	token, err := s.iss.Sign(header(s.good(), map[string]any{"kid": kid}))
	return s.bearer(token), err
}

// acceptedSoon waits until a good token is accepted, for at most the target's
// patience.
func (s *session) acceptedSoon() (after time.Duration, last answer, ok bool) {
	after, ok = s.eventually(s.target.Patience, s.step(), func() bool {
		token, err := s.iss.Sign(s.good())
		if err != nil {
			return false
		}
		last = s.send(s.bearer(token))
		return last.accepted()
	})
	return after, last, ok
}

// fetched makes the API fetch the key set, by tokens of unknown keys, and
// reports whether it did.
func (s *session) fetched() bool {
	before := s.iss.KeyFetches()
	_, ok := s.eventually(2*s.target.Patience, s.step(), func() bool {
		r, err := s.unknown()
		if err != nil {
			return false
		}
		s.send(r)
		return s.iss.KeyFetches() > before
	})
	return ok
}

// rotationChecks are those that need no long wait. The last one changes the key.
func rotationChecks() []check {
	return []check{
		{
			Case: Case{
				ID: "rotation/flood", Level: Should,
				Title: fmt.Sprintf("%d tokens of as many unknown keys cause %d fetches of the key set at most.", floodTokens, floodFetches),
				Why:   "If each such token causes a fetch, a stranger can burden the issuer, and have the API locked out there.",
			},
			run: func(s *session) verdict {
				before := s.iss.KeyFetches()
				for range floodTokens {
					r, err := s.unknown()
					if err != nil {
						return broken(err)
					}
					s.send(r)
				}
				if n := s.iss.KeyFetches() - before; n > floodFetches {
					return fail(fmt.Sprintf("%d fetches for %d tokens", n, floodTokens), fmt.Sprintf("%d or fewer", floodFetches))
				}
				return pass(fmt.Sprintf("%d fetches for %d tokens", s.iss.KeyFetches()-before, floodTokens))
			},
		},
		{
			Case: Case{
				ID: "outage/known-key", Level: Should,
				Title: "While the issuer is down, tokens of known keys are accepted.",
				Why:   "An outage of the issuer is then none of the API.",
			},
			run: func(s *session) verdict {
				s.iss.SetDown(true)
				defer s.iss.SetDown(false)
				return s.acceptsToken(s.good())
			},
		},
		{
			Case: Case{
				ID: "outage/unknown-key", Level: Must, Section: bcp38,
				Title: "While the issuer is down, a token of an unknown key is not accepted.",
			},
			run: func(s *session) verdict {
				s.iss.SetDown(true)
				defer s.iss.SetDown(false)
				r, err := s.unknown()
				if err != nil {
					return broken(err)
				}
				return s.rejects(r)
			},
		},
		{
			Case: Case{
				ID: "rotation/at-once", Level: Should, Section: unfamiliar,
				Title: "After the issuer has changed its key without notice, tokens of the new key are accepted soon.",
				Why:   "A key that has leaked is changed at once. An API that keeps the old set rejects every user until it is restarted.",
			},
			run: func(s *session) verdict {
				if _, err := s.iss.RotateKey(); err != nil {
					return broken(err)
				}
				after, last, ok := s.acceptedSoon()
				if !ok {
					s.stuck = true
					return fail(fmt.Sprintf("still %s after %v", last, after), wantAccepted)
				}
				return pass(fmt.Sprintf("accepted after %v", after))
			},
		},
	}
}

// recover waits until good tokens are accepted again, so that the next case
// begins with good keys. If they are not, as after a key with an old kid, it
// changes the key.
func (s *session) recover() {
	if _, _, ok := s.acceptedSoon(); ok {
		return
	}
	if _, err := s.iss.RotateKey(); err == nil {
		_, _, ok := s.acceptedSoon()
		s.stuck = !ok
	}
}

// slowChecks wait for the API's cache of keys.
func slowChecks() []check {
	slow := func(id string, level Level, section, title, why string, run func(s *session) verdict) check {
		return check{
			Case: Case{ID: id, Level: level, Section: section, Title: title, Why: why, Slow: true},
			run: func(s *session) verdict {
				if s.stuck {
					return skip("the API accepts no token since the key was changed")
				}
				defer func() {
					s.iss.Heal()
					s.recover()
				}()
				return run(s)
			},
		}
	}
	// spoiled makes the key set fail while the API fetches it.
	spoiled := func(fault mockissuer.Fault, then func(s *session) verdict) func(s *session) verdict {
		return func(s *session) verdict {
			s.iss.Fail(fault)
			if !s.fetched() {
				return skip("the API did not fetch the key set again")
			}
			return then(s)
		}
	}
	stillServes := func(s *session) verdict { return s.acceptsToken(s.good()) }
	const keepsServing = "One bad answer of the issuer, or of a proxy on the way, then locks every user out."
	return []check{
		slow("rotation/announced", Must, "RFC 7517, Section 4.5", "A key that was published long before is known when it begins to sign.",
			"Issuers publish a key before it signs, so that nobody has to fetch in haste.",
			func(s *session) verdict {
				if _, err := s.iss.RotateKey(mockissuer.Publish); err != nil {
					return broken(err)
				}
				before := s.iss.KeyFetches()
				s.eventually(slowLimit, 4*s.step(), func() bool {
					stillServes(s)
					return s.iss.KeyFetches() > before
				})
				s.pass(s.step())
				if _, err := s.iss.RotateKey(mockissuer.Activate); err != nil {
					return broken(err)
				}
				return stillServes(s)
			}),
		slow("rotation/withdrawn", Should, "", fmt.Sprintf("A token of a key that is gone from the key set is rejected within %v.", slowLimit),
			"A key is withdrawn because it has leaked. Until then, its thief makes tokens.",
			func(s *session) verdict {
				old, err := s.iss.Sign(s.good(map[string]any{"exp": s.iss.Now().Add(12 * time.Hour)}))
				if err != nil {
					return broken(err)
				}
				if a := s.send(s.bearer(old)); !a.accepted() {
					return fail(a.String(), wantAccepted+" before the key is withdrawn")
				}
				if _, err := s.iss.RotateKey(); err != nil {
					return broken(err)
				}
				if _, last, ok := s.acceptedSoon(); !ok {
					return skip("the new key was not accepted: " + last.String())
				}
				var last answer
				after, ok := s.eventually(slowLimit, 4*s.step(), func() bool {
					stillServes(s)
					last = s.send(s.bearer(old))
					return last.err == nil && !last.accepted()
				})
				if !ok {
					return fail(fmt.Sprintf("still %s after %v", last, after), wantRejected)
				}
				return pass(fmt.Sprintf("rejected after %v", after))
			}),
		slow("rotation/same-kid", May, "RFC 7517, Section 4.5", fmt.Sprintf("If a new key has the old key's kid, its tokens are accepted within %v.", slowLimit),
			"Some issuers number their keys, or name all of them alike.",
			func(s *session) verdict {
				if _, err := s.iss.RotateKey(mockissuer.SameKeyID); err != nil {
					return broken(err)
				}
				var last verdict
				after, ok := s.eventually(slowLimit, 4*s.step(), func() bool {
					last = stillServes(s)
					return last.outcome == Passed
				})
				if !ok {
					return fail(fmt.Sprintf("still %s after %v", last.got, after), wantAccepted)
				}
				return pass(fmt.Sprintf("accepted after %v", after))
			}),
		slow("outage/empty-set", Should, "", "After the issuer has answered with an empty key set, tokens of known keys are accepted.",
			keepsServing, spoiled(mockissuer.Fault{Kind: mockissuer.FaultEmptySet}, stillServes)),
		slow("outage/page", Should, "", "After the issuer has answered with a page in place of the key set, tokens of known keys are accepted.",
			keepsServing, spoiled(mockissuer.Fault{Kind: mockissuer.FaultPage}, stillServes)),
		slow("outage/huge-set", Should, "", "After the issuer has answered with 32 MiB, tokens of known keys are accepted.",
			keepsServing, spoiled(mockissuer.Fault{Kind: mockissuer.FaultHugeBody}, stillServes)),
		slow("outage/unknown-key-503", May, "RFC 9110, Section 15.6.4", "While the issuer is down, a token of an unknown key gets 503: the key may be a new one.",
			"An answer of 401 has clients throw good tokens away, and users log in again.",
			func(s *session) verdict {
				s.iss.SetDown(true)
				s.pass(2 * s.target.Patience) // so that an unknown key is worth a fetch
				before := s.iss.KeyFetches()
				r, err := s.unknown()
				if err != nil {
					return broken(err)
				}
				a := s.send(r)
				switch {
				case s.iss.KeyFetches() == before:
					return skip("the API did not fetch the key set again")
				case a.status != http.StatusServiceUnavailable:
					return fail(a.String(), "the status 503")
				}
				return pass(a.String())
			}),
		slow("outage/redirect", Should, "", "A redirect from the key set to another host does not make that host's keys accepted.",
			"Who can make the issuer redirect, such as by an open redirect, then makes tokens.",
			func(s *session) verdict {
				stranger, err := mockissuer.Start(mockissuer.Config{Algorithms: s.iss.Algorithms()[:1]})
				if err != nil {
					return broken(err)
				}
				defer stranger.Close()
				return spoiled(mockissuer.Fault{
					Kind: mockissuer.FaultRedirect, Location: stranger.URL + string(mockissuer.EndpointKeySet)[1:],
				}, func(s *session) verdict {
					t := s.good(map[string]any{"iss": s.iss.URL, "iat": s.iss.Now(), "exp": s.iss.Now().Add(time.Hour)})
					token, err := stranger.Sign(t)
					if err != nil {
						return broken(err)
					}
					return s.rejects(s.bearer(token))
				})(s)
			}),
		slow("outage/slow-issuer", Should, "", fmt.Sprintf("While the issuer takes %v, tokens of known keys are accepted at once.", slowDelay),
			"One token of an unknown key then holds up every user.",
			func(s *session) verdict {
				defer s.iss.Fail(mockissuer.Fault{Kind: mockissuer.FaultDelay, Delay: slowDelay})()
				s.pass(2 * s.target.Patience) // so that an unknown key is worth a fetch
				r, err := s.unknown()
				if err != nil {
					return broken(err)
				}
				token, err := s.iss.Sign(s.good())
				if err != nil {
					return broken(err)
				}
				before := s.iss.KeyFetches()
				unknown := make(chan answer, 1)
				var wait sync.WaitGroup
				wait.Go(func() { unknown <- s.quietly(r) })
				defer wait.Wait()
				for began := time.Now(); s.iss.KeyFetches() == before && time.Since(began) < time.Second; {
					select {
					case a := <-unknown:
						unknown <- a
						return skip("the API did not fetch the key set again")
					case <-time.After(10 * time.Millisecond):
					}
				}
				a := s.send(s.bearer(token))
				if !a.accepted() || a.took > 2*time.Second {
					return fail(fmt.Sprintf("%s after %v", a, a.took.Round(time.Second/10)), wantAccepted+" within two seconds")
				}
				if late := <-unknown; late.took > slowAnswer {
					return fail(fmt.Sprintf("the token of the unknown key was answered after %v", late.took.Round(time.Second)), fmt.Sprintf("an answer within %v", slowAnswer))
				}
				return pass(fmt.Sprintf("accepted after %v", a.took.Round(time.Millisecond)))
			}),
	}
}
