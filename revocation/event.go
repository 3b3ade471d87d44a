package revocation

import (
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

// The types of events begin with these.
const (
	caepEvents = "https://schemas.openid.net/secevent/caep/event-type/"
	riscEvents = "https://schemas.openid.net/secevent/risc/event-type/"
	ssfEvents  = "https://schemas.openid.net/secevent/ssf/event-type/"
)

// An effect is what becomes of an event.
type effect int

const (
	endsSession    effect = iota + 1 // of the tokens of a session, or of all sessions of a user
	replacesTokens                   // of tokens from before the event, since the next ones will differ
	endsAccount                      // of the tokens of a user
	verifiesStream
	changesStream
)

// effects are those of the events that are understood. DESIGN.md gives the
// reasons.
var effects = map[string]effect{
	caepEvents + "session-revoked":     endsSession,    // CAEP 1.0, Section 3.1
	caepEvents + "token-claims-change": replacesTokens, // CAEP 1.0, Section 3.2
	caepEvents + "credential-change":   replacesTokens, // CAEP 1.0, Section 3.3
	riscEvents + "account-disabled":    endsAccount,
	riscEvents + "account-purged":      endsAccount,
	riscEvents + "sessions-revoked":    endsAccount,
	ssfEvents + "verification":         verifiesStream, // Shared Signals Framework 1.0, Section 8.1.4.1
	ssfEvents + "stream-updated":       changesStream,  // Section 8.1.5
}

// An event is one that is understood.
type event struct {
	name string // the last part of its type
	effect
	members []jose.Member
}

// understood returns the events of a SET that are understood, and the types of
// the others.
func understood(events jose.Value) (list []event, others []string, refused *refusal) {
	members, err := jose.ParseObject(nil, events.Raw(), jose.ReadBefore)
	if err != nil {
		return nil, nil, refuse(codeRequest, "its events can't be read")
	}
	if len(members) == 0 {
		return nil, nil, refuse(codeRequest, "its events is empty (RFC 8417, Section 2)")
	}
	for _, m := range members {
		if m.Value.Kind() != jose.KindObject {
			return nil, nil, refuse(codeRequest, "an event is not an object (RFC 8417, Section 2.2)")
		}
		effect, ok := effects[m.Name]
		if !ok {
			others = append(others, m.Name)
			continue
		}
		payload, err := jose.ParseObject(nil, m.Value.Raw(), jose.ReadBefore)
		if err != nil {
			return nil, nil, refuse(codeRequest, "an event can't be read")
		}
		list = append(list, event{m.Name[strings.LastIndexByte(m.Name, '/')+1:], effect, payload})
	}
	return list, others, nil
}

// text returns a member of the event that is a string.
func (e *event) text(name string) string {
	v, _ := jose.Lookup(e.members, name)
	text, _ := v.Text()
	return text
}

// harmless reports whether the event takes nothing from anyone.
func (e *event) harmless() (bool, *refusal) {
	if e.name != "credential-change" {
		return false, nil
	}
	switch e.text("change_type") {
	case "create":
		// A credential more is no reason to end what another one began.
		return true, nil
	case "revoke", "update", "delete":
		return false, nil
	}
	return false, refuse(codeRequest, "a credential-change has no change_type of CAEP 1.0, Section 3.3.1")
}

// happened returns when the event happened. It is the event's event_timestamp
// (CAEP 1.0, Section 2), otherwise toe (RFC 8417, Section 2.2), otherwise iat. An
// event is not after the SET about it, and the iat of that was checked. So a
// date in the future, or in milliseconds, can't reject the tokens of years.
func (e *event) happened(x *signal) (time.Time, *refusal) {
	date, ok := jose.Lookup(e.members, "event_timestamp")
	if !ok {
		if date, ok = jose.Lookup(x.claims, "toe"); !ok {
			return x.issuedAt, nil
		}
	}
	if date.Kind() != jose.KindNumber {
		return time.Time{}, refuse(codeRequest, "event_timestamp or toe is not a number")
	}
	t, ok := date.Time()
	switch {
	case !ok && !strings.HasPrefix(date.Raw(), "-"), ok && t.After(x.issuedAt):
		return x.issuedAt, nil
	case !ok, t.Unix() < 0:
		return time.Time{}, refuse(codeRequest, "event_timestamp or toe is before 1970")
	}
	return t, nil
}
