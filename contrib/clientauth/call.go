package clientauth

import (
	"context"
	"net/http"
	"net/url"
	"sync"
)

// A Call is one call of a gRPC client with [PerRPC], which may have to be made
// twice. It is for interceptors:
//
//	ctx, call := clientauth.NewCall(ctx)
//	for {
//		var header, trailer metadata.MD
//		err := invoke(ctx, method, request, reply, conn,
//			append(opts, grpc.Header(&header), grpc.Trailer(&trailer))...)
//		rejected := status.Code(err) == codes.Unauthenticated
//		if !call.Again(ctx, rejected, metadata.Join(header, trailer)) {
//			return err
//		}
//	}
//
// Package grpctokens has them for unary calls and for streams. A Call is safe
// for concurrent use.
type Call struct {
	mu              sync.Mutex // never held during a request
	last            attempt
	renewed, nonced bool
}

// An attempt is what a call was made with.
type attempt struct {
	source *Source // nil if nothing was sent with a token
	grant  *grant
	server *url.URL
}

type callKey struct{}

// NewCall returns a Call, and the context to make it with.
func NewCall(ctx context.Context) (context.Context, *Call) {
	c := new(Call)
	return context.WithValue(ctx, callKey{}, c), c
}

// sent keeps what the call was made with.
func (c *Call) sent(s *Source, g *grant, server *url.URL) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = attempt{s, g, server}
}

// Again reports whether the call is to be made again. Rejected says that its
// status was Unauthenticated, and md is the metadata of its header and its
// trailer.
//
// A call is made again once if the server requires a nonce in DPoP proofs (RFC
// 9449, Section 9), and once if its challenge has the error invalid_token and
// there is another token than that which was sent, for which [Source.Renew] has
// the limits. A nonce of a call that was accepted is used from the next call
// on. Ctx bounds the wait for another token.
func (c *Call) Again(ctx context.Context, rejected bool, md map[string][]string) bool {
	c.mu.Lock()
	last := c.last
	c.mu.Unlock()
	if last.source == nil {
		return false
	}
	h := make(http.Header, 2)
	for name, field := range map[string]string{"www-authenticate": "Www-Authenticate", "dpop-nonce": "Dpop-Nonce"} {
		h[field] = md[name]
	}
	nonces := &last.source.client.callNonces
	nonces.keep(last.server, h)
	if !rejected {
		return false
	}
	switch challengeOf(h).problem {
	case "use_dpop_nonce":
		return last.grant.tokenType == "DPoP" && nonces.of(last.server) != "" && c.once(&c.nonced)
	case "invalid_token":
		if !c.once(&c.renewed) {
			return false
		}
		next, err := last.source.renew(ctx, last.grant)
		return err == nil && next != nil && next.token != last.grant.token
	}
	return false
}

// once reports whether done is not set yet, and sets it.
func (c *Call) once(done *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := *done
	*done = true
	return !before
}
