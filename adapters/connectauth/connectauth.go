// Package connectauth guards the procedures of Connect handlers with a
// [middleware.Authenticator].
//
//	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
//		ordersconnect.OrdersListProcedure: connectauth.Require(validator.Scopes("orders:read")),
//		"/shop.Carts/":                    connectauth.Require(), // every procedure of the service
//		"/grpc.health.v1.Health/":         connectauth.Public,
//	}})
//	…
//	mux := http.NewServeMux()
//	mux.Handle(ordersconnect.NewOrdersHandler(orders{}))
//	http.ListenAndServe(address, guard.Handler(mux))
//
//	claims, ok := connectauth.Claims(ctx) // in the procedures, unary and streaming
//
// It is a middleware of net/http, so it decides before a message is read. A
// rejection has the form of the client's protocol, which is Connect, gRPC or
// gRPC-Web. A request of none of them gets the response of package middleware.
// The decision and the standards behind it are package middleware's. A DPoP
// proof is for the request's method, which is POST except in Connect's GET
// requests, and for its URL without the query.
//
// # Rejections
//
//	HTTP  Connect           ErrorInfo.Reason
//	400   Unauthenticated   invalid_request
//	401   Unauthenticated   invalid_token, and others of the challenge, or token_missing
//	403   PermissionDenied  insufficient_scope, or refused
//	500   Internal          internal_error
//	503   Unavailable       unavailable, with RetryInfo
//
// A 400 is Unauthenticated because the credentials are at fault, and not an
// argument of the procedure. The detail of the error is an ErrorInfo with the
// domain "rsguard", which tells no more than an HTTP client learns. The
// challenge is in the header of the response, also for gRPC, because net/http
// drops it from a trailer (RFC 9110, Section 6.5.1). For a stream of Connect it
// is in the metadata of the error as well. The ErrorHandler of the Config is
// called for requests of no protocol alone.
//
// # Not checked
//
// A stream is decided about once, when it begins. It goes on after its token
// has expired or was revoked, unless CancelWithToken of [middleware.Config] is
// set. Then its context is cancelled and what receives its next message, or
// waits for it, gets an error with the code Unauthenticated, which the procedure
// returns. That is observed as a rejection. A procedure that waits for its
// context alone ends with Canceled, and one that does neither goes on.
package connectauth

import (
	"context"
	"net/http"
	"slices"

	"connectrpc.com/connect"

	"github.com/rsguard/rsguard/internal/procedures"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A Rule says who may call a procedure. Its zero value is that of [Require]
// without checks.
type Rule struct {
	public bool
	checks []validator.Check
}

// Public is the Rule of procedures that need no token. Their credentials are
// not looked at.
var Public = Rule{public: true}

// Require returns the Rule of procedures that need an acceptable token that
// passes all checks.
func Require(checks ...validator.Check) Rule { return Rule{checks: slices.Clone(checks)} }

// Procedures are the Rules by procedure, such as "/shop.Orders/List", for which
// generated code has constants. A name that ends in a slash, such as
// "/shop.Orders/", is for those procedures of a service that have no Rule of
// their own. Requests for any other path are rejected.
type Procedures map[string]Rule

// A Config says which procedures a Guard guards, and how.
type Config struct {
	// Procedures are the Rules. At least one is required.
	Procedures Procedures

	// Options are those of the handlers, as far as the form of errors depends
	// on them. A handler with its own codecs or with
	// [connect.WithRequireConnectProtocolHeader] needs them here too.
	Options []connect.HandlerOption
}

// A Guard guards handlers. Make one with [New]. It is safe for concurrent use.
type Guard struct {
	procedures *procedures.Table
	errors     *connect.ErrorWriter
}

// New returns a Guard. The error joins all faults of cfg. New panics if a check
// is nil.
func New(auth *middleware.Authenticator, cfg Config) (*Guard, error) {
	rules := make(map[string]procedures.Rule, len(cfg.Procedures))
	for name, rule := range cfg.Procedures {
		rules[name] = procedures.Rule{Public: rule.public, Checks: rule.checks}
	}
	table, err := procedures.New(auth, rules, procedures.Words{
		Package: "connectauth", Field: "Procedures", Name: "procedure", Noun: "procedure",
	})
	if err != nil {
		return nil, err
	}
	return &Guard{table, connect.NewErrorWriter(cfg.Options...)}, nil
}

// Handler returns a handler that calls next for accepted requests, with the
// claims in their context, and responds to all others. It must see the path
// that the handlers of next see, so a prefix is removed in front of it. Wrap
// the whole mux and not single handlers, so that one that is added later is
// rejected until it has a Rule.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := g.procedures.Of(r.URL.Path)
		if e.Public {
			next.ServeHTTP(w, r)
			return
		}
		if e.Name != "" {
			r.Pattern = e.Name // for the log and Observe
		}
		admitted, refusal := e.Guard.Do(w.Header(), r)
		if refusal != nil {
			g.reject(w, r, refusal)
			return
		}
		if admitted.Context().Done() != r.Context().Done() { // by CancelWithToken
			serveWatched(e, next, w, admitted)
			return
		}
		next.ServeHTTP(w, admitted)
	})
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does.
func Claims(ctx context.Context) (*validator.Claims, bool) { return middleware.ClaimsFromContext(ctx) }
