package revocation

import (
	"slices"
	"strings"

	"github.com/rsguard/rsguard/internal/jose"
)

// A subject is what an event is about, as far as a rule can name it.
type subject struct {
	issuer string // of the tokens

	token, user, session, client, organization string

	// ignored are the formats and members that no rule can name. critical is
	// whether one of them is critical.
	ignored  []string
	critical bool
}

// A place is where a Subject Identifier is. The same format means something else
// in another one.
type place string

const (
	whole       place = "" // the SET's sub_id itself
	asUser      place = "user"
	asSession   place = "session"
	application place = "application"
	tenant      place = "tenant"
)

// subjectOf returns the subject of an event.
func (r *eventReceiver) subjectOf(x *signal, e *event) (*subject, *refusal) {
	// The Shared Signals Framework 1.0, Section 3.1: sub_id, and for event types
	// that are older also "subject" in the event.
	id, ok := jose.Lookup(x.claims, "sub_id")
	if !ok {
		id, _ = jose.Lookup(e.members, "subject")
	}
	if id.Kind() != jose.KindObject {
		return nil, refuse(codeRequest, "sub_id is missing, or not an object")
	}
	s := new(subject)
	if refused := r.readSubject(s, id, whole, x, e); refused != nil {
		return nil, refused
	}
	if refused := within(s.issuer, s.token, s.user, s.session, s.client, s.organization); refused != nil {
		return nil, refused
	}
	return s, nil
}

// readSubject reads a Subject Identifier (RFC 9493, Section 3) or a Complex
// Subject (Shared Signals Framework 1.0, Section 3.3).
func (r *eventReceiver) readSubject(s *subject, id jose.Value, at place, x *signal, e *event) *refusal {
	members, err := jose.ParseObject(nil, id.Raw(), jose.ReadBefore)
	if err != nil {
		return refuse(codeRequest, "a subject can't be read")
	}
	text := func(name string) string {
		v, _ := jose.Lookup(members, name)
		text, _ := v.Text()
		return text
	}
	format := text("format")
	if format == "" {
		format = text("subject_type") // of the drafts, and of Google
	}
	format = strings.ReplaceAll(format, "-", "_") // as in jwt-id, of the drafts
	switch format {
	case "iss_sub":
		return r.readIssuerAndSubject(s, text("iss"), text("sub"), at, x)
	case "jwt_id":
		if at != whole && at != asSession {
			break
		}
		return r.readTokenID(s, text("iss"), text("jti"), x)
	case "opaque":
		return r.readOpaque(s, text("id"), at, x, e)
	case "aliases":
		if at == whole {
			return r.readAliases(s, members, x, e)
		}
	case "complex", "":
		if at == whole {
			return r.readComplex(s, members, x, e)
		}
	}
	if format == "" {
		return refuse(codeRequest, "a subject has no format")
	}
	s.ignore(at, format)
	return nil
}

// ignore notes what no rule can name. Its text comes from the SET.
func (s *subject) ignore(at place, what string) {
	if len(what) > 64 {
		what = strings.ToValidUTF8(what[:64], "")
	}
	if at != whole {
		what = string(at) + " of format " + what
	}
	s.ignored = append(s.ignored, what)
}

// isOf notes the issuer of the tokens that a subject names. It reports false if
// the sender can't speak for it.
func (r *eventReceiver) isOf(s *subject, issuer string, x *signal) bool {
	allowed := issuer == x.issuer
	if len(r.cfg.TokenIssuers) > 0 {
		allowed = slices.Contains(r.cfg.TokenIssuers, issuer)
	}
	if !allowed || s.issuer != "" && s.issuer != issuer {
		return false
	}
	s.issuer = issuer
	return true
}

// isOfSender is isOf for an identifier that doesn't name its issuer.
func (r *eventReceiver) isOfSender(s *subject, x *signal) bool {
	switch {
	case s.issuer != "":
		return true // of another member
	case len(r.cfg.TokenIssuers) == 0:
		s.issuer = x.issuer
	case len(r.cfg.TokenIssuers) == 1:
		s.issuer = r.cfg.TokenIssuers[0]
	default:
		return false
	}
	return true
}

func (r *eventReceiver) readIssuerAndSubject(s *subject, issuer, sub string, at place, x *signal) *refusal {
	if issuer == "" || sub == "" {
		return refuse(codeRequest, "a subject of format iss_sub has no iss or no sub (RFC 9493, Section 3.2.3)")
	}
	if at != whole && at != asUser {
		s.ignore(at, "iss_sub")
		return nil
	}
	if !r.isOf(s, issuer, x) {
		s.ignore(at, "iss_sub with another iss")
		return nil
	}
	s.user = sub
	return nil
}

func (r *eventReceiver) readTokenID(s *subject, issuer, id string, x *signal) *refusal {
	if issuer == "" || id == "" {
		return refuse(codeRequest, "a subject of format jwt_id has no iss or no jti")
	}
	if !r.isOf(s, issuer, x) {
		s.ignore(whole, "jwt_id with another iss")
		return nil
	}
	s.token = id
	return nil
}

func (r *eventReceiver) readOpaque(s *subject, id string, at place, x *signal, e *event) *refusal {
	if id == "" {
		return refuse(codeRequest, "a subject of format opaque has no id (RFC 9493, Section 3.2.4)")
	}
	if !r.isOfSender(s, x) {
		s.ignore(at, "opaque, of which of the TokenIssuers is not known")
		return nil
	}
	switch {
	case at == asSession || at == whole && e.effect == endsSession:
		s.session = id // as in the first example of CAEP 1.0, Section 3.1.2
	case at == asUser || at == whole:
		s.user = id
	case at == application:
		s.client = id
	case at == tenant:
		s.organization = id
	}
	return nil
}

// readAliases reads several identifiers of one subject (RFC 9493, Section
// 3.2.8), of which the first that a rule can name is enough.
func (r *eventReceiver) readAliases(s *subject, members []jose.Member, x *signal, e *event) *refusal {
	list, _ := jose.Lookup(members, "identifiers")
	if list.Kind() != jose.KindArray || list.Len() == 0 {
		return refuse(codeRequest, "a subject of format aliases has no identifiers (RFC 9493, Section 3.2.8)")
	}
	for id := range list.All() {
		if id.Kind() != jose.KindObject {
			return refuse(codeRequest, "an alias is not an object")
		}
		one := new(subject)
		// Aliases must not be nested, nor complex.
		inner, _ := jose.ParseObject(nil, id.Raw(), jose.ReadBefore)
		format, _ := jose.Lookup(inner, "format")
		if format.Is("aliases") || format.Is("complex") || format.Kind() != jose.KindString {
			return refuse(codeRequest, "an alias is of a format that no alias has")
		}
		if refused := r.readSubject(one, id, whole, x, e); refused != nil {
			return refused
		}
		if one.named() {
			*s = *one
			return nil
		}
		if len(s.ignored) < maxIgnored {
			s.ignored = append(s.ignored, one.ignored...)
		}
	}
	return nil
}

// maxIgnored bounds what is logged of a subject.
const maxIgnored = 8

func (r *eventReceiver) readComplex(s *subject, members []jose.Member, x *signal, e *event) *refusal {
	found := false
	// A user names its issuer, so that comes first.
	for _, at := range []place{asUser, asSession, application, tenant} {
		id, ok := jose.Lookup(members, string(at))
		if !ok {
			continue
		}
		found = true
		if id.Kind() != jose.KindObject {
			return refuse(codeRequest, "a member of a complex subject is not an object")
		}
		before := len(s.ignored)
		if refused := r.readSubject(s, id, at, x, e); refused != nil {
			return refused
		}
		if len(s.ignored) > before && r.isCritical(string(at)) {
			s.critical = true
		}
	}
	for _, m := range members {
		switch m.Name {
		case "format", "subject_type", string(asUser), string(asSession), string(application), string(tenant):
			continue
		}
		if r.isCritical(m.Name) {
			s.critical = true
		}
		if m.Value.Kind() == jose.KindObject {
			found = true
			if len(s.ignored) < maxIgnored {
				s.ignore(whole, m.Name)
			}
		}
	}
	if !found {
		return refuse(codeRequest, "a subject has neither a format nor a member of a complex subject")
	}
	if s.token != "" || s.user != "" || s.session != "" {
		return nil
	}
	if len(s.ignored) > 0 {
		// What is left of the subject names more than the event is about: a
		// whole tenant in place of a group in it.
		s.client, s.organization = "", ""
	}
	return nil
}

// isCritical reports whether an event is discarded if this member of its subject
// can't be processed (Section 3.6).
func (r *eventReceiver) isCritical(name string) bool {
	return slices.Contains(r.cfg.CriticalSubjectMembers, name)
}

// named reports whether a rule can name the subject.
func (s *subject) named() bool {
	return s.token != "" || s.user != "" || s.session != "" || s.client != "" || s.organization != ""
}
