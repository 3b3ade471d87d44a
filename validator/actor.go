package validator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rsguard/rsguard/internal/jose"
)

// An Actor is the party that uses a token on behalf of its subject, such as an
// agent or an administrator. It is the token's claim "act" (RFC 8693, Section
// 4.1).
type Actor struct {
	Subject  string // sub
	Issuer   string // iss, the issuer that names it Subject; if empty, the token's issuer
	ClientID string // client_id

	// Actor is the previous actor. RFC 8693, Section 4.1, forbids access
	// control decisions based on it.
	Actor *Actor
}

// maxActors is the largest number of actors in a token.
const maxActors = 8

// Actor returns the current actor of the token. It returns nil if the token
// names none. Subject of c is never the actor, but the party on whose behalf
// the actor acts.
//
// The error is an [*Error] with [CodeClaim] if the claim "act" is not an
// object, if "sub", "iss" or "client_id" in it is not a string, or if there are
// more than 8 actors in the chain. A Validator accepts such a token, and
// rejects it where [NoActor] or [Actors] is among the checks.
func (c *Claims) Actor() (*Actor, error) {
	act, there := c.claim("act")
	if !there {
		return nil, nil
	}
	first := new(Actor)
	for n, actor := 1, first; ; n++ {
		before, there, err := actor.read(act)
		switch {
		case err != nil:
			return nil, err
		case !there:
			return first, nil
		case n == maxActors:
			return nil, actorError(fmt.Sprintf("has more than %d actors in its chain", maxActors))
		}
		act, actor.Actor = before, new(Actor)
		actor = actor.Actor
	}
}

// read reads one actor, and returns the value of the one before it.
func (a *Actor) read(act jose.Value) (before jose.Value, there bool, err error) {
	if act.Kind() != jose.KindObject {
		return before, false, actorError("is " + act.Kind().String() + ", want an object")
	}
	var o jose.Object
	o.Open(act.Raw(), jose.ReadBefore)
	for o.Next() {
		ok := true
		switch o.Member.Name {
		case "sub":
			a.Subject, ok = o.Member.Value.Text()
		case "iss":
			a.Issuer, ok = o.Member.Value.Text()
		case "client_id":
			a.ClientID, ok = o.Member.Value.Text()
		case "act":
			before, there = o.Member.Value, true
		}
		if !ok {
			found := o.Member.Value.Kind().String()
			return before, false, actorError("has a " + o.Member.Name + " that is " + found + ", want " + wantText)
		}
	}
	return before, there, nil
}

func actorError(text string) error {
	return &Error{Code: CodeClaim, Err: errors.New("the claim act " + text)}
}

// NoActor returns a Check that rejects tokens that are used on behalf of their
// subject, which are those with a claim "act" of any value. It fails with
// [CodeRefused], or with [CodeClaim] as [Claims.Actor] does.
func NoActor() Check {
	return func(_ context.Context, c *Claims) error {
		switch actor, err := c.Actor(); {
		case err != nil:
			return err
		case actor != nil:
			return &Error{Code: CodeRefused, Err: errActor}
		}
		return nil
	}
}

var errActor = errors.New("the token is used by an actor on behalf of its subject (act), and NoActor rejects that")

// Actors returns a Check that requires one of these actors, by the "sub" of the
// claim "act". Only the current actor counts. If "act" has an "iss", it must be
// the token's. It fails with [CodeRefused], also if there is no actor, or with
// [CodeClaim] as [Claims.Actor] does. To allow an operation to users and to one
// agent, use AnyOf(NoActor(), Actors("agent-7")).
func Actors(subjects ...string) Check {
	mustBe(len(subjects) > 0 && !slices.Contains(subjects, ""), "Actors: no values, or an empty one")
	subjects = slices.Clone(subjects)
	refused := func(text, want string) *Error {
		return &Error{Code: CodeRefused, Err: errors.New(text + want + quoteAll(subjects))}
	}
	missing := refused("the token has no actor (act)", ", want one of ")
	other := refused("the token's actor is", " none of ")
	foreign := refused("the token's actor is another issuer's (iss in act)", ", want one of ")
	return func(_ context.Context, c *Claims) error {
		actor, err := c.Actor()
		switch {
		case err != nil:
			return err
		case actor == nil:
			return missing.clone()
		case actor.Issuer != "" && actor.Issuer != c.Issuer:
			return foreign.clone()
		}
		return unless(slices.Contains(subjects, actor.Subject), other)
	}
}

// actorNames returns the "sub" and the "client_id" of the current actor, as far
// as they are strings. It is for decisions in which an actor that can't be read
// whole must not count as none: that of a chain that is too long has its name.
func (c *Claims) actorNames() (subject, clientID string) {
	if c.act == "" || c.act[0] != '{' {
		return "", ""
	}
	var o jose.Object
	o.Open(c.act, jose.ReadBefore)
	for o.Next() {
		switch o.Member.Name {
		case "sub":
			subject, _ = o.Member.Value.Text()
		case "client_id":
			clientID, _ = o.Member.Value.Text()
		}
	}
	return subject, clientID
}

// actorName returns the name of the actor in logs.
func (c *Claims) actorName() string {
	actor, err := c.Actor()
	if actor == nil || err != nil {
		return ""
	}
	return cmp.Or(actor.Subject, actor.ClientID)
}
