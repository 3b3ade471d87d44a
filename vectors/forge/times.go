package forge

import (
	"strconv"

	"github.com/rsguard/rsguard/vectors"
)

func times() *suite {
	s := newSuite("times", "exp, nbf and iat: at the edge and one past it, and every form of a number (RFC 7519, Sections 2, 4.1.4, 4.1.5 and 4.1.6).")
	const (
		exp  = "RFC 7519, Section 4.1.4: not on or after exp, with leeway"
		nbf  = "RFC 7519, Section 4.1.5: not before nbf, with leeway"
		iat  = "RFC 7519, Section 4.1.6: iat is when the token was made, and one that is yet to be made is not believed (our own rule, with leeway)"
		date = "RFC 7519, Section 2: a NumericDate is a JSON number"
	)
	n := func(offset int64) string { return strconv.FormatInt(now+offset, 10) }

	// The default leeway is 30 seconds.
	for _, c := range []struct {
		name   string
		offset int64
		leeway int64
		ok     bool
	}{
		{"an hour ahead", 3600, 0, true}, {"a second ahead", 1, 0, true}, {"now", 0, 0, true}, {"29 seconds ago", -29, 0, true}, {"30 seconds ago", -30, 0, false}, {"31 seconds ago", -31, 0, false},
		{"an hour ago", -3600, 0, false}, {"a day ago", -86400, 0, false},
		{"a second ahead, no leeway", 1, -1, true}, {"now, no leeway", 0, -1, false}, {"a second ago, no leeway", -1, -1, false},
		{"59 seconds ago, a minute's leeway", -59, 60, true}, {"60 seconds ago, a minute's leeway", -60, 60, false},
		{"299 seconds ago, five minutes' leeway", -299, 300, true}, {"300 seconds ago, five minutes' leeway", -300, 300, false},
	} {
		opts := []option{claim("exp", n(c.offset)), claim("iat", n(-7200)), leeway(c.leeway)}
		if c.ok {
			s.accept("exp "+c.name, exp, opts...)
		} else {
			s.refuse("token_expired", "exp "+c.name, exp, opts...)
		}
	}
	for _, claimName := range []string{"nbf", "iat"} {
		why := map[string]string{"nbf": nbf, "iat": iat}[claimName]
		for _, c := range []struct {
			name   string
			offset int64
			leeway int64
			ok     bool
		}{
			{"an hour ago", -3600, 0, true}, {"now", 0, 0, true}, {"29 seconds ahead", 29, 0, true}, {"30 seconds ahead", 30, 0, true}, {"31 seconds ahead", 31, 0, false}, {"an hour ahead", 3600, 0, false},
			{"now, no leeway", 0, -1, true}, {"a second ahead, no leeway", 1, -1, false}, {"60 seconds ahead, a minute's leeway", 60, 60, true}, {"61 seconds ahead, a minute's leeway", 61, 60, false},
			{"300 seconds ahead, five minutes' leeway", 300, 300, true}, {"301 seconds ahead, five minutes' leeway", 301, 300, false},
		} {
			opts := []option{claim(claimName, n(c.offset)), claim("exp", n(7200)), leeway(c.leeway)}
			if c.ok {
				s.accept(claimName+" "+c.name, why, opts...)
			} else {
				s.refuse("token_not_yet_valid", claimName+" "+c.name, why, opts...)
			}
		}
	}
	// Fractions count.
	s.accept("exp half a second before the end of leeway", date, claim("exp", n(-29)+".5"), claim("iat", n(-7200)))
	s.accept("exp of a fraction, and now a millisecond before", date, claim("exp", n(0)+".5"), leeway(-1), at(now+0.499))
	s.refuse("token_expired", "exp of a fraction, and now is the same", date, claim("exp", n(0)+".5"), leeway(-1), at(now+0.5))
	s.refuse("token_expired", "exp of a fraction just past leeway", date, claim("exp", n(-31)+".999"), claim("iat", n(-7200)))
	s.refuse("token_expired", "exp is whole, and now a fraction past", date, claim("exp", n(0)), leeway(-1), at(now+0.001))
	s.accept("exp is whole, and now a fraction before", date, claim("exp", n(1)), leeway(-1), at(now+0.999))
	s.accept("nbf of a fraction within leeway", date, claim("nbf", n(29)+".999"))
	s.refuse("token_not_yet_valid", "nbf of a fraction past leeway", date, claim("nbf", n(30)+".001"))
	s.refuse("token_not_yet_valid", "iat of a fraction past leeway", date, claim("iat", n(30)+".001"))

	// Spellings of numbers.
	s.accept("exp with an exponent", date, claim("exp", "1.7672292E9"))
	s.accept("exp with a negative exponent", date, claim("exp", "17672292000e-1"))
	s.accept("exp with zeros after the point", date, claim("exp", "1767229200.000"))
	s.accept("exp in the year 2286", date, claim("exp", "9999999999"))
	s.accept("nbf zero", date, claim("nbf", "0"))
	s.accept("nbf before 1970", date, claim("nbf", "-1"))
	s.accept("iat zero", date, claim("iat", "0"))
	s.refuse("token_expired", "exp zero", date, claim("exp", "0"))
	s.refuse("token_expired", "exp minus zero", date, claim("exp", "-0"))
	s.refuse("token_expired", "exp one", date, claim("exp", "1"))
	s.refuse("token_expired", "exp negative", date, claim("exp", "-1767229200"))
	s.refuse("token_expired", "exp of almost nothing", date, claim("exp", "1e-400"))
	s.refuse("invalid_claim", "no exp", "RFC 9068, Section 2.2: exp is required", without("exp"))

	for _, name := range []string{"exp", "nbf", "iat"} {
		for _, text := range []string{
			"null", "true", "false", `"1767229200"`, `""`, `"2026-01-01T01:00:00Z"`, "[1767229200]", "[]", "{}", `{"v":1767229200}`, `"never"`, `"1767229200.0"`,
		} {
			s.refuse("invalid_claim", name+" is "+text, date, claim(name, text))
		}
		for _, text := range []string{"1e400", "-1e400", "1e308", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1767229200000", "1767229200000000000", "1e1000000000"} {
			s.refuse("invalid_claim", name+" is "+text, "RFC 7519, Section 2: seconds, within what a date can be", claim(name, text))
		}
	}
	s.refuse("token_expired", "expired, and the signature is bad", "what costs nothing comes first", claim("exp", n(-60)), by("RS256", otherRSA))
	s.refuse("token_expired", "expired, and the kid is unknown", "no key is asked for", claim("exp", n(-60)), head("kid", `"unknown"`))
	s.refuse("invalid_signature", "not yet valid, and the signature is bad", "nbf is the issuer's word, so the signature comes first", claim("nbf", n(60)), by("RS256", otherRSA))
	s.accept("iat after exp", "RFC 7519, Section 4.1.6: iat is for its age only", claim("iat", n(20)), claim("exp", n(10)))

	maxAge := config(func(c *vectors.Config) { c.Checks = []vectors.Check{{Kind: "max_age", Seconds: 600}} })
	const age = "a check of now less iat, without leeway"
	s.accept("MaxAge of ten minutes: issued a minute ago", age, maxAge)
	s.accept("MaxAge of ten minutes: issued ten minutes ago", age, maxAge, claim("iat", n(-600)))
	s.refuse("token_expired", "MaxAge of ten minutes: issued ten minutes and a second ago", age, maxAge, claim("iat", n(-601)))
	s.refuse("token_expired", "MaxAge of ten minutes: a fraction more", age, maxAge, claim("iat", n(-601)+".9"))
	s.refuse("token_expired", "MaxAge of ten minutes: iat zero", age, maxAge, claim("iat", "0"))
	s.refuse("invalid_claim", "MaxAge of ten minutes: no iat", age, maxAge, without("iat"))
	s.accept("MaxAge of ten minutes: issued just ahead of our clock", age, maxAge, claim("iat", n(20)))
	s.refuse("token_not_yet_valid", "MaxAge of ten minutes: issued in an hour", age, maxAge, claim("iat", n(3600)))

	within := func(opts ...option) []option {
		return append(opts, config(func(c *vectors.Config) { c.Checks = []vectors.Check{{Kind: "authenticated_within", Seconds: 600}} }))
	}
	const (
		signIn = "RFC 9470, Section 3: an age in seconds, exactly"
		ahead  = "RFC 9470, Section 3: a sign-in that is yet to come is none (our own rule, with leeway)"
		stale  = "insufficient_user_authentication"
	)
	s.accept("signed in ten minutes ago", signIn, within(claim("auth_time", n(-600)))...)
	s.refuse(stale, "signed in ten minutes and a second ago", signIn, within(claim("auth_time", n(-601)))...)
	s.refuse(stale, "signed in a fraction more than ten minutes ago", signIn, within(claim("auth_time", n(-601)+".9"))...)
	s.refuse(stale, "signed in ten minutes and a second ago, five minutes' leeway", signIn, within(claim("auth_time", n(-601)), leeway(300))...)
	s.accept("signed in now", signIn, within(claim("auth_time", n(0)))...)
	s.accept("signed in 30 seconds ahead", ahead, within(claim("auth_time", n(30)))...)
	s.refuse(stale, "signed in 31 seconds ahead", ahead, within(claim("auth_time", n(31)))...)
	s.refuse(stale, "signed in a second ahead, no leeway", ahead, within(claim("auth_time", n(1)), leeway(-1))...)
	s.accept("signed in 60 seconds ahead, a minute's leeway", ahead, within(claim("auth_time", n(60)), leeway(60))...)
	s.refuse(stale, "no auth_time", signIn, within()...)
	s.refuse("invalid_claim", "auth_time is text", date, within(claim("auth_time", quote(n(0))))...)
	return s
}
