package testutil

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/revocation"
	"github.com/rsguard/rsguard/validator"
)

func (run *adapterRun) observe(_ context.Context, e middleware.Event) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.events = append(run.events, e)
	if run.panics {
		panic("the suite's Observe")
	}
}

// observed reports events that are not one for each of these, in the fields
// that a Guard gets from the adapter or decides.
func (run *adapterRun) observed(want ...middleware.Event) {
	run.t.Helper()
	run.mu.Lock()
	defer run.mu.Unlock()
	if len(run.events) != len(want) {
		run.t.Errorf("%d events of decisions, want %d: call Guard.Do once for a request. The events are %v", len(run.events), len(want), run.events)
		return
	}
	for i, w := range want {
		got := run.events[i]
		if got.Outcome != w.Outcome || got.Status != w.Status || got.Code != w.Code || got.Subject != w.Subject || got.Scheme != w.Scheme ||
			got.Binding != w.Binding || got.Remembered != w.Remembered || got.Service != w.Service {
			run.t.Errorf("event %d = %v, want %v: give Guard.Do what the client sent, and all of it", i, got, w)
		}
		if got.Method != w.Method {
			run.t.Errorf("event %d has the method %q, want %q: it is that of the request that Guard.Do gets", i, got.Method, w.Method)
		}
		if strings.Contains(got.Route, "/orders/7") {
			run.t.Errorf("event %d has the route %q, and clients can make up as many as they like: Request.Pattern is the route's pattern, not the path", i, got.Route)
		}
	}
}

// event is what a row's request must be observed as.
func (row adapterRow) event(m mount) middleware.Event {
	method, _ := m.request(http.MethodGet, "/")
	e := middleware.Event{Outcome: middleware.Accepted, Subject: adapterSubject, Scheme: "Bearer", Method: method}
	switch {
	case row.status != 0:
		e.Outcome, e.Status, e.Code = middleware.Rejected, row.status, validator.Code(row.code())
		if row.checked == 0 { // no check has seen claims
			e.Subject = ""
		}
		if row.keys != nil {
			e.Service = "keys"
		}
		if e.Code == validator.CodeMissing || e.Code == validator.CodeInternal && row.checked == 0 { // no credentials are known
			e.Scheme = ""
		}
	case row.anonymous:
		e.Outcome, e.Subject, e.Scheme = middleware.Anonymous, "", ""
	}
	return e
}

// oneEvent tests that each decision is observed once, with all that there is to
// tell of it, also if a check panics, the client goes or there is no token.
func oneEvent(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	run, token := tokens.runWith(t, m, middleware.Config{}, nil, Claims{
		"jti": "t1", "client_id": "shop", "org_id": "org_1", "act": Claims{"sub": "agent-7"},
	})
	if run == nil {
		return
	}
	for range 2 {
		run.send(http.MethodGet, "/orders/7", []string{"Bearer %s"}, token)
	}
	method, _ := m.request(http.MethodGet, "/")
	first := middleware.Event{Outcome: middleware.Accepted, Subject: adapterSubject, Scheme: "Bearer", Method: method}
	again := first
	again.Remembered = true
	run.observed(first, again)
	for _, e := range run.events {
		if e.Issuer != "https://issuer.example/" || e.KeyID != "k1" || e.Algorithm != "EdDSA" || e.Client != "shop" || e.Actor != "agent-7" ||
			e.Organization != "org_1" || len(e.TokenHash([]byte("key"))) != 32 {
			t.Errorf("event = %v, want one with the issuer, key, algorithm, client, actor, organization and token of the claims", e)
		}
	}

	if m.procedure != "" {
		return
	}
	preflight := func(cfg middleware.Config, want middleware.Event) {
		t.Helper()
		run, _ := tokens.run(t, m, cfg, []validator.Check{validator.Scopes("orders:read")})
		if run == nil {
			return
		}
		r := httptest.NewRequestWithContext(context.Background(), http.MethodOptions, "/orders/7", nil)
		r.Header.Set("Origin", "https://shop.example.com")
		r.Header.Set("Access-Control-Request-Method", "PUT")
		run.serve(r)
		run.observed(want)
	}
	preflight(middleware.Config{AllowPreflight: true}, middleware.Event{Outcome: middleware.Anonymous, Method: "OPTIONS"})
	preflight(middleware.Config{}, middleware.Event{
		Outcome: middleware.Rejected, Status: 401, Code: validator.CodeMissing, Method: "OPTIONS",
	})
}

// logPanics tests that a response, and the handler's call, depend on neither the
// log nor Observe.
func logPanics(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	method, _ := m.request(http.MethodGet, "/")
	accepted := middleware.Event{Outcome: middleware.Accepted, Subject: adapterSubject, Scheme: "Bearer", Method: method}
	run, token := tokens.run(t, m, middleware.Config{}, nil)
	if run == nil {
		return
	}
	run.panics = true
	run.accepted(run.send(http.MethodGet, "/orders/7", []string{"Bearer %s"}, token), http.MethodGet, "/orders/7", adapterSubject)
	run.observed(accepted)

	run, token = tokens.run(t, m, middleware.Config{}, []validator.Check{validator.Scopes("orders:write")})
	if run == nil {
		return
	}
	run.panics = true
	run.refused(run.send(http.MethodGet, "/orders/7", []string{"Bearer %s"}, token), 403, []string{`Bearer error="insufficient_scope", scope="orders:write"`}, "")
	run.coded("insufficient_scope")
	rejected := accepted
	rejected.Outcome, rejected.Status, rejected.Code = middleware.Rejected, 403, validator.CodeScope
	run.observed(rejected)
}

// endTold tests that a token that is revoked while its handler runs is told as
// one more rejection, also if two Guards of its Authenticator have accepted it.
func endTold(t reporter, m mount, tokens *adapterTokens) {
	t.Helper()
	method, _ := m.request(http.MethodGet, "/")
	accepted := middleware.Event{Outcome: middleware.Accepted, Subject: adapterSubject, Scheme: "Bearer", Method: method}
	ended := accepted
	ended.Outcome, ended.Status, ended.Code = middleware.Rejected, http.StatusUnauthorized, validator.CodeRevoked
	nested := m.with(func(next http.Handler, layer Layer) func(*http.Request) *http.Response {
		return m.serve(next, Layer{Auth: layer.Auth}, layer) //nolint:bodyclose // it returns a function, and no response yet
	})
	for _, tt := range []struct {
		m    mount
		want []middleware.Event
	}{
		{m, []middleware.Event{accepted, ended}},
		{nested, []middleware.Event{accepted, accepted, ended}},
	} {
		list, err := revocation.New(revocation.Config{Now: func() time.Time { return adapterTime }})
		if err != nil {
			t.Errorf("revocation.New() error = %v", err)
			return
		}
		run, token := tokens.run(t, tt.m, middleware.Config{Revocations: list, CancelWithToken: true}, nil)
		if run == nil {
			return
		}
		run.during = func() {
			rule := revocation.Rule{Issuer: "https://issuer.example/", Subject: adapterSubject, IssuedBefore: adapterTime}
			if err := list.Revoke(context.Background(), rule); err != nil {
				t.Errorf("Revoke() error = %v", err)
			}
		}
		run.send(http.MethodGet, "/orders", []string{"Bearer %s"}, token)
		if len(run.handled) != 1 {
			t.Errorf("the handler was called %d times, want once", len(run.handled))
		}
		if len(run.events) < len(tt.want) {
			t.Errorf("%d events, want %d: the end of a token is not told, call Guard.Done when the handler has returned", len(run.events), len(tt.want))
			return
		}
		run.observed(tt.want...)
	}
}
