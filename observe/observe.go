// Package observe describes what the library does besides deciding: requests to
// issuers, calls to introspection endpoints, commands to replay stores, and the
// states that follow from their results.
//
//	keys, err := jwks.NewCache(jwks.Config{
//		Issuer: "https://tenant.eu.auth0.com/",
//		Observe: func(ctx context.Context, e observe.Event) {
//			slog.DebugContext(ctx, "rsguard", "event", e)
//		},
//	})
//
// One function can serve every part, since [Event.Part] and [Event.Name] say
// which one an event is of. The modules contrib/otelguard and contrib/promguard
// have such functions. Decisions about requests are middleware.Event.
package observe

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/rsguard/rsguard/internal/show"
)

// A Part is a part of the library that observes itself.
type Part string

// The parts.
const (
	Keys          Part = "keys"          // jwks.Cache
	Introspection Part = "introspection" // introspection.Introspector
	Replays       Part = "replays"       // a replay store of DPoP proofs
	Revocation    Part = "revocation"    // a revocation list's feed
)

// A Kind says what has happened, and which fields of an [Event] are set.
type Kind string

// The kinds.
const (
	// RequestBegan and RequestEnded are of one request to another service. It
	// may be an HTTP request or a command of Redis.
	RequestBegan Kind = "request_began"
	RequestEnded Kind = "request_ended"

	// StateChanged is a change of the state that the part's Status has, of
	// Failing or of Misconfigured.
	StateChanged Kind = "state_changed"

	// KeysChanged is a response of the issuer that has added or withdrawn keys.
	KeysChanged Kind = "keys_changed"

	// UnknownKeys are lookups of key IDs that the issuer does not have. They
	// are told together, at most once in ten seconds.
	UnknownKeys Kind = "unknown_keys"
)

// A Request is what a part has asked for.
type Request string

// The requests.
const (
	Metadata   Request = "metadata"   // the issuer's metadata (OpenID Connect Discovery 1.0, RFC 8414)
	KeySet     Request = "key_set"    // the issuer's key set (RFC 7517)
	Introspect Request = "introspect" // the state of a token (RFC 7662)
	UserInfo   Request = "userinfo"   // the same, of the userinfo endpoint
	AddProof   Request = "add_proof"  // whether a proof is new
	Feed       Request = "feed"       // what has been revoked
)

// An Outcome says how a request has ended.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"
	NotModified Outcome = "not_modified" // 304: what is held is still valid
	Timeout     Outcome = "timeout"      // no complete response in time
	Unreachable Outcome = "unreachable"  // no connection, or one that broke
	Status      Outcome = "status"       // a status that is no success
	Redirect    Outcome = "redirect"     // a redirect, which is not followed
	TooLarge    Outcome = "too_large"    // a response over the limit
	Malformed   Outcome = "malformed"    // not the document that was asked for
	OtherIssuer Outcome = "other_issuer" // the metadata of another issuer
	Canceled    Outcome = "canceled"     // the request for which it was made is gone
	Failed      Outcome = "failed"       // otherwise
)

// An Event is something that a part has done or found. It has no token, no
// claim and no key, and no URL but its host.
//
// Part, Kind, Request, Outcome, Status, State and Was have few values, whatever
// clients and issuers send, so that they can be attributes of metrics. Name has
// as many as the program configures. Host is an issuer's choice, and key IDs
// are as well.
type Event struct {
	Part Part
	Kind Kind
	Name string    // as configured: the issuer, or what the part has in place of one; cut to 256 bytes
	Time time.Time // by the Now of the part's Config

	Request  Request       // of RequestBegan and RequestEnded
	Host     string        // likewise, with the port, if there is one; cut to 256 bytes
	Duration time.Duration // of RequestEnded
	Outcome  Outcome       // of RequestEnded
	Status   int           // of RequestEnded: of the response, or 0
	Bytes    int           // of RequestEnded: of the response's body, or 0

	// Of StateChanged: the new state and the one before, as in the Status of
	// the part; whether the last request failed; and whether it did so by a
	// mistake in the Config.
	State, Was             string
	Failing, Misconfigured bool

	// Of KeysChanged: the IDs of keys, at most 100 of each, cut to 256 bytes.
	// A key that has replaced another under one ID is in both. The ID of a key
	// without one is empty.
	Added, Withdrawn []string

	Count int // of UnknownKeys: the lookups since the last event of this kind
}

// LogValue returns the fields of e that are not empty.
func (e Event) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, 12)
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	number := func(name string, value int) {
		if value != 0 {
			attrs = append(attrs, slog.Int(name, value))
		}
	}
	text("part", string(e.Part))
	text("kind", string(e.Kind))
	text("name", e.Name)
	text("request", string(e.Request))
	text("host", e.Host)
	text("outcome", string(e.Outcome))
	number("status", e.Status)
	number("bytes", e.Bytes)
	if e.Duration > 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	text("state", e.State)
	text("was", e.Was)
	if e.Failing {
		attrs = append(attrs, slog.Bool("failing", true))
	}
	if e.Misconfigured {
		attrs = append(attrs, slog.Bool("misconfigured", true))
	}
	if len(e.Added) > 0 {
		attrs = append(attrs, slog.Any("added", e.Added))
	}
	if len(e.Withdrawn) > 0 {
		attrs = append(attrs, slog.Any("withdrawn", e.Withdrawn))
	}
	number("count", e.Count)
	return slog.GroupValue(attrs...)
}

// Format writes what [Event.LogValue] returns, for every verb of package fmt.
func (e Event) Format(f fmt.State, _ rune) { show.Format(f, "observe.Event", e.LogValue()) }
