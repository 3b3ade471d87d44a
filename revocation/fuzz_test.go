package revocation_test

import (
	"testing"
	"time"

	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

// A model decides as a List must: it looks at every rule there ever was.
type model []revocation.Rule

// names reports whether a rule names the token, as far as the values go.
func names(r *revocation.Rule, c *validator.Claims) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return r.Issuer == c.Issuer && same(r.ID, c.ID) && same(r.Subject, c.Subject) && same(r.SessionID, c.SessionID) &&
		same(r.ClientID, c.ClientID) && same(r.OrgID, c.OrgID)
}

// add joins rules for the same values.
func (m *model) add(r revocation.Rule) {
	for i := range *m {
		o := &(*m)[i]
		if o.Issuer != r.Issuer || o.ID != r.ID || o.Subject != r.Subject || o.SessionID != r.SessionID || o.ClientID != r.ClientID || o.OrgID != r.OrgID {
			continue
		}
		if o.IssuedBefore.IsZero() || r.IssuedBefore.IsZero() {
			o.IssuedBefore = time.Time{}
		} else if r.IssuedBefore.After(o.IssuedBefore) {
			o.IssuedBefore = r.IssuedBefore
		}
		if r.Until.After(o.Until) {
			o.Until = r.Until
		}
		return
	}
	*m = append(*m, r)
}

func (m model) revokes(c *validator.Claims, now time.Time) bool {
	for i := range m {
		r := &m[i]
		if names(r, c) && now.Before(r.Until.Add(10*time.Minute)) &&
			(r.IssuedBefore.IsZero() || c.IssuedAt.IsZero() || c.IssuedAt.Unix() <= r.IssuedBefore.Unix()) {
			return true
		}
	}
	return false
}

// FuzzList compares a List with the model, for rules and tokens with few values
// so that they meet, while the clock goes on and rules end.
func FuzzList(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("revoke the tokens of anna, and those of bert, at all times of the day"))
	f.Add([]byte{0x01, 0x80, 0x00, 0x13, 0x02, 0x10, 0xff, 0x31, 0x81, 0xff, 0x00, 0x00, 0x3f, 0x7f, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		l, clock := newList(t, revocation.Config{})
		var m model
		now := t0
		text := func(b byte, bit int) string { // of two values or none
			return [...]string{"", "a", "b", "a"}[(b>>bit)&1|(b>>7)<<1&2]
		}
		for ; len(data) >= 4; data = data[4:] {
			a, b, c, d := data[0], data[1], data[2], data[3]
			now = now.Add(time.Duration(d) * time.Second)
			clock.set(now)
			r := revocation.Rule{
				Issuer: []string{issuer, "https://other.example.com/"}[a>>6&1],
				ID:     text(a, 0), Subject: text(a, 1), SessionID: text(a, 2), ClientID: text(a, 3), OrgID: text(a, 4),
				Until: now.Add(time.Duration(b) * time.Minute / 4),
			}
			if r.ID == "" && r.SessionID == "" || b&1 != 0 {
				r.IssuedBefore = now.Add(time.Duration(c)*time.Second/8 - 20*time.Second)
			}
			// The List has removed what has ended, or may have.
			for i := len(m) - 1; i >= 0; i-- {
				if !now.Before(m[i].Until.Add(10 * time.Minute)) {
					m = append(m[:i], m[i+1:]...)
				}
			}
			if err := l.Revoke(t.Context(), r); err != nil {
				t.Fatalf("Revoke(%+v): %v", r, err)
			}
			m.add(r)
			for i := range byte(32) {
				token := &validator.Claims{
					Issuer: r.Issuer, ID: text(a^i, 0), Subject: text(a^i, 1), SessionID: text(a^i, 2), ClientID: text(a^i, 3), OrgID: text(a^i, 4),
					ExpiresAt: now.Add(time.Hour),
				}
				if i&1 == 0 {
					token.IssuedAt = now.Add(-time.Duration(c%30) * time.Second)
				}
				rule, err := l.Revoked(t.Context(), token)
				if want := m.revokes(token, now); err != nil || (rule != nil) != want {
					t.Fatalf("Revoked(%v) = %v, %v, want a rule: %t", token, rule, err, want)
				}
				if rule != nil && !names(rule, token) {
					t.Fatalf("Revoked() = %v, which doesn't name the token", rule)
				}
			}
		}
	})
}
