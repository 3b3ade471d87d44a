package humaauth

import (
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// do is Guard.Do for a request of Huma.
func do(guard *middleware.Guard, ctx huma.Context, h header) (huma.Context, *middleware.Refusal) {
	return admit(ctx, func(r *http.Request) (*http.Request, *middleware.Refusal) {
		return guard.Do(http.Header(h), r)
	})
}

// admit calls decide with ctx's request, and returns the context to go on with.
func admit(ctx huma.Context, decide func(*http.Request) (*http.Request, *middleware.Refusal)) (_ huma.Context, refusal *middleware.Refusal) {
	r, original := requestOf(ctx)
	if op := ctx.Operation(); r.Pattern == "" && op != nil {
		r.Pattern = op.Path // for the log and Observe
	}
	defer func() {
		// A Guard passes this one on, because net/http's server aborts the
		// response by it. Another server would end the program.
		if v := recover(); v == http.ErrAbortHandler && original == nil { //nolint:errorlint // as net/http compares it
			refusal = &middleware.Refusal{Status: http.StatusInternalServerError, Err: errAborted}
		} else if v != nil {
			panic(v)
		}
	}()
	body := r.Body
	admitted, refusal := decide(r)
	if refusal != nil {
		return nil, refusal
	}
	if r.Body != body { // such as by middleware.FormToken
		if original != nil {
			original.Body = r.Body
		} else {
			ctx = bodyContext{ctx, r.Body}
		}
	}
	return huma.WithContext(ctx, admitted.Context()), nil
}

var errAborted = &validator.Error{Code: validator.CodeInternal, Err: http.ErrAbortHandler}

// requestOf returns ctx's request in terms of net/http, and the request that
// the router has if it is one of net/http. That one has more, such as the path
// as it was sent.
func requestOf(ctx huma.Context) (r, original *http.Request) {
	inner := ctx
	for {
		outer, ok := inner.(interface{ Unwrap() huma.Context })
		if !ok {
			break
		}
		inner = outer.Unwrap()
	}
	if of, ok := inner.(interface {
		Unwrap() (*http.Request, http.ResponseWriter)
	}); ok {
		original, _ = of.Unwrap()
		r = original.WithContext(ctx.Context())
		return r, original
	}

	// A router's memory may be reused for the next request.
	u := ctx.URL()
	r = new(http.Request).WithContext(ctx.Context())
	r.Method = strings.Clone(ctx.Method())
	r.Host = strings.Clone(ctx.Host())
	r.RemoteAddr = strings.Clone(ctx.RemoteAddr())
	r.URL = &u
	r.TLS = ctx.TLS()
	r.Header = http.Header{}
	ctx.EachHeader(func(name, value string) {
		r.Header.Add(strings.Clone(name), strings.Clone(value))
	})
	if r.Body = http.NoBody; ctx.BodyReader() != nil {
		r.Body = io.NopCloser(ctx.BodyReader())
	}
	return r, nil
}

// A bodyContext is a context whose body was read and put together again.
type bodyContext struct {
	humaContext
	body io.Reader
}

// A humaContext is a [huma.Context], under a name that is none of its methods.
type humaContext = huma.Context

func (c bodyContext) BodyReader() io.Reader { return c.body }

// Unwrap is for the Unwrap functions of Huma's adapters.
func (c bodyContext) Unwrap() huma.Context { return c.humaContext }

// A header has the fields that a Guard sets in a response.
type header http.Header

// send sets the fields in ctx's response. A field of the response that has
// begun can be replaced, and not be read.
func (h header) send(ctx huma.Context) {
	for name, values := range h {
		for i, value := range values {
			if i == 0 && name != "Vary" {
				ctx.SetHeader(name, value)
			} else {
				ctx.AppendHeader(name, value)
			}
		}
	}
}
