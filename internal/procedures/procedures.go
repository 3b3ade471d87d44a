// Package procedures has what the adapters for gRPC and for Connect share: the
// table of rules by procedure, and what a client is told of a rejection.
package procedures

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A Rule says who may call a procedure.
type Rule struct {
	Public bool
	Checks []validator.Check
}

// Words are those of an adapter, for its errors.
type Words struct {
	Package string // "grpcauth"
	Field   string // of its Config, with the rules: "Methods"
	Name    string // of a rule: "full method"
	Noun    string // "method"
}

// An Entry is a rule of a Table.
type Entry struct {
	Name   string // as in the table; "" for procedures that have none
	Public bool
	Guard  *middleware.Guard
}

// A Table has the rules by procedure, such as "/shop.Orders/List", and by
// service, such as "/shop.Orders/". It is safe for concurrent use.
type Table struct {
	entries map[string]*Entry
	unnamed *Entry
}

// New returns a Table. The error joins all faults. New panics if a check is
// nil.
func New(auth *middleware.Authenticator, rules map[string]Rule, words Words) (*Table, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf(words.Package+": "+format, args...))
	}
	if auth == nil {
		wrong("the Authenticator is nil")
		auth = new(middleware.Authenticator)
	}
	if len(rules) == 0 {
		wrong("Config.%s is empty, so every %s would be rejected", words.Field, words.Noun)
	}
	refused := &validator.Error{
		Code: validator.CodeRefused,
		Err:  fmt.Errorf("the %s has no Rule in the %s of %s.Config", words.Noun, words.Field, words.Package),
	}
	t := &Table{
		entries: make(map[string]*Entry, len(rules)),
		unnamed: &Entry{Guard: auth.Guard(func(context.Context, *validator.Claims) error { return refused })},
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if !isName(name) {
			wrong("Config.%s: %q is neither a %s, such as \"/shop.Orders/List\", nor a service, such as \"/shop.Orders/\"", words.Field, name, words.Name)
			continue
		}
		t.entries[name] = &Entry{name, rules[name].Public, auth.Guard(rules[name].Checks...)}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// isName reports whether name is that of a procedure or a service.
func isName(name string) bool {
	path, rooted := strings.CutPrefix(name, "/")
	service, procedure, ok := strings.Cut(path, "/")
	return rooted && ok && service != "" && !strings.Contains(procedure, "/")
}

// Of returns the Entry of a procedure: its own, otherwise that of its service,
// otherwise one that rejects every call. Servers find a procedure in the same
// way, byte by byte.
func (t *Table) Of(procedure string) *Entry {
	if e := t.entries[procedure]; e != nil {
		return e
	}
	if e := t.entries[procedure[:strings.LastIndexByte(procedure, '/')+1]]; e != nil {
		return e
	}
	return t.unnamed
}

// Names returns the names of the table, in order.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.entries)) }

// A Code is one of gRPC's, whose numbers Connect has taken over.
type Code uint32

// The codes of rejections.
const (
	PermissionDenied Code = 7
	Internal         Code = 13
	Unavailable      Code = 14
	Unauthenticated  Code = 16
)

// Domain is that of the ErrorInfo of a rejection.
const Domain = "rsguard"

// Answer returns what the client is told of a rejection: the code, and the
// reason in the ErrorInfo, which is the error code of an HTTP client's
// challenge, if there is one.
func Answer(refusal *middleware.Refusal) (code Code, reason string) {
	code, reason = Internal, "internal_error"
	switch refusal.Status {
	case http.StatusBadRequest, http.StatusUnauthorized:
		code, reason = Unauthenticated, "token_missing"
	case http.StatusForbidden:
		code, reason = PermissionDenied, "refused"
	case http.StatusServiceUnavailable:
		code, reason = Unavailable, "unavailable"
	}
	if word := refusal.ErrorCode(); word != "" {
		reason = word
	}
	return code, reason
}

// RetryAfter returns the time of the header field Retry-After, for RetryInfo.
func RetryAfter(h http.Header) (delay time.Duration, ok bool) {
	return seconds.Parse(h.Get("Retry-After"))
}
