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

// A Transport is a guarded handler behind something that is no [http.Handler]:
// a framework with a request of its own, or remote procedure calls.
type Transport struct {
	// Serve starts what is behind the adapter with these layers, the first
	// of them outermost, and returns a function that sends a request to it
	// and returns the response, in the words of HTTP. Most tests have one
	// layer. Two are a group's guard and that of a route in it.
	//
	// The function takes from the request what the transport can carry,
	// and from the response whatever tells the client the same as a
	// status and a header field do: 202 for a call that succeeds, 401 for
	// a status Unauthenticated, and so on. Requests come at the same time.
	// The context of the request, the state of its TLS connection and its
	// Host are to be those of the request that is served, as if something
	// in front of the adapter had put them there.
	//
	// next is what the handler calls, once. It gets a request made of what
	// the handler has: method, URL, header, body and the context with the
	// claims.
	Serve func(next http.Handler, layers ...Layer) (send func(*http.Request) *http.Response)

	// Procedures are the paths of calls that run next, such as
	// "/shop.Orders/List", for transports of remote procedure calls: one
	// of each kind, such as unary and stream. All of the suite is run for
	// each of them, with requests that are POST to it, and neither a query
	// nor header fields about caches. If empty, next is called for every
	// method and path.
	Procedures []string

	// Unnamed is the path of a call that runs next as well, and that the
	// adapter was not told of. It has to be rejected. If empty, there is
	// no such thing.
	Unnamed string
}

// A Layer is what an adapter is given to guard a handler.
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

// webFramework is the Transport that a handler of net/http is.
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

// A mount is what a run of the suite is for: all of a transport, or one of its
// procedures.
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

// request returns the method and target of a request as this mount has them, in
// origin form.
func (m mount) request(method, target string) (string, string) {
	if m.procedure == "" {
		return method, strings.TrimPrefix(target, adapterOrigin)
	}
	return http.MethodPost, m.procedure
}

// with returns m with another way to serve one layer.
func (m mount) with(serve func(http.Handler, Layer) func(*http.Request) *http.Response) mount {
	m.serve = func(next http.Handler, layers ...Layer) func(*http.Request) *http.Response {
		return serve(next, layers[0])
	}
	return m
}
