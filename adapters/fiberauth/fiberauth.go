// Package fiberauth guards routes of Fiber v3 with a
// [middleware.Authenticator].
//
//	app.Get("/orders", fiberauth.New(auth), list)
//	app.Post("/orders", fiberauth.New(auth, validator.Scopes("orders:write")), create)
//	claims, ok := fiberauth.Claims(c) // in list and create
//
// Package middleware makes the decision, and documents the standards behind it.
//
// Fiber's server is fasthttp, which accepts requests that net/http's server
// rejects, and reuses the memory of a request for the next one. This package
// reads the request of fasthttp itself, without Fiber's adaptor for net/http. It
// rejects what fasthttp could read in another way than the program in front of
// it (RFC 9112, Section 11.2), and copies what it reads, so that a token or
// claim can be kept after the request.
//
// By default, fasthttp answers 431 to a header of more than 4 KiB, which many
// tokens are longer than. Set ReadBufferSize of [fiber.Config], such as to
// 64 << 10.
package fiberauth

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"github.com/rsguard/rsguard/internal/contextkey"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// New returns a Fiber handler that goes on to the next handler for requests
// with an acceptable token that passes all checks, as auth's Require does. The
// claims are in c.Context(), and also in c itself, since a [fiber.Ctx] is a
// context.Context too.
//
// For a rejected request it sets status and header of the response and returns
// an error. The error is a [*fiber.Error] with the status and its name, and
// wraps the [middleware.Refusal]. The body is that of Fiber's ErrorHandler, and
// the ErrorHandler of [middleware.Config] is not called. The text of the
// Refusal is for the log, and must not be written into the response.
//
// In addition to what [middleware.Guard.Do] rejects, a request is rejected with
// [validator.CodeRequest] and status 400 in these cases, in which the request
// could have another meaning for a proxy:
//
//   - A name in the header has a space or another character that no name has,
//     or a field continues on a second line.
//   - There are several Host or Content-Type fields, of which fasthttp keeps
//     the last, or an HTTP/1.1 request has no Host field.
//   - The Host is malformed or is not the host that c.Host() is made from, or
//     the target can't be parsed.
//
// Fields in the trailer of a request, which fasthttp adds to the header, are
// ignored. In a request with a chunked body, a field counts only as often as the
// client has sent it before the body.
//
// The route of a record and of an event is the path of Fiber's route. For a
// handler of Use or Group it is their prefix, since the route is found later.
//
// The context of checks and of the Validator is c.Context(). fasthttp does not
// report that a client has gone, so by default that context never ends. A
// middleware in front, such as Fiber's timeout, can set one that does, and must
// if CancelWithToken of [middleware.Config] is set. If the
// Token function reads the body, as [middleware.FormToken] does, the handler
// finds the body as it was, also with StreamRequestBody. New panics if a check
// is nil.
func New(auth *middleware.Authenticator, checks ...validator.Check) fiber.Handler {
	guard := auth.Guard(checks...)
	return func(c fiber.Ctx) error {
		admitted, refusal, aborted := do(guard, c)
		switch {
		case aborted:
			return c.Drop()
		case refusal != nil:
			c.Status(refusal.Status)
			return &rejection{fiber.Error{Code: refusal.Status, Message: http.StatusText(refusal.Status)}, refusal}
		}
		ctx := admitted.Context()
		c.SetContext(ctx)
		c.RequestCtx().SetUserValue(contextkey.Identity{}, ctx.Value(contextkey.Identity{}))
		err := c.Next()
		guard.Done(ctx)
		return err
	}
}

// Claims returns the claims of the request's token, as
// [middleware.ClaimsFromContext] does.
func Claims(c fiber.Ctx) (*validator.Claims, bool) {
	return middleware.ClaimsFromContext(c.Context())
}

// A rejection is the error of a rejected request. Its text is for the client,
// because Fiber's default ErrorHandler sends it.
type rejection struct {
	http    fiber.Error
	refusal *middleware.Refusal
}

func (e *rejection) Error() string   { return e.http.Message }
func (e *rejection) Unwrap() []error { return []error{&e.http, e.refusal} }

// do is Guard.Do for a request of Fiber. It reports whether a check has
// panicked with [http.ErrAbortHandler], which would end a program whose server
// is not net/http's.
func do(guard *middleware.Guard, c fiber.Ctx) (admitted *http.Request, refusal *middleware.Refusal, aborted bool) {
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			aborted = true
		}
	}()
	r, body, err := requestOf(c)
	res := &c.RequestCtx().Response
	h := headerOf(res)
	begun := len(h) > 0
	if err == nil {
		if admitted, refusal = guard.Do(h, r); refusal == nil {
			err = body.end(r, c.App().Config().BodyLimit)
		}
	}
	if err != nil {
		admitted, refusal = guard.Reject(h, r, err)
	}
	if begun || len(h) > 0 {
		setHeader(res, h)
	}
	if refusal != nil && body != nil && body.stream {
		// fasthttp would read the rest of the body as the next request.
		res.SetConnectionClose()
	}
	return admitted, refusal, false
}

// fields are the header fields of a response that a Guard reads or removes.
var fields = []string{"Cache-Control", "Dpop-Nonce", "Retry-After", "Vary", "Www-Authenticate"}

// headerOf returns those of a response that has been begun.
func headerOf(res *fasthttp.Response) http.Header {
	h := http.Header{}
	for _, name := range fields {
		for _, value := range res.Header.PeekAll(name) {
			h[name] = append(h[name], string(value))
		}
	}
	return h
}

func setHeader(res *fasthttp.Response, h http.Header) {
	for _, name := range fields {
		res.Header.Del(name)
	}
	for name, values := range h {
		for _, value := range values {
			res.Header.Add(name, value)
		}
	}
}
