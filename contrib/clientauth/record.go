package clientauth

import (
	"fmt"
	"strings"
	"time"
)

// A record is a value of a [Store] in clear: a token, why there is none, or both
// while an earlier token lives yet.
type record struct {
	Seq       int64  `json:"seq"` // one more with each token, so that an older value is known as such
	Token     string `json:"token,omitempty"`
	Type      string `json:"type,omitempty"`
	Scope     string `json:"scope,omitempty"`
	Requested int64  `json:"requested,omitempty"` // Unix time in milliseconds
	Lifetime  int64  `json:"lifetime,omitempty"`  // in milliseconds

	Failed int64  `json:"failed,omitempty"` // Unix time in milliseconds
	Until  int64  `json:"until,omitempty"`
	Status int    `json:"status,omitempty"`
	Why    string `json:"why,omitempty"`
}

// number returns the number of r's token. A record that is not there has 0.
func (r *record) number() int64 {
	if r == nil {
		return 0
	}
	return r.Seq
}

// failure returns why there is no token, while that counts.
func (r *record) failure(now time.Time) *Error {
	if r == nil || r.Until == 0 {
		return nil
	}
	failed, until := time.UnixMilli(r.Failed), time.UnixMilli(r.Until)
	now = now.Round(0)
	if !now.Before(until) || now.Before(failed.Add(-clockSkew)) {
		return nil
	}
	e := &Error{Code: CodeUnavailable, Status: r.Status, Err: fmt.Errorf("another process has failed: %s", r.Why)}
	return e.waiting(min(until.Sub(now), maxAsked))
}

// next returns the record after r, once a request has had this outcome, or nil
// if the outcome concerns no other process. Only an outage does: what an issuer
// rejects may be due to this process's settings.
func (r *record) next(g *grant, failure *Error, now time.Time) *record {
	switch {
	case failure == nil:
		return &record{
			Seq: g.seq, Token: g.token, Type: g.tokenType, Scope: g.scope,
			Requested: g.expiry.Add(-g.lifetime).UnixMilli(), Lifetime: g.lifetime.Milliseconds(),
		}
	case failure.Code != CodeUnavailable:
		return nil
	}
	next := new(record)
	if r != nil {
		*next = *r
	}
	next.Failed, next.Until = now.UnixMilli(), now.Add(min(max(failure.wait, failureLife), maxAsked)).UnixMilli()
	next.Status, next.Why = failure.Status, cut(strings.TrimPrefix(failure.Error(), "clientauth: "))
	return next
}

// life returns how long r is of use.
func (r *record) life(now time.Time) time.Duration {
	ends := r.Until
	if r.Token != "" {
		ends = max(ends, r.Requested+r.Lifetime)
	}
	return time.UnixMilli(ends).Sub(now.Round(0))
}
