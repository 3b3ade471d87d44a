package mockissuer

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

// A Stream is where the issuer sends Security Event Tokens (SETs, RFC 8417) of
// the Shared Signals Framework: to a URL, or to one that polls.
type Stream struct {
	// Audience is the "aud" of its SETs.
	Audience string `yaml:"audience"`
	// URL is where they are pushed (RFC 8935). If empty, they wait at
	// [EndpointPoll] (RFC 8936).
	URL string `yaml:"url"`
	// Authorization is the Authorization field of pushes, or the one that a
	// poll must have. Streams that are polled differ in it. If empty, there is
	// none.
	Authorization string `yaml:"authorization" json:"-"`
}

// The types of the signals that the issuer sends.
const (
	// BackChannelLogout is the event of a logout token (OpenID Connect
	// Back-Channel Logout 1.0, Section 2.4).
	BackChannelLogout = "http://schemas.openid.net/event/backchannel-logout"
	// SessionRevoked is an event of CAEP 1.0, Section 3.1.
	SessionRevoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
)

// RevokeSession ends a session, as an administrator or a logout does: its
// refresh tokens and opaque tokens end. Each client with a
// BackChannelLogoutURI gets a logout token with the "sid", and each stream a
// session-revoked. If the session is one of a login here, both name the user
// too. It doesn't wait for the deliveries. See [Issuer.Deliveries].
func (iss *Issuer) RevokeSession(sid string) {
	l := iss.endLogins(func(l *login) bool { return l.sessionID == sid })
	issuer, subject := iss.URL, ""
	if l != nil {
		issuer, subject = l.issuer, l.user
	}
	id := map[string]any{"format": "complex", "session": map[string]any{"format": "opaque", "id": sid}}
	logout := map[string]any{"sid": sid}
	if subject != "" {
		id["user"] = issuerAndSubject(issuer, subject)
		logout["sub"] = subject
	}
	iss.sendLogout(issuer, logout)
	iss.sendEvent(issuer, SessionRevoked, id, nil)
}

// Logout ends all sessions of a user, as [Issuer.RevokeSession] ends one. Its
// signals name the user alone.
func (iss *Issuer) Logout(sub string) {
	issuer := iss.URL
	if l := iss.endLogins(func(l *login) bool { return l.user == sub }); l != nil {
		issuer = l.issuer
	}
	iss.sendLogout(issuer, map[string]any{"sub": sub})
	iss.sendEvent(issuer, SessionRevoked, issuerAndSubject(issuer, sub), nil)
}

// SendEvent sends a SET with one event of this type, about this Subject
// Identifier (RFC 9493), to every stream. It has the members, and an
// "event_timestamp" of now.
func (iss *Issuer) SendEvent(eventType string, subject, members map[string]any) {
	iss.sendEvent(iss.URL, eventType, subject, members)
}

func issuerAndSubject(issuer, sub string) map[string]any {
	return map[string]any{"format": "iss_sub", "iss": issuer, "sub": sub}
}

// endLogins ends the logins for which match reports true, and returns one of
// them, or nil.
func (iss *Issuer) endLogins(match func(*login) bool) (found *login) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	end := func(l *login) {
		if match(l) {
			l.revoked = true
			found = l
		}
	}
	for _, c := range iss.grants.codes.byName {
		end(c.login)
	}
	for _, b := range iss.grants.refresh.byName {
		end(b.login)
	}
	for _, b := range iss.grants.opaque.byName {
		end(b.login)
	}
	return found
}

// sendLogout sends a logout token to each client that has a URI for it.
func (iss *Issuer) sendLogout(issuer string, who map[string]any) {
	for _, c := range iss.cfg.Clients {
		if c.BackChannelLogoutURI == "" {
			continue
		}
		now := iss.Now()
		claims := map[string]any{
			"iss": issuer, "aud": c.ID, "sub": nil, "iat": now, "exp": now.Add(2 * time.Minute), "jti": rand.Text(),
			"events": map[string]any{BackChannelLogout: map[string]any{}},
		}
		maps.Copy(claims, who)
		iss.deliver(&outgoing{
			url: c.BackChannelLogoutURI, kind: "logout token",
			token: Token{Claims: claims, Header: map[string]any{"typ": "logout+jwt"}}, form: true,
		})
	}
}

// sendEvent sends a SET to each stream.
func (iss *Issuer) sendEvent(issuer, eventType string, subject, members map[string]any) {
	for n, s := range iss.cfg.Streams {
		now := iss.Now()
		event := map[string]any{"event_timestamp": now.Unix()}
		maps.Copy(event, members)
		iss.deliver(&outgoing{
			url: s.URL, kind: "security event token", authorization: s.Authorization, stream: n,
			token: Token{
				Header: map[string]any{"typ": "secevent+jwt"},
				Claims: map[string]any{
					"iss": issuer, "aud": cmp.Or(s.Audience, DefaultAudience), "sub": nil, "exp": nil, "iat": now, "jti": rand.Text(),
					"sub_id": subject, "events": map[string]any{eventType: event},
				},
			},
		})
	}
}

// takeSignalFaults returns the faults of the next signal, or of the next attempt
// to deliver one.
func (iss *Issuer) takeSignalFaults(kinds ...FaultKind) map[FaultKind]Fault {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	found := make(map[FaultKind]Fault)
	for _, f := range slices.Clone(iss.faults) {
		if _, again := found[f.Kind]; again || !slices.Contains(kinds, f.Kind) {
			continue
		}
		found[f.Kind] = f.Fault
		iss.use(f)
	}
	return found
}
