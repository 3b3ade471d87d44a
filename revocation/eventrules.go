package revocation

import "time"

// rules returns the rules for an event that happened at this time.
//
// The most exact identifier decides, since a subject's members all describe the
// same one. The others would only make a rule miss tokens that lack a claim.
func (r *eventReceiver) rules(s *subject, effect effect, at time.Time) []Rule {
	older := Rule{Issuer: s.issuer, IssuedBefore: at}
	user := older
	user.Subject = s.user
	switch {
	case s.user != "" && effect == endsAccount:
		return []Rule{user}
	case s.token != "":
		return []Rule{{Issuer: s.issuer, ID: s.token}}
	case s.session != "":
		session := Rule{Issuer: s.issuer, SessionID: s.session}
		if effect != endsSession {
			session.IssuedBefore = at // the session goes on, with other tokens
		}
		if s.user == "" || r.cfg.SessionIDInTokens {
			return []Rule{session}
		}
		return []Rule{session, user}
	case s.user != "":
		return []Rule{user}
	}
	older.ClientID, older.OrgID = s.client, s.organization
	return []Rule{older}
}
