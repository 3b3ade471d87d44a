// Command login shows a web application that logs a user in by OpenID Connect,
// with the code flow and PKCE. It verifies the ID token, calls an API in the
// user's name, and renews the access token when it has ended. All of it runs on
// loopback, and a client with cookies is the browser.
//
//	cd examples/login && go run .
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

const (
	audience = mockissuer.DefaultAudience
	clientID = "demo-app"
	lifetime = 15 * time.Second // of an access token, which x/oauth2 renews 10 seconds before its end
	wait     = 6 * time.Second
)

func main() {
	slog.SetLogLoggerLevel(slog.LevelWarn) // the table has the rest
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // a cookie with __Host- needs https
	defer server.Close()
	cfg := mockissuer.Demo()
	cfg.APIs[0].Lifetime = lifetime
	cfg.Clients[1].Callbacks = []string{server.URL + "/callback"} // of demo-app
	issuer, err := mockissuer.Start(cfg)
	if err != nil {
		return err
	}
	defer issuer.Close()
	handler, err := newAPI(issuer.URL)
	if err != nil {
		return err
	}
	api := httptest.NewServer(handler)
	defer api.Close()
	a, err := newApp(issuer.URL, server.URL, api.URL)
	if err != nil {
		return err
	}
	server.Config.Handler = a.handler()
	return tour(ctx, out, issuer, server)
}

// newAPI is the API that the application calls.
func newAPI(issuer string) (http.Handler, error) {
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{audience}})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return auth.Require(validator.Scopes("orders:read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := middleware.ClaimsFromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", c.Subject)
	})), nil
}

// newApp is the application. A public client, such as this one, has no secret.
func newApp(issuer, self, api string) (*app, error) {
	logins, err := idtoken.New(idtoken.Config{Issuers: []string{issuer}, ClientID: clientID})
	if err != nil {
		return nil, err
	}
	return &app{
		logins: logins, api: api, client: &http.Client{Timeout: 10 * time.Second}, sessions: make(map[string]*session),
		oauth: oauth2.Config{
			ClientID: clientID, RedirectURL: self + "/callback",
			Scopes:   []string{"openid", "profile", "offline_access", "orders:read"},
			Endpoint: oauth2.Endpoint{AuthURL: issuer + "authorize", TokenURL: issuer + "oauth/token", AuthStyle: oauth2.AuthStyleInParams},
		},
	}, nil
}

// tour is what the browsers of a user and of an attacker do.
func tour(ctx context.Context, out io.Writer, issuer *mockissuer.Issuer, server *httptest.Server) error {
	browser := func() (*http.Client, *string) {
		jar, _ := cookiejar.New(nil)
		last := new(string)
		return &http.Client{Transport: server.Client().Transport, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			*last = r.URL.String()
			return nil
		}}, last
	}
	alice, callback := browser()
	mallory, _ := browser()
	get := func(c *http.Client, url string) string {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err.Error()
		}
		res, err := c.Do(req)
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(body)))
	}

	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "who does what\ttoken requests\tresponse")
	asked := 0
	for _, step := range []struct {
		what string
		do   func() string
	}{
		{"Alice wants her orders", func() string { return get(alice, server.URL+"/orders") }},
		{"Alice signs in", func() string { return get(alice, server.URL+"/login") }},
		{"Alice wants her orders", func() string { return get(alice, server.URL+"/orders") }},
		{"when her access token is about to end", func() string { time.Sleep(wait); return get(alice, server.URL+"/orders") }},
		{"Alice opens the callback again", func() string { return get(alice, *callback) }},
		{"Mallory opens Alice's callback", func() string { return get(mallory, *callback) }},
		{"Mallory begins a login, and opens it", func() string {
			quiet := *mallory
			quiet.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			get(&quiet, server.URL+"/login")
			return get(mallory, *callback)
		}},
		{"Mallory wants orders", func() string { return get(mallory, server.URL+"/orders") }},
	} {
		response := step.do()
		n := issuer.Count(mockissuer.EndpointToken)
		fmt.Fprintf(table, "%s\t%d\t%s\n", step.what, n-asked, response)
		asked = n
	}
	return table.Flush()
}
