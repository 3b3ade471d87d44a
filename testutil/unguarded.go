package testutil

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Unguarded returns those of the routes of h that answer a request without
// credentials by anything but a challenge: a 401 with WWW-Authenticate (RFC
// 9110, Section 11.6.1). Compare the result with the routes that are meant to be
// public, so that a test fails when somebody adds a route and forgets its guard:
//
//	if got, want := testutil.Unguarded(t, app, routes...), []string{"GET /healthz"}; !slices.Equal(got, want) {
//		t.Errorf("these routes have no guard: %q, want %q", got, want)
//	}
//
// A route is a method, a space and a path, or a path alone, for GET. The path
// may have a host in front, and parameters in the form of [http.ServeMux], Echo,
// Gin, Fiber or chi, such as {id}, {path...}, :id and *path. ServeMux does not
// tell its patterns, so keep them in a list from which the routes are made.
// Other routers do: e.Router().Routes(), engine.Routes(), app.GetRoutes(true),
// chi.Walk.
//
// A Fiber app is an http.Handler by its adaptor.FiberApp. The operations of Huma
// are in the Paths of its document, and h is the router that they are on.
//
// The handler of an unguarded route is called, with a request that has no body.
// The test fails if h has no route of that name, which it answers by 404 or 405,
// since then nothing is known of it.
func Unguarded(tb testing.TB, h http.Handler, routes ...string) []string {
	tb.Helper()
	var found []string
	for _, route := range routes {
		var w *httptest.ResponseRecorder
		for _, value := range values {
			w = httptest.NewRecorder()
			h.ServeHTTP(w, requestTo(tb.Context(), route, value))
			if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
				break
			}
		}
		switch {
		case w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") != "":
		case w.Code == http.StatusNotFound, w.Code == http.StatusMethodNotAllowed:
			tb.Errorf("testutil.Unguarded: %s is answered by %d: there is no such route, or its handler says so without a guard", route, w.Code)
		default:
			found = append(found, route)
		}
	}
	return found
}

// values stand for a parameter. Some routers restrict it to numbers or to UUIDs.
var values = []string{"x", "1", "00000000-0000-4000-8000-000000000000"}

// parameters are the parts of a path that stand for others.
var parameters = regexp.MustCompile(`\{[^{}]*\}|(^|/)[:*][^/]*|(^|/)\+[^/]*`)

// requestTo returns a request that a route matches, if value may be in the place
// of its parameters.
func requestTo(ctx context.Context, route, value string) *http.Request {
	method, path, ok := strings.Cut(strings.TrimSpace(route), " ")
	if !ok {
		method, path = http.MethodGet, method
	}
	host, rest, _ := strings.Cut(strings.TrimSpace(path), "/")
	path = strings.ReplaceAll("/"+rest, "/{$}", "/")
	path = parameters.ReplaceAllStringFunc(path, func(part string) string {
		if part[0] == '/' {
			return "/" + value
		}
		return value
	})
	r := httptest.NewRequestWithContext(ctx, method, path, nil)
	if host != "" {
		r.Host = host
	}
	return r
}
