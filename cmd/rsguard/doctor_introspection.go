package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rsguard/rsguard/introspection"
	"github.com/rsguard/rsguard/observe"
	"github.com/rsguard/rsguard/validator"
)

// introspection asks the endpoint about a token that can't be known to it.
func (d *examiner) introspection(ctx context.Context, client credentials) {
	s := &d.settings.Introspection
	if !s.asks() {
		return
	}
	d.report.begin("introspection")
	d.certificate(client.certificate)
	transport := d.recorderFor(client.certificate)
	events := newTold()
	in, err := introspection.New(introspection.Config{
		Issuer: d.Issuers[0], Issuers: d.Issuers[1:], Endpoint: s.Endpoint, InsecureHTTP: d.InsecureHTTP,
		Audiences: d.Audiences, AudienceClaim: d.AudienceClaim, ClientID: s.ClientID, Auth: client.auth,
		Client: &http.Client{Transport: transport}, Timeout: d.Timeout, Logger: discard, Observe: events.observe,
	})
	if err != nil {
		d.report.add(change, "settings", strings.ReplaceAll(firstLine(err), "introspection: Config.Endpoint", "-introspection"),
			"correct it: the service would not start")
		return
	}
	claims, err := in.Validate(ctx, "rsguard-doctor-"+rand.Text())
	ended, seen := events.all(ctx, d.Timeout), transport.exchanges()
	if ctx.Err() != nil {
		return
	}
	d.tls(seen)
	for i := range min(len(seen), len(ended)) {
		if ended[i].Request == observe.Metadata && ended[i].Outcome == observe.OK {
			d.metadata = seen[i].body
		}
	}
	x, e := &exchange{url: s.Endpoint}, observe.Event{Outcome: observe.Failed}
	for i := range min(len(seen), len(ended)) {
		if ended[i].Part == observe.Introspection { // and not of the keys of a signed answer
			x, e = &seen[i], ended[i]
		}
	}
	switch code := validator.CodeOf(err); {
	case claims != nil || code != validator.CodeRevoked && e.Outcome == observe.OK:
		d.report.add(change, "answer", "it calls a token that was made up active: "+x.shown(),
			"don't use this endpoint: it says nothing about the token that is sent, and every token would be accepted")
	case err == nil || code == validator.CodeRevoked:
		d.answer(x)
	case e.Outcome == observe.OtherIssuer:
		d.report.add(change, "metadata", fmt.Sprintf("%s: it is the metadata of %.256q", x.shown(), x.issuer()),
			fmt.Sprintf("set -introspection to the endpoint's URL, or -issuer to %.256q if the tokens have that in iss", x.issuer()))
	case x.res != nil && slices.Contains([]int{400, 401, 403}, x.res.StatusCode):
		d.report.add(change, "credentials", x.shown(), d.adviceCredentials(client))
	case x.handshakeEnded() && client.certificate == nil:
		d.report.add(change, "credentials", fmt.Sprintf("%s, %s", x.shown(), x.found(e.Outcome)),
			"if the server wants a client certificate, set -client-certificate-file and -client-key-file")
	case x.handshakeEnded():
		d.report.add(change, "credentials", fmt.Sprintf("%s, %s", x.shown(), x.found(e.Outcome)), d.adviceCredentials(client))
	default:
		d.report.add(change, "answer", fmt.Sprintf("%s, %s (%s)", x.shown(), x.found(e.Outcome), firstLine(err)), x.advice(e.Outcome, "-introspection"))
	}
}

// answer looks at the answer that a token is not active.
func (d *examiner) answer(x *exchange) {
	if issuer := answeredIssuer(x); issuer != "" && !slices.Contains(d.Issuers, issuer) {
		d.report.add(change, "answer", fmt.Sprintf("%s: it answers in the name of %.256q", x.shown(), issuer),
			fmt.Sprintf("set -introspection to the endpoint of %s, or add %.256q with -issuer if that is the same server", d.Issuers[0], issuer))
		return
	}
	l, remedy := good, ""
	if x.took() > slow {
		l, remedy = consider, "see why it is slow: each token that is not remembered waits for it"
	}
	d.report.add(l, "answer", x.shown()+": a token that was made up is not active", remedy)
}

// answeredIssuer returns the "iss" of an answer, which may be signed (RFC 9701).
func answeredIssuer(x *exchange) string {
	body := x.body
	var signed struct {
		Answer json.RawMessage `json:"token_introspection"`
	}
	if parts := strings.Split(string(body), "."); len(parts) == 3 {
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(payload, &signed) == nil {
			body = signed.Answer
		}
	}
	var answer struct {
		Issuer string `json:"iss"`
	}
	_ = json.Unmarshal(body, &answer) // what can't be read names none
	return answer.Issuer
}
