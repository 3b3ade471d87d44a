package testutil_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/rsguard/rsguard/testutil"
)

// The transport of these tests calls procedures, and has neither requests nor
// responses of net/http: metadata goes to and fro, the strings of a call are
// made of a buffer that the next call reuses, and the first of two procedures
// is unary where the second is a stream.
const (
	unary   = "/shop.Orders/List"
	stream  = "/shop.Orders/Watch"
	unnamed = "/shop.Orders/Delete"
)

type call struct {
	ctx       context.Context
	procedure string
	metadata  map[string][]string
	in        string
	from      *http.Request // for what TLS knows

	out http.Header
}

// A calls is the adapter for it, with the faults that a test requests.
type calls struct {
	losesClaims, unguardedStream, takesUnnamed, keepsBuffer, ownContext, shortens bool
}

// strings copies the text, since the buffer is reused.
func (a calls) string(s string) string {
	if a.keepsBuffer {
		return s
	}
	return strings.Clone(s)
}

// guard calls next for a call that layer admits, and returns the status of a
// call that it rejects.
func (a calls) guard(layer testutil.Layer, next func(*call) int) func(*call) int {
	guard := layer.Auth.Guard(layer.Checks...)
	return func(c *call) int {
		switch c.procedure {
		case unary:
		case stream:
			if a.unguardedStream {
				return next(c)
			}
		default:
			if a.takesUnnamed {
				return next(c)
			}
			return http.StatusForbidden
		}
		path := a.string(c.procedure)
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Path: path}, RequestURI: path,
			Host: c.from.Host, TLS: c.from.TLS, Header: http.Header{},
		}
		for name, values := range c.metadata {
			for _, value := range values {
				if a.shortens {
					value = strings.TrimSuffix(value, ".")
					value = value[:min(len(value), 40)]
				}
				r.Header.Add(name, a.string(value))
			}
		}
		ctx := c.ctx
		if a.ownContext {
			ctx = context.WithoutCancel(ctx)
		}
		admitted, refusal := guard.Do(c.out, r.WithContext(ctx))
		if refusal != nil {
			return refusal.Status
		}
		if !a.losesClaims {
			c.ctx = admitted.Context()
		}
		status := next(c)
		guard.Done(admitted.Context())
		return status
	}
}

// transport is a in a server with both kinds of procedures.
func (a calls) transport() testutil.Transport {
	return testutil.Transport{
		Procedures: []string{unary, stream},
		Unnamed:    unnamed,
		Serve: func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
			serve := func(c *call) int {
				r := httptest.NewRequestWithContext(c.ctx, http.MethodPost, strings.Clone(c.procedure), strings.NewReader(c.in))
				r.Header.Set("X-Test", strings.Join(c.metadata["x-test"], ","))
				w := httptest.NewRecorder()
				next.ServeHTTP(w, r)
				c.in = w.Body.String()
				return w.Code
			}
			for _, layer := range slices.Backward(layers) {
				serve = a.guard(layer, serve)
			}
			buffers := sync.Pool{New: func() any { return new([]byte) }}
			return func(r *http.Request) *http.Response {
				buffer, _ := buffers.Get().(*[]byte)
				defer buffers.Put(buffer)
				*buffer = slices.Grow((*buffer)[:0], 64<<10) // so that it is one
				read := func(s string) string {
					start := len(*buffer)
					*buffer = append(*buffer, s...)
					return unsafe.String(unsafe.SliceData((*buffer)[start:]), len(s))
				}
				body, _ := io.ReadAll(r.Body)
				c := &call{ctx: r.Context(), procedure: read(r.URL.Path), metadata: map[string][]string{}, in: string(body), from: r, out: http.Header{}}
				for _, name := range slices.Sorted(maps.Keys(r.Header)) {
					for _, value := range r.Header[name] {
						c.metadata[strings.ToLower(name)] = append(c.metadata[strings.ToLower(name)], read(value))
					}
				}
				status := serve(c)
				return &http.Response{StatusCode: status, Header: c.out, Body: io.NopCloser(bytes.NewReader([]byte(c.in)))}
			}
		},
	}
}

func TestTestTransport(t *testing.T) {
	t.Parallel()

	testutil.TestTransport(t, calls{}.transport())
}

// Each way in which only such transports are wrong is found, and for what it
// is.
func TestTestTransport_broken(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name    string
		adapter calls
		tests   []string // that must fail, among others
		failure string   // that must be among those of the first
	}{
		{
			"claims are lost", calls{losesClaims: true},
			[]string{"shop.Orders/List/accepted", "shop.Orders/Watch/accepted"},
			"the claims are in the context of the request that Guard.Do returns",
		},
		{
			"streams are not guarded", calls{unguardedStream: true},
			[]string{"shop.Orders/Watch/token_missing", "shop.Orders/Watch/a bound token is no bearer token"},
			"the handler was called with",
		},
		{
			"what the table doesn't name is public", calls{takesUnnamed: true},
			[]string{"a procedure that no guard names"},
			"reject what no guard names",
		},
		{
			"strings of a reused buffer are kept", calls{keepsBuffer: true},
			[]string{"shop.Orders/List/what is kept does not change", "shop.Orders/Watch/what is kept does not change"},
			"copy the strings",
		},
		{
			"the context is not the call's", calls{ownContext: true},
			[]string{"shop.Orders/List/the context ends with the request's"},
			"did not end with the request's",
		},
		{
			"tokens are rejected for another reason", calls{shortens: true},
			[]string{"shop.Orders/List/wrong_audience", "shop.Orders/List/accepted"},
			`code of the rejection = ["token_malformed"], want ["wrong_audience"]`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			var failures map[string][]string
			synctest.Test(t, func(*testing.T) { // where waiting takes no time
				failures = testutil.TransportFailures(tt.adapter.transport())
			})
			for i, test := range tt.tests {
				got := strings.Join(failures[test], "\n")
				if got == "" {
					t.Errorf("the suite's test %q passed, want it to fail; failed: %q", test, slices.Sorted(maps.Keys(failures)))
				}
				if i == 0 && !strings.Contains(got, tt.failure) {
					t.Errorf("the suite's test %q failed with\n%s\nwant %q in it", test, got, tt.failure)
				}
			}
			if tt.adapter.unguardedStream {
				for test := range failures {
					if strings.HasPrefix(test, "shop.Orders/List/") {
						t.Errorf("the suite's test %q failed, want those of the stream alone: %q", test, failures[test])
					}
				}
			}
		})
	}
}

// Without a response there is nothing to be content with.
func TestTestTransport_noResponse(t *testing.T) {
	t.Parallel()

	failures := testutil.TransportFailures(testutil.Transport{
		Serve: func(http.Handler, ...testutil.Layer) func(*http.Request) *http.Response {
			return func(*http.Request) *http.Response { return nil }
		},
	})
	if got := strings.Join(failures["token_missing"], "\n"); !strings.Contains(got, "the response is nil") {
		t.Errorf("the suite's test token_missing failed with %q, want a nil response in it", got)
	}
}
