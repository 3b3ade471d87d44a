package testutil

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A Transport is a guarded handler that is not an [http.Handler], such as one
// of a framework with its own request type, or of remote procedure calls.
type Transport struct {
	// Serve starts a server behind the adapter with these layers, the outermost
	// first. It returns a function that sends a request to it and returns the
	// response in terms of HTTP. Most tests have one layer. Two are the guard
	// of a group and that of a route in it.
	//
	// The function sends what the transport can carry of the request. It
	// translates the result to the equivalent status and header fields: 202 for
	// a call that succeeds, 401 for a status Unauthenticated, and so on. It is
	// called concurrently. The served request must have the request's context,
	// TLS state and Host, as if a layer in front of the adapter had set them.
	//
	// The handler calls next once. It passes a request made of what the handler
	// has: method, URL, header, body, and the context with the claims.
	Serve func(next http.Handler, layers ...Layer) (send func(*http.Request) *http.Response)

	// Procedures are the paths of calls that run next, such as
	// "/shop.Orders/List", for transports of remote procedure calls. List one
	// of each kind, such as unary and stream. The whole suite runs for each of
	// them. Its requests are then POST requests to the path, without a query
	// and without header fields for caches. If empty, next is called for every
	// method and path.
	Procedures []string

	// Unnamed is the path of a call that also runs next, but that the adapter
	// doesn't know. The adapter must reject it. If empty, there is no such
	// call.
	Unnamed string
}

// A Layer is the Authenticator and the checks with which an adapter guards a
// handler.
type Layer struct {
	Auth   *middleware.Authenticator
	Checks []validator.Check
}

// TestTransport is [TestAdapter] for an adapter whose handler is no
// [http.Handler].
//
//	testutil.TestTransport(t, testutil.Transport{
//		Serve: func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
//			app := newServer(handlerThatCalls(next))
//			for _, layer := range layers {
//				app.Use(adapter.New(layer.Auth, layer.Checks...))
//			}
//			return app.roundTrip
//		},
//	})
func TestTransport(t *testing.T, transport Transport) {
	t.Helper()
	testAdapter(transport, func(name string, test func(reporter)) {
		t.Run(name, func(t *testing.T) { test(t) })
	})
}

type wrapper = func(*middleware.Authenticator, []validator.Check, http.Handler) http.Handler

// webFramework returns the Transport of a net/http handler.
func webFramework(wrap wrapper) Transport {
	return Transport{Serve: func(next http.Handler, layers ...Layer) func(*http.Request) *http.Response {
		for _, layer := range slices.Backward(layers) {
			next = wrap(layer.Auth, layer.Checks, next)
		}
		return func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			next.ServeHTTP(w, r)
			return w.Result()
		}
	}}
}

// A mount is the part of a transport that one run of the suite tests: all of
// it, or one of its procedures.
type mount struct {
	serve     func(http.Handler, ...Layer) func(*http.Request) *http.Response
	procedure string
}

func (tr Transport) mounts() []mount {
	if len(tr.Procedures) == 0 {
		return []mount{{serve: tr.Serve}}
	}
	var mounts []mount
	for _, procedure := range tr.Procedures {
		mounts = append(mounts, mount{tr.Serve, procedure})
	}
	return mounts
}

func (m mount) name(test string) string {
	if m.procedure == "" {
		return test
	}
	return m.procedure[1:] + "/" + test
}

// request returns the method and target of a request, in origin form, for this
// mount.
func (m mount) request(method, target string) (string, string) {
	if m.procedure == "" {
		return method, strings.TrimPrefix(target, adapterOrigin)
	}
	return http.MethodPost, m.procedure
}

// with returns a copy of m that serves one layer in another way.
func (m mount) with(serve func(http.Handler, Layer) func(*http.Request) *http.Response) mount {
	m.serve = func(next http.Handler, layers ...Layer) func(*http.Request) *http.Response {
		return serve(next, layers[0]) //nolint:bodyclose // it returns a function, and no response yet
	}
	return m
}
