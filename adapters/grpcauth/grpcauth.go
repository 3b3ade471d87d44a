// Package grpcauth guards the methods of a gRPC server with a
// [middleware.Authenticator].
//
//	guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{
//		"/shop.Orders/List":       grpcauth.Require(validator.Scopes("orders:read")),
//		"/shop.Carts/":            grpcauth.Require(), // every method of the service
//		"/grpc.health.v1.Health/": grpcauth.Public,
//	}})
//	…
//	server := grpc.NewServer(guard.Options()...)
//	shop.RegisterOrdersServer(server, orders{}) // and the others
//	if err := guard.Verify(server); err != nil {
//		log.Fatal(err)
//	}
//
//	claims, ok := grpcauth.Claims(ctx) // in List, and in streams by their Context
//
// The decision and the standards behind it are package middleware's. The token
// is that of the metadata entry "authorization". Options of
// [middleware.Config] that read header fields read metadata. A proof of a DPoP
// key is in the entry "dpop". It is for the method POST and the URL whose path
// is the full method, as gRPC sends it over HTTP/2. The certificate that a
// token may be bound to is that of the connection.
//
// # Rejections
//
//	HTTP  gRPC              ErrorInfo.Reason
//	400   Unauthenticated   invalid_request
//	401   Unauthenticated   invalid_token, and others of the challenge, or token_missing
//	403   PermissionDenied  insufficient_scope, or refused
//	500   Internal          internal_error
//	503   Unavailable       unavailable, with RetryInfo
//
// A 400 is Unauthenticated because the credentials are at fault, and not an
// argument of the method. The details of the status are an ErrorInfo with the
// domain "rsguard", and they tell no more than an HTTP client learns. The
// challenge is in the trailer, by the name "www-authenticate". Behind
// [grpc.Server.ServeHTTP] it is in the header, because net/http drops it from a
// trailer (RFC 9110, Section 6.5.1). A stream that has sent its header by then
// ends without a challenge. The ErrorHandler of the Config is not called.
package grpcauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rsguard/rsguard/internal/procedures"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A Rule says who may call a method. Its zero value is that of [Require]
// without checks.
type Rule struct {
	public bool
	checks []validator.Check
}

// Public is the Rule of methods that need no token. Their credentials are not
// looked at.
var Public = Rule{public: true}

// Require returns the Rule of methods that need an acceptable token that passes
// all checks.
func Require(checks ...validator.Check) Rule { return Rule{checks: slices.Clone(checks)} }

// Methods are the Rules by full method, such as "/shop.Orders/List". A name
// that ends in a slash, such as "/shop.Orders/", is for those methods of a
// service that have no Rule of their own. Methods without a Rule are rejected,
// health checks and reflection too.
type Methods map[string]Rule

// A Config says which methods a Guard guards, and how.
type Config struct {
	// Methods are the Rules. At least one is required.
	Methods Methods

	// OutliveTokens lets streams go on after their token has expired. By
	// default, a stream ends with Unauthenticated when the Validator would begin
	// to reject its token, at [validator.Claims.AcceptedUntil]. In either case, a
	// stream ends with Unauthenticated when Revocations of [middleware.Config]
	// name its token. Both are logged and observed as rejections. If a stream's
	// key is withdrawn while it runs, it goes on.
	OutliveTokens bool

	// Now returns the current time, by which streams end. It must be the clock
	// of the Validator, if that has one in its Config. If nil, [time.Now] is
	// used.
	Now func() time.Time
}

// A Guard has the interceptors of a server. Make one with [New]. It is safe for
// concurrent use.
type Guard struct {
	methods  *procedures.Table
	outlives bool
	now      func() time.Time
}

// New returns the Guard of a server. The error joins all faults of cfg. New
// panics if a check is nil.
func New(auth *middleware.Authenticator, cfg Config) (*Guard, error) {
	rules := make(map[string]procedures.Rule, len(cfg.Methods))
	for name, rule := range cfg.Methods {
		rules[name] = procedures.Rule{Public: rule.public, Checks: rule.checks}
	}
	methods, err := procedures.New(auth, rules, procedures.Words{
		Package: "grpcauth", Field: "Methods", Name: "full method", Noun: "method",
	})
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Guard{methods, cfg.OutliveTokens, cfg.Now}, nil
}

// Options returns the options with which a server uses g's interceptors.
func (g *Guard) Options() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(g.Unary), grpc.ChainStreamInterceptor(g.Stream)}
}

// Verify returns an error if a name of Methods is that of no registered method.
// It might be misspelled, and the method meant by it rejected or under the Rule
// of its service. Call it after all services were registered.
func (g *Guard) Verify(server interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}) error {
	registered := make(map[string]bool)
	for service, info := range server.GetServiceInfo() {
		registered["/"+service+"/"] = true
		for _, method := range info.Methods {
			registered["/"+service+"/"+method.Name] = true
		}
	}
	var errs []error
	for _, name := range g.methods.Names() {
		if !registered[name] {
			errs = append(errs, fmt.Errorf("grpcauth: Config.Methods: the server has no %q", name))
		}
	}
	return errors.Join(errs...)
}

// Unary is a [grpc.UnaryServerInterceptor].
func (g *Guard) Unary(ctx context.Context, message any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	e := g.methods.Of(info.FullMethod)
	if e.Public {
		return handler(ctx, message)
	}
	r, err := decide(ctx, e, info.FullMethod)
	if err != nil {
		return nil, err
	}
	reply, err := handler(r.Context(), message)
	e.Guard.Done(r.Context())
	return reply, err
}

// Stream is a [grpc.StreamServerInterceptor]. It runs the handler of a stream
// that can end before it returns in a goroutine of its own, whose end it waits
// for until the token expires or is revoked. After that, the stream's methods
// fail and its context is done, so that the handler returns.
func (g *Guard) Stream(server any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	e := g.methods.Of(info.FullMethod)
	if e.Public {
		return handler(server, ss)
	}
	r, err := decide(ss.Context(), e, info.FullMethod)
	if err != nil {
		return err
	}
	watched, err := e.Guard.Watch(r.Context())
	if err != nil {
		return end(e, r, err)
	}
	t := &term{now: g.now, watched: watched, reject: func(err error) error { return end(e, r, err) }}
	if claims, ok := Claims(r.Context()); ok {
		t.claims = claims
		if !g.outlives {
			t.end = claims.AcceptedUntil()
		}
	}
	if t.isThatOf(r.Context()) { // a Guard in front ends the stream, and tells it
		return handler(server, &stream{ss, r.Context(), nil})
	}
	if t.end.IsZero() && watched.Done() == r.Context().Done() { // nothing ends it
		return handler(server, &stream{ss, r.Context(), nil})
	}
	return t.run(func(ctx context.Context) error {
		return handler(server, &stream{ss, ctx, t})
	})
}

// Claims returns the claims of the call's token, as
// [middleware.ClaimsFromContext] does.
func Claims(ctx context.Context) (*validator.Claims, bool) { return middleware.ClaimsFromContext(ctx) }

// decide returns the request of an accepted call, or the status of a rejection.
func decide(ctx context.Context, e *procedures.Entry, method string) (_ *http.Request, err error) {
	defer func() {
		// A Guard passes this one on, because an HTTP server aborts the
		// response by it. Here it would end the program.
		if p := recover(); p == http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
			err = errInternal
		} else if p != nil {
			panic(p)
		}
	}()
	h := make(http.Header)
	r, refusal := e.Guard.Do(h, request(ctx, method, e.Name))
	if refusal != nil {
		return nil, reject(ctx, h, refusal)
	}
	if nonces := h["Dpop-Nonce"]; len(nonces) > 0 {
		if err := grpc.SetHeader(ctx, metadata.MD{"dpop-nonce": nonces}); err != nil {
			return nil, errInternal
		}
	}
	return r, nil
}

// end rejects an accepted call whose token is not accepted any more. It returns
// nil if the call may go on.
func end(e *procedures.Entry, r *http.Request, err error) error {
	h := make(http.Header)
	if _, refusal := e.Guard.Reject(h, r, err); refusal != nil {
		return reject(r.Context(), h, refusal)
	}
	return nil
}

var errInternal = status.Error(codes.Internal, http.StatusText(http.StatusInternalServerError))

// request returns the call as the request that it is over HTTP/2.
func request(ctx context.Context, method, name string) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: method}, RequestURI: method, Pattern: name,
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: make(http.Header), Body: http.NoBody,
	}
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		for key, values := range md {
			switch {
			case key == ":authority":
				if len(values) == 1 {
					r.Host = values[0]
				}
			case key == "" || key[0] == ':' || strings.HasSuffix(key, "-bin"):
			default:
				r.Header[http.CanonicalHeaderKey(key)] = values
			}
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			r.TLS = &info.State
		}
		if p.Addr != nil {
			r.RemoteAddr = p.Addr.String()
		}
	}
	return r.WithContext(ctx)
}

// reject returns the status of a rejection, and sends its header fields.
func reject(ctx context.Context, h http.Header, refusal *middleware.Refusal) error {
	send(ctx, h)
	code, reason := procedures.Answer(refusal)
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reason, Domain: procedures.Domain}}
	if delay, ok := procedures.RetryAfter(h); ok {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	s := status.New(codes.Code(code), http.StatusText(refusal.Status))
	if detailed, err := s.WithDetails(details...); err == nil {
		s = detailed
	}
	return s.Err()
}

// send sets what the client of a rejected call needs of h. That is metadata of
// the trailer, except behind net/http, which logs and drops a www-authenticate
// there. Both fail only if it is too late, and then nothing is left to do.
func send(ctx context.Context, h http.Header) {
	md := make(metadata.MD, 2)
	for name, field := range map[string]string{"www-authenticate": "Www-Authenticate", "dpop-nonce": "Dpop-Nonce"} {
		if values := h[field]; len(values) > 0 {
			md[name] = values
		}
	}
	if ctx.Value(http.ServerContextKey) != nil {
		if grpc.SetHeader(ctx, md) == nil {
			return
		}
		delete(md, "www-authenticate")
	}
	_ = grpc.SetTrailer(ctx, md)
}
