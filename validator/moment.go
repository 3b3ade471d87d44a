package validator

import (
	"errors"
	"time"
)

// A moment is the time at which a token is checked, and the leeway for the
// issuer's clock. All rules about a token's times use it.
type moment struct {
	now    time.Time
	leeway time.Duration
}

// moment returns the current one by v's clock.
func (v *Validator) moment() (moment, error) {
	now := v.cfg.Now()
	if now.IsZero() {
		return moment{}, &Error{Code: CodeUnavailable, Err: errNoTime}
	}
	return moment{now, v.cfg.Leeway}, nil
}

// errNoTime is the cause if Config.Now returns the zero time, at which no token
// would ever expire.
var errNoTime = errors.New("Config.Now returned the zero time")

// moment returns the moment at which the claims were accepted.
func (c *Claims) moment() moment {
	if c.at.now.IsZero() {
		return moment{time.Now(), DefaultLeeway} // the claims are not from a token
	}
	return c.at
}

// reached reports whether t has come.
func (m moment) reached(t time.Time) bool { return !m.now.Before(t.Add(-m.leeway)) }

// passed reports whether t is in the past. t itself is (RFC 7519, Section
// 4.1.4).
func (m moment) passed(t time.Time) bool { return !m.now.Before(t.Add(m.leeway)) }

// untimely returns the cause of a rejection by the claim of this name.
func (m moment) untimely(name string, date time.Time) *untimely {
	return &untimely{name, date, m.now, m.leeway}
}

// checkExpiry requires that the claims have not expired.
func (m moment) checkExpiry(c *Claims) error {
	if m.passed(c.ExpiresAt) {
		return &Error{Code: CodeExpired, Err: m.untimely("exp", c.ExpiresAt)}
	}
	return nil
}

// AcceptedUntil returns the time from which on the Validator rejects the token
// as expired: ExpiresAt, and Config.Leeway after it. It is for a connection that
// should not outlive its token, such as a WebSocket. It is by the clock of
// Config.Now. For claims that are not from a Validator, [DefaultLeeway] is used.
// For claims without ExpiresAt, it is the zero time.
func (c *Claims) AcceptedUntil() time.Time {
	if c.ExpiresAt.IsZero() {
		return time.Time{}
	}
	return c.moment().window(c).until
}

// A window is the time during which a moment's rules accept a token, including
// from and excluding until. It is computed once for a remembered token, since
// the leeway never changes.
type window struct{ from, until time.Time }

func (m moment) window(c *Claims) window {
	from := c.NotBefore
	if from.Before(c.IssuedAt) {
		from = c.IssuedAt
	}
	return window{from.Add(-m.leeway), c.ExpiresAt.Add(m.leeway)}
}
