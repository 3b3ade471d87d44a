package forge

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/rsguard/rsguard/vectors"
)

// The documents that reasons about signals cite.
const (
	backChannel = "OpenID Connect Back-Channel Logout 1.0, "
	ssf         = "OpenID Shared Signals Framework 1.0, "
	caep        = "OpenID CAEP 1.0, "
)

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	caepType    = "https://schemas.openid.net/secevent/caep/event-type/"
	riscType    = "https://schemas.openid.net/secevent/risc/event-type/"
	rp          = "orders-web"
	streamName  = "https://orders.example.com/events"
)

// A signals is an unfinished SignalFile.
type signals struct {
	list []vectors.Signal
	seen map[string]bool
}

// A change of a signal's vector.
type signalOption func(*vectors.Signal, *draft)

func token1(opts ...option) signalOption {
	return func(_ *vectors.Signal, d *draft) {
		for _, opt := range opts {
			opt(d)
		}
	}
}

func receiver(change func(*vectors.SignalConfig)) signalOption {
	return func(v *vectors.Signal, _ *draft) { change(&v.Config) }
}

// event is the member events with one of this type.
func event(name, members string) option { return claim("events", "{"+quote(name)+":"+members+"}") }

func (s *signals) add(kind, want, name, why string, revokes []vectors.Revoked, opts ...signalOption) {
	if s.seen[kind+name] {
		panic("forge: two signals " + name)
	}
	s.seen[kind+name] = true
	v := vectors.Signal{
		Name: name, Why: why, Kind: kind, Now: now, Want: want, Revokes: revokes,
		Config: vectors.SignalConfig{Issuers: []string{issuer}, Audiences: []string{rp}},
	}
	d := &draft{key: rsaKey1(), alg: "RS256"}
	if kind == "logout" {
		d.header = []member{{"alg", `"RS256"`}, {"typ", `"logout+jwt"`}, {"kid", `"rsa"`}}
		d.payload = []member{
			{"iss", quote(issuer)}, {"sub", `"anna"`}, {"aud", quote(rp)}, {"iat", strconv.Itoa(now)}, {"exp", strconv.Itoa(now + 120)},
			{"jti", `"id-1"`}, {"events", "{" + quote(logoutEvent) + ":{}}"}, {"sid", `"s-1"`},
		}
	} else {
		v.Config.Audiences = []string{streamName}
		d.header = []member{{"alg", `"RS256"`}, {"typ", `"secevent+jwt"`}, {"kid", `"rsa"`}}
		d.payload = []member{
			{"iss", quote(issuer)}, {"aud", quote(streamName)}, {"iat", strconv.Itoa(now)}, {"jti", `"id-1"`},
			{"sub_id", anna}, {"events", "{" + quote(caepType+"session-revoked") + ":{}}"},
		}
	}
	for _, opt := range opts {
		opt(&v, d)
	}
	v.Token = d.compact()
	s.list = append(s.list, v)
}

// anna is the subject of most Security Event Tokens.
const anna = `{"format":"iss_sub","iss":"` + issuer + `","sub":"anna"}`

// Signals returns the logout tokens and Security Event Tokens.
func Signals() vectors.SignalFile {
	s := &signals{seen: map[string]bool{}}
	s.logoutTokens()
	s.securityEvents()
	return vectors.SignalFile{
		About:   "What issuers send to revoke tokens: logout tokens (OpenID Connect Back-Channel Logout 1.0) and Security Event Tokens (RFC 8417) of the Shared Signals Framework.",
		KeySet:  json.RawMessage(standard()),
		Vectors: s.list,
	}
}

func (s *signals) logoutTokens() {
	session := vectors.Revoked{Issuer: issuer, SessionID: "s-1"}
	user := vectors.Revoked{Issuer: issuer, Subject: "anna", IssuedBefore: now}
	both := []vectors.Revoked{session, user}
	accept := func(name, why string, revokes []vectors.Revoked, opts ...signalOption) {
		s.add("logout", vectors.Accept, name, why, revokes, opts...)
	}
	refuse := func(code, name, why string, opts ...signalOption) { s.add("logout", code, name, why, nil, opts...) }
	inTokens := receiver(func(c *vectors.SignalConfig) { c.SessionIDInTokens = true })
	const (
		who    = backChannel + "Section 2.4: a sub, a sid, or both"
		kind   = backChannel + "Section 2.4: the type logout+jwt is recommended, and not required"
		events = backChannel + "Section 2.4: events has the member of a logout, which is an object"
		once   = backChannel + "Section 2.4: jti, iat and exp are required"
		check  = backChannel + "Section 2.6: "
		number = "RFC 7519, Section 2: a NumericDate is a number"
		text   = "RFC 7519, Section 4.1.7: jti is a string"
	)
	bad := "invalid_request"

	accept("sub and sid", who, both)
	accept("sub and sid, and access tokens have sid", who, both[:1], inTokens)
	accept("sid alone", who, both[:1], token1(without("sub")))
	accept("sub alone", who, both[1:], token1(without("sid")))
	accept("sub alone, and access tokens have sid", who, both[1:], token1(without("sid")), inTokens)
	refuse(bad, "neither", who, token1(without("sub", "sid")))
	refuse(bad, "sub empty", who, token1(claim("sub", `""`)))
	refuse(bad, "sid empty", who, token1(claim("sid", `""`)))
	refuse(bad, "sid a number", who, token1(claim("sid", "1")))
	refuse(bad, "sid null", who, token1(claim("sid", "null")))

	accept("no typ", kind, both, token1(headWithout("typ")))
	accept("typ JWT", kind, both, token1(head("typ", `"JWT"`)))
	accept("typ with application/, in capitals", "RFC 7515, Section 4.1.9: application/ is left out, and capitals don't matter", both, token1(head("typ", `"application/LOGOUT+JWT"`)))
	refuse(bad, "typ of an access token", "RFC 8725, Section 3.11: another type is another kind of token", token1(head("typ", `"at+jwt"`)))
	refuse(bad, "typ of a Security Event Token", "RFC 8725, Section 3.11: another type is another kind of token", token1(head("typ", `"secevent+jwt"`)))
	refuse(bad, "an ID token", check+"an ID token has no events", token1(head("typ", `"JWT"`), without("events"), claim("nonce", `"n"`)))

	accept("the event with members", events, both, token1(event(logoutEvent, `{"a":1}`)))
	accept("an event besides", events, both, token1(claim("events", `{"https://example.com/x":{},`+quote(logoutEvent)+`:{}}`)))
	refuse(bad, "no events", events, token1(without("events")))
	refuse(bad, "events empty", events, token1(claim("events", "{}")))
	refuse(bad, "another event", events, token1(event("https://example.com/x", "{}")))
	refuse(bad, "the event with https", events, token1(event("https"+strings.TrimPrefix(logoutEvent, "http"), "{}")))
	refuse(bad, "the event null", events, token1(event(logoutEvent, "null")))
	refuse(bad, "the event true", events, token1(event(logoutEvent, "true")))
	refuse(bad, "events a list", events, token1(claim("events", "["+quote(logoutEvent)+"]")))
	refuse(bad, "the event twice", "RFC 8259, Section 4: one reading of each name", token1(claim("events", "{"+quote(logoutEvent)+":{},"+quote(logoutEvent)+":{}}")))
	refuse(bad, "nonce", backChannel+"Section 2.4: a nonce is prohibited", token1(claim("nonce", `"n"`)))
	refuse(bad, "nonce null", backChannel+"Section 2.4: a nonce is prohibited", token1(claim("nonce", "null")))
	accept("Nonce", "RFC 7519, Section 7.3: names are compared as they are", both, token1(claim("Nonce", `"n"`)))

	refuse(bad, "no jti", once, token1(without("jti")))
	refuse(bad, "jti empty", once, token1(claim("jti", `""`)))
	refuse(bad, "jti a number", text, token1(claim("jti", "1")))
	refuse(bad, "no iat", once, token1(without("iat")))
	refuse(bad, "iat a string", number, token1(claim("iat", quote(strconv.Itoa(now)))))
	refuse(bad, "no exp", once, token1(without("exp")))
	accept("no exp, which is allowed", once, both, token1(without("exp")), receiver(func(c *vectors.SignalConfig) { c.AllowMissingExpiry = true }))
	refuse(bad, "expired", "RFC 7519, Section 4.1.4: exp is in the future", token1(claim("exp", strconv.Itoa(now-30))))
	accept("expired within the leeway", "RFC 7519, Section 4.1.4: a small leeway is allowed", both, token1(claim("exp", strconv.Itoa(now-29))))
	refuse(bad, "iat too far ahead", check+"iat as in an ID token", token1(claim("iat", strconv.Itoa(now+31)), claim("exp", strconv.Itoa(now+120))))

	accept("several audiences", check+"aud as in an ID token", both, token1(claim("aud", `["x",`+quote(rp)+`]`)))
	refuse("invalid_audience", "another audience", check+"aud as in an ID token", token1(claim("aud", `"x"`)))
	refuse("invalid_audience", "the API's audience", check+"aud is the client, and not the API", token1(claim("aud", quote(audience))))
	refuse("invalid_issuer", "another issuer", check+"iss as in an ID token", token1(claim("iss", `"https://evil.example.com/"`)))
	refuse("invalid_key", "alg none", check+"alg none is prohibited", token1(head("alg", `"none"`), edited(func(c string) string { return c[:strings.LastIndexByte(c, '.')+1] })))
	refuse("invalid_key", "another key's signature", check+"the signature is validated", token1(by("RS256", otherRSA)))
	refuse("invalid_key", "an unknown kid", check+"the signature is validated", token1(head("kid", `"other"`)))
}

func (s *signals) securityEvents() {
	user := []vectors.Revoked{{Issuer: issuer, Subject: "anna", IssuedBefore: now}}
	session := []vectors.Revoked{{Issuer: issuer, SessionID: "s-1"}}
	accept := func(name, why string, revokes []vectors.Revoked, opts ...signalOption) {
		s.add("set", vectors.Accept, name, why, revokes, opts...)
	}
	refuse := func(code, name, why string, opts ...signalOption) { s.add("set", code, name, why, nil, opts...) }
	about := func(subject string) option { return claim("sub_id", subject) }
	const (
		opaque  = "RFC 9493, Section 3.2.4: an opaque identifier has an id"
		issSub  = "RFC 9493, Section 3.2.3: iss and sub are required"
		aliases = "RFC 9493, Section 3.2.8: one subject by several identifiers, which are no aliases"
		email   = "RFC 9493, Section 3.2.2: an email address, which no access token has to have"
		events  = "RFC 8417, Section 2.2: the members of events are objects"
		some    = "RFC 8417, Section 2: events is an object of at least one member"
		ids     = "RFC 8417, Section 2.2: iss, iat and jti are required"
		complex = ssf + "Section 3.3: the members describe one subject"
	)
	bad := "invalid_request"

	accept("session-revoked of a user", caep+"Section 3.1: all sessions of the subject", user)
	accept("session-revoked of a session", caep+"Section 3.1.2: the subject is the session", session, token1(about(`{"format":"opaque","id":"s-1"}`)))
	accept("session-revoked of a user's session", complex, append(session[:1:1], user...), token1(about(`{"format":"complex","user":`+anna+`,"session":{"format":"opaque","id":"s-1"}}`)))
	accept("session-revoked of a user's session, and access tokens have sid", complex, session, token1(about(`{"format":"complex","user":`+anna+`,"session":{"format":"opaque","id":"s-1"}}`)), receiver(func(c *vectors.SignalConfig) { c.SessionIDInTokens = true }))
	accept("session-revoked of a tenant", complex, []vectors.Revoked{{Issuer: issuer, OrgID: "org_1", IssuedBefore: now}}, token1(about(`{"format":"complex","tenant":{"format":"opaque","id":"org_1"}}`)))
	accept("session-revoked of a group of a tenant", complex, nil, token1(about(`{"format":"complex","tenant":{"format":"opaque","id":"org_1"},"group":{"format":"opaque","id":"g"}}`)))
	const critical = ssf + "Section 3.6: an event about a critical member that can't be processed is discarded"
	members := func(names ...string) signalOption {
		return receiver(func(c *vectors.SignalConfig) { c.CriticalSubjectMembers = names })
	}
	device := about(`{"format":"complex","user":` + anna + `,"device":{"format":"opaque","id":"d"}}`)
	accept("session-revoked of a user's device", complex, user, token1(device))
	accept("session-revoked of a user's device, which is critical", critical, nil, token1(device), members("device"))
	accept("session-revoked of a user's device, and the user is critical", critical, user, token1(device), members("user"))
	accept("session-revoked of a session and a critical email address", critical, nil,
		token1(about(`{"format":"complex","user":{"format":"email","email":"a@b.example"},"session":{"format":"opaque","id":"s-1"}}`)), members("user"))
	accept("session-revoked of an email address", email, nil, token1(about(`{"format":"email","email":"a@b.example"}`)))
	accept("session-revoked of aliases", aliases, user, token1(about(`{"format":"aliases","identifiers":[{"format":"email","email":"a@b.example"},`+anna+`]}`)))
	refuse(bad, "aliases of aliases", aliases, token1(about(`{"format":"aliases","identifiers":[{"format":"aliases","identifiers":[`+anna+`]}]}`)))
	refuse(bad, "aliases of none", aliases, token1(about(`{"format":"aliases","identifiers":[]}`)))
	refuse(bad, "iss_sub without sub", issSub, token1(about(`{"format":"iss_sub","iss":`+quote(issuer)+`}`)))
	refuse(bad, "iss_sub without iss", issSub, token1(about(`{"format":"iss_sub","sub":"anna"}`)))
	refuse(bad, "opaque without id", opaque, token1(about(`{"format":"opaque"}`)))
	refuse(bad, "no format", "RFC 9493, Section 3: a Subject Identifier has a format", token1(about(`{"id":"anna"}`)))
	refuse(bad, "sub_id a string", "RFC 9493, Section 4.1: sub_id is a Subject Identifier, an object", token1(about(`"anna"`)))
	refuse(bad, "no sub_id", ssf+"Section 3.1: sub_id is required", token1(without("sub_id")))
	accept("a user of another issuer", "RFC 9493, Section 3.2.3: iss is the issuer of sub, and a transmitter speaks for its own users", nil, token1(about(`{"format":"iss_sub","iss":"https://other.example.com/","sub":"anna"}`)))
	accept("a user of an issuer for which it speaks", "RFC 9493, Section 3.2.3: iss is the issuer of sub", []vectors.Revoked{{Issuer: "https://other.example.com/", Subject: "anna", IssuedBefore: now}}, token1(about(`{"format":"iss_sub","iss":"https://other.example.com/","sub":"anna"}`)), receiver(func(c *vectors.SignalConfig) { c.TokenIssuers = []string{"https://other.example.com/"} }))

	const change = caep + "Section 3.3.1: change_type is create, revoke, update or delete"
	for _, kind := range []string{"revoke", "update", "delete"} {
		accept("credential-change of the kind "+kind, change, user, token1(event(caepType+"credential-change", `{"credential_type":"password","change_type":"`+kind+`"}`)))
	}
	accept("credential-change of the kind create", change, nil, token1(event(caepType+"credential-change", `{"credential_type":"password","change_type":"create"}`)))
	refuse(bad, "credential-change of no kind", change, token1(event(caepType+"credential-change", `{"credential_type":"password"}`)))
	refuse(bad, "credential-change of an unknown kind", change, token1(event(caepType+"credential-change", `{"credential_type":"password","change_type":"reset"}`)))
	accept("token-claims-change of a token", caep+"Section 3.2: the claims of the token have changed", []vectors.Revoked{{Issuer: issuer, ID: "t-1"}}, token1(about(`{"format":"jwt_id","iss":`+quote(issuer)+`,"jti":"t-1"}`), event(caepType+"token-claims-change", `{"claims":{}}`)))
	accept("token-claims-change of a session", caep+"Section 3.2: later tokens have the new claims", []vectors.Revoked{{Issuer: issuer, SessionID: "s-1", IssuedBefore: now}}, token1(about(`{"format":"complex","session":{"format":"opaque","id":"s-1"}}`), event(caepType+"token-claims-change", `{"claims":{}}`)))
	for _, name := range []string{"account-disabled", "account-purged", "sessions-revoked"} {
		accept(name, "OpenID RISC 1.0, Section 2: the account's tokens end", user, token1(event(riscType+name, "{}")))
	}
	accept("account-enabled", "OpenID RISC 1.0, Section 2: an account that is enabled loses nothing", nil, token1(event(riscType+"account-enabled", "{}")))
	accept("an unknown event", "RFC 8935, Section 2: only errors of parsing and validation are reported", nil, token1(event("https://example.com/x", "{}")))
	accept("an unknown event besides", events, user, token1(claim("events", `{"https://example.com/x":{},`+quote(caepType+"session-revoked")+`:{}}`)))

	const when = caep + "Section 2: event_timestamp is when the event happened"
	earlier := []vectors.Revoked{{Issuer: issuer, Subject: "anna", IssuedBefore: now - 60}}
	accept("event_timestamp", when, earlier, token1(event(caepType+"session-revoked", `{"event_timestamp":`+strconv.Itoa(now-60)+`}`)))
	accept("event_timestamp after iat", when, user, token1(event(caepType+"session-revoked", `{"event_timestamp":`+strconv.Itoa(now+3600)+`}`)))
	accept("event_timestamp in milliseconds", when, user, token1(event(caepType+"session-revoked", `{"event_timestamp":`+strconv.Itoa(now*1000)+`}`)))
	refuse(bad, "event_timestamp a string", when, token1(event(caepType+"session-revoked", `{"event_timestamp":"2026"}`)))
	accept("toe", "RFC 8417, Section 2.2: toe is when the event happened", earlier, token1(claim("toe", strconv.Itoa(now-60))))

	refuse(bad, "no events", some, token1(without("events")))
	refuse(bad, "events empty", some, token1(claim("events", "{}")))
	refuse(bad, "an event that is true", events, token1(event(caepType+"session-revoked", "true")))
	refuse(bad, "no jti", ids, token1(without("jti")))
	refuse(bad, "no iat", ids, token1(without("iat")))
	refuse(bad, "typ JWT", ssf+"Section 4.1.1: the type is required", token1(head("typ", `"JWT"`)))
	refuse(bad, "no typ", ssf+"Section 4.1.1: the type is required", token1(headWithout("typ")))
	refuse(bad, "a logout token", ssf+"Section 4.1.1: the type is secevent+jwt", token1(head("typ", `"logout+jwt"`)))
	refuse(bad, "exp", ssf+"Section 4.1.7: a SET has no exp", token1(claim("exp", strconv.Itoa(now+60))))
	refuse(bad, "sub", ssf+"Section 4.1.2: a SET has no sub", token1(claim("sub", `"anna"`)))
	refuse("invalid_issuer", "another issuer", "RFC 8935, Section 2.4: invalid_issuer", token1(claim("iss", `"https://evil.example.com/"`)))
	refuse("invalid_audience", "another audience", "RFC 8935, Section 2.4: invalid_audience", token1(claim("aud", `"x"`)))
	refuse("invalid_key", "another key's signature", "RFC 8935, Section 2.4: invalid_key", token1(by("RS256", otherRSA)))
}
