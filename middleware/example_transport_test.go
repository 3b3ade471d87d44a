package middleware_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A call is what a transport that isn't net/http knows of a request.
type call struct {
	method    string // such as "/shop.Orders/List"
	authority string
	peer      string
	tls       *tls.ConnectionState
	metadata  map[string][]string // with names in lower case
}

// requestOf makes of a call what the decision looks at.
func requestOf(ctx context.Context, c call) *http.Request {
	r := &http.Request{
		Method:     http.MethodPost,
		URL:        &url.URL{Path: c.method},
		RequestURI: c.method,
		Host:       c.authority,
		RemoteAddr: c.peer,
		TLS:        c.tls,
		Header:     http.Header{},
	}
	for name, values := range c.metadata {
		for _, value := range values {
			r.Header.Add(name, value) // in the canonical form of the name
		}
	}
	return r.WithContext(ctx)
}

// A transport that isn't net/http makes an http.Request of what it has, and
// sends what is then in the header.
func ExampleGuard_Do_transport() {
	v, token := exampleIssuer()
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: quiet})
	if err != nil {
		panic(err)
	}
	guard := auth.Guard(validator.Scopes("orders:read"))
	list := func(ctx context.Context, c call) {
		header := http.Header{}
		r, refusal := guard.Do(header, requestOf(ctx, c))
		if refusal != nil {
			fmt.Println(refusal.Status, validator.CodeOf(refusal), header["Www-Authenticate"])
			return
		}
		claims, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Println("orders of", claims.Subject)
		guard.Done(r.Context()) // for Config.CancelWithToken
	}

	c := call{method: "/shop.Orders/List", authority: "api.example.com", peer: "192.0.2.1:40000"}
	list(context.Background(), c)
	c.metadata = map[string][]string{"authorization": {"Bearer " + token(map[string]any{"sub": "anna", "scope": "orders:read"})}}
	list(context.Background(), c)
	// Output:
	// 401 token_missing [Bearer scope="orders:read"]
	// orders of anna
}
