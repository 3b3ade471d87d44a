package rows

import (
	"fmt"
	"net/http"
	"net/http/httptest"
)

// stack measures a request's way through a handler. The function build returns
// the whole stack, with a handler at its end that calls see with the claims.
// The request is made once and the response is discarded, so that only the
// stack is measured.
func stack(build func(see func(Claims)) http.Handler) Checker {
	return func(token string) Check {
		var seen Claims
		handler := build(func(c Claims) { seen = c })
		request := httptest.NewRequest(http.MethodGet, "http://api.example.com/orders", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		response := discard{header: make(http.Header)}

		return func() (Claims, error) {
			seen, response.status = Claims{}, 0
			handler.ServeHTTP(&response, request)
			if seen.Subject == "" {
				clear(response.header)

				return Claims{}, fmt.Errorf("status %d", response.status)
			}

			return seen, nil
		}
	}
}

// discard is a response that is thrown away.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
