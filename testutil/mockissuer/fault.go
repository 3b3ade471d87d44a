package mockissuer

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A FaultKind is a way in which an issuer can fail.
type FaultKind string

// The kinds of faults.
const (
	// FaultStatus answers with [Fault.Status] and a line of text.
	FaultStatus FaultKind = "status"
	// FaultDelay answers correctly after [Fault.Delay].
	FaultDelay FaultKind = "delay"
	// FaultHang never answers. It ends when the client gives up or the issuer
	// is closed.
	FaultHang FaultKind = "hang"
	// FaultDrop closes the connection without an answer.
	FaultDrop FaultKind = "drop"
	// FaultEmptySet answers with a key set without keys.
	FaultEmptySet FaultKind = "empty set"
	// FaultPage answers with 200 and a page of HTML, as captive portals and
	// proxies do.
	FaultPage FaultKind = "page"
	// FaultHugeBody answers with a JSON object of 32 MiB.
	FaultHugeBody FaultKind = "huge body"
	// FaultCutShort answers with the beginning of a JSON object.
	FaultCutShort FaultKind = "cut short"
	// FaultRedirect answers with a redirect to [Fault.Location].
	FaultRedirect FaultKind = "redirect"
	// FaultWrongIssuer answers with the metadata of another issuer. At
	// [EndpointIntrospection] it answers with the "iss" of another issuer.
	FaultWrongIssuer FaultKind = "wrong issuer"
	// FaultActiveString answers an introspection with "active" as a string.
	FaultActiveString FaultKind = "active string"
	// FaultDuplicateMember answers an introspection with "active" twice, first
	// as false.
	FaultDuplicateMember FaultKind = "duplicate member"
	// FaultOtherToken answers every introspection as for an active token of
	// another user.
	FaultOtherToken FaultKind = "other token"

	// FaultLate sends a signal after [Fault.Delay], or a second.
	FaultLate FaultKind = "signal late"
	// FaultTwice sends a signal once more after it was received.
	FaultTwice FaultKind = "signal twice"
	// FaultOutOfOrder sends a signal after the next one to its receiver, or
	// after ten seconds.
	FaultOutOfOrder FaultKind = "signal out of order"
	// FaultWrongKey signs a signal with a stranger's key.
	FaultWrongKey FaultKind = "signal by a wrong key"
	// FaultUnreachable has an attempt to send a signal fail, as if nothing
	// listened. The issuer tries again.
	FaultUnreachable FaultKind = "receiver unreachable"
)

// FaultKinds returns the kinds that spoil answers.
func FaultKinds() []FaultKind {
	return []FaultKind{
		FaultStatus, FaultDelay, FaultHang, FaultDrop, FaultEmptySet, FaultPage, FaultHugeBody, FaultCutShort,
		FaultRedirect, FaultWrongIssuer, FaultActiveString, FaultDuplicateMember, FaultOtherToken,
	}
}

// SignalFaultKinds returns the kinds that spoil signals.
func SignalFaultKinds() []FaultKind {
	return []FaultKind{FaultLate, FaultTwice, FaultOutOfOrder, FaultWrongKey, FaultUnreachable}
}

// A Fault describes how an endpoint fails.
type Fault struct {
	Kind FaultKind
	// Endpoint is the endpoint that fails. If empty, it is the key set, both
	// metadata documents for [FaultWrongIssuer], or [EndpointIntrospection] for
	// the faults of an introspection, which no other endpoint has. The faults of
	// signals are of no endpoint.
	Endpoint Endpoint
	// Status is the status of [FaultStatus]. If zero, it is 500.
	Status int
	// RetryAfter is the Retry-After field of [FaultStatus]. If empty, there is
	// none.
	RetryAfter string
	// Location is the URL of [FaultRedirect]. If empty, it is one of the host
	// redirected.invalid.
	Location string
	// Delay is the delay of [FaultDelay] or [FaultLate].
	Delay time.Duration
	// Times is the number of answers that fail, or of signals or attempts. If
	// zero, all fail until undo or [Issuer.Heal] is called. A signal to two
	// receivers counts twice.
	Times int
}

type liveFault struct {
	Fault
	left int // -1 means all
}

// Fail makes an endpoint fail until undo is called, or f.Times times. If
// several faults apply, the newest one is used. Fail panics if the kind of
// fault doesn't exist.
func (iss *Issuer) Fail(f Fault) (undo func()) {
	if !slices.Contains(FaultKinds(), f.Kind) && !slices.Contains(SignalFaultKinds(), f.Kind) {
		panic(fmt.Sprintf("mockissuer: no fault is called %q", f.Kind))
	}
	if f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	live := &liveFault{Fault: f, left: -1}
	if f.Times > 0 {
		live.left = f.Times
	}

	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.faults = append(iss.faults, live)
	return func() {
		iss.mu.Lock()
		defer iss.mu.Unlock()
		iss.faults = slices.DeleteFunc(iss.faults, func(f *liveFault) bool { return f == live })
	}
}

// Heal undoes all faults, and brings the issuer up if it is down.
func (iss *Issuer) Heal() {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.faults = nil
	iss.down = false
}

// Faults returns the remaining faults, oldest first. Their Times are the
// remaining ones.
func (iss *Issuer) Faults() []Fault {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	var list []Fault
	for _, f := range iss.faults {
		f.Times = max(f.left, 0)
		list = append(list, f.Fault)
	}
	return list
}

func (f *liveFault) at(e Endpoint) bool {
	switch {
	case slices.Contains(SignalFaultKinds(), f.Kind):
		return false
	case f.Kind == FaultActiveString || f.Kind == FaultDuplicateMember || f.Kind == FaultOtherToken:
		return e == EndpointIntrospection
	case f.Endpoint != "":
		return f.Endpoint == e
	case f.Kind == FaultWrongIssuer:
		return e == EndpointDiscovery || e == EndpointMetadata
	default:
		return e == EndpointKeySet
	}
}

// nextFault uses one of the newest fault's times.
func (iss *Issuer) nextFault(e Endpoint) *liveFault {
	for _, f := range slices.Backward(iss.faults) {
		if !f.at(e) {
			continue
		}
		iss.use(f)
		return f
	}
	return nil
}

// use uses one of f's times.
func (iss *Issuer) use(f *liveFault) {
	if f.left > 0 {
		f.left--
	}
	if f.left == 0 {
		iss.faults = slices.DeleteFunc(iss.faults, func(g *liveFault) bool { return g == f })
	}
}

// spoil answers as f says, and reports whether the answer is complete.
func (iss *Issuer) spoil(w http.ResponseWriter, r *http.Request, f *liveFault) bool {
	switch f.Kind {
	case FaultStatus:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		http.Error(w, "This failure was asked for.", f.Status)
	case FaultDelay:
		if iss.wait(r.Context(), f.Delay) == nil {
			return false
		}
		panic(http.ErrAbortHandler)
	case FaultHang:
		_ = iss.wait(r.Context(), -1)
		panic(http.ErrAbortHandler)
	case FaultDrop:
		panic(http.ErrAbortHandler)
	case FaultEmptySet:
		respond(w, "application/json", `{"keys":[]}`)
	case FaultPage:
		respond(w, "text/html; charset=utf-8", "<!DOCTYPE html><title>Welcome</title><p>Please accept our terms.")
	case FaultHugeBody:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"padding":"`))
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 32 {
			if _, err := w.Write(chunk); err != nil {
				return true
			}
		}
		_, _ = w.Write([]byte(`"}`))
	case FaultCutShort:
		respond(w, "application/json", `{"keys":[{"kty":"RSA","n":"AQ`)
	case FaultRedirect:
		http.Redirect(w, r, cmp.Or(f.Location, "https://redirected.invalid/"), http.StatusFound) //nolint:gosec // G710: a test says where to
	case FaultActiveString, FaultDuplicateMember, FaultOtherToken:
		return false
	case FaultWrongIssuer:
		if r.URL.Path == string(EndpointIntrospection) {
			return false
		}
		respond(w, "application/json", string(iss.metadata("https://somebody-else.example.com/")))
	}
	return true
}

func respond(w http.ResponseWriter, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write([]byte(body))
}
