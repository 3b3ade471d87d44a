// Package trial sends the same requests to the program before a migration and
// to the one after it.
//
// The programs name real issuers. In a trial, all connections that they open go
// to a mock issuer on loopback, so that they run word for word as the pages
// show them.
package trial

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// Update says that files with responses are written and not compared.
var Update = flag.Bool("update", false, "write the responses instead of comparing them")

// File holds the responses of a program, beside it, in the order of [Rows].
const File = "responses.txt"

// NotStarted stands for a response if newAPI has failed.
const NotStarted = "it does not start"

// A Row is one request.
type Row struct {
	Name string

	// Honest says that nothing is wrong with the client and its token, except
	// that clocks may differ. If the program before accepts such a request, the
	// one after must accept it too. It must reject all others.
	Honest bool

	token  func(mockissuer.Shape) mockissuer.Token // if nil, a good one
	bound  bool                                    // to the client's key
	send   func(r *http.Request, token string, key *testutil.ProofKey)
	outage bool
}

// Rows are the requests, in the order of the pages' tables.
var Rows = []Row{
	{Name: "a good token", Honest: true},
	{Name: "a good token, the scheme in lower case", Honest: true, send: func(r *http.Request, token string, _ *testutil.ProofKey) {
		r.Header.Set("Authorization", "bearer "+token)
	}},
	{Name: "no token", send: func(*http.Request, string, *testutil.ProofKey) {}},
	{Name: "a token that expired 10 seconds ago", Honest: true, token: expired(10 * time.Second)},
	{Name: "a token that expired 50 seconds ago", Honest: true, token: expired(50 * time.Second)},
	{Name: "a token that expired an hour ago", token: expired(time.Hour)},
	{Name: "a token that becomes valid in 20 seconds", Honest: true, token: func(shape mockissuer.Shape) mockissuer.Token {
		return with(map[string]any{"nbf": time.Now().Add(20 * time.Second)})(shape)
	}},
	{Name: "a token without `exp`", token: with(map[string]any{"exp": nil})},
	{Name: "a token for another API", token: func(shape mockissuer.Shape) mockissuer.Token {
		return other(shape, mockissuer.KindAPI)
	}},
	{Name: "a token without `iss` and `aud`", token: with(map[string]any{"iss": nil, "aud": nil})},
	{Name: "a token of another issuer", token: ofAnother},
	{Name: "an unsigned token", token: func(shape mockissuer.Shape) mockissuer.Token {
		token := shape.AccessToken(time.Now())
		token.Algorithm, token.Secret = "none", nil
		return token
	}},
	{Name: "an ID token", token: func(shape mockissuer.Shape) mockissuer.Token { return other(shape, mockissuer.KindID) }},
	{Name: "an ID token with `at_hash`, for this API and with its scope", token: markedIDToken},
	{Name: "a token without the scope", token: func(shape mockissuer.Shape) mockissuer.Token {
		shape.Scope = "profile"
		return shape.AccessToken(time.Now())
	}},
	{Name: "a token bound to a key, with a DPoP proof", Honest: true, bound: true, send: func(r *http.Request, token string, key *testutil.ProofKey) {
		key.Authorize(r, token)
	}},
	{Name: "a token bound to a key, without a proof", bound: true},
	{Name: "a good token, but the issuer's keys can't be fetched", Honest: true, outage: true},
}

func expired(ago time.Duration) func(mockissuer.Shape) mockissuer.Token {
	return func(shape mockissuer.Shape) mockissuer.Token {
		token := shape.AccessToken(time.Now().Add(-ago - time.Hour))
		token.Claims["iat"], token.Claims["exp"] = time.Now().Add(-ago-time.Hour), time.Now().Add(-ago)
		return token
	}
}

func ofAnother(shape mockissuer.Shape) mockissuer.Token {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // rand.Reader never fails
	}
	shape.Issuer, shape.Algorithm, shape.Secret = "https://login.other.example", "RS256", ""
	token := shape.AccessToken(time.Now())
	token.Key, token.Header["kid"] = key, "another"
	return token
}

// Run sends all requests to the API that newAPI returns, and compares the
// responses with those in [File] in the test's folder.
func Run(t *testing.T, of Issuer, newAPI func() (http.Handler, error)) {
	t.Helper()
	logger := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(logger) })

	var lines strings.Builder
	for i, response := range Start(t, of).responses(newAPI) {
		fmt.Fprintf(&lines, "%s: %s\n", Rows[i].Name, response)
	}
	if *Update {
		if err := os.WriteFile(File, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(File)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines.String(); got != string(want) {
		t.Errorf("the responses are\n%swant those of %s\n%s(go test ./... -update, twice, writes them and the pages)", got, File, want)
	}
}

// Read returns the responses in a file that [Run] has written.
func Read(name string) ([]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != len(Rows) {
		return nil, fmt.Errorf("%s has %d lines, want %d", name, len(lines), len(Rows))
	}
	for i, row := range Rows {
		response, ok := strings.CutPrefix(lines[i], row.Name+": ")
		if !ok {
			return nil, fmt.Errorf("%s: line %d is %q, want one for %q", name, i+1, lines[i], row.Name)
		}
		lines[i] = response
	}
	return lines, nil
}

// A Trial has an issuer that answers at its real addresses.
type Trial struct {
	t     *testing.T
	shape mockissuer.Shape
	iss   *testutil.Issuer
	key   *testutil.ProofKey // of the client
	down  *atomic.Bool       // the issuer can't be reached
}

// Start returns a trial. Until the test ends, clients with the default
// transport reach the mock issuer at the addresses of the issuer, and nothing
// else.
func Start(t *testing.T, of Issuer) *Trial {
	t.Helper()
	shape, err := of.shape()
	if err != nil {
		t.Fatal(err)
	}
	cfg := mockissuer.Config{URL: "https://issuer.example/"}
	if of.Secret == "" {
		cfg.Algorithms = []string{shape.Algorithm}
	}
	iss := testutil.NewIssuer(t, cfg)
	return &Trial{t: t, shape: shape, iss: iss, key: testutil.DPoPKey(t), down: serve(t, of, shape.Algorithm, iss)}
}

func (tr *Trial) responses(newAPI func() (http.Handler, error)) []string {
	tr.t.Helper()
	tr.down.Store(true)
	orphan, err := newAPI()
	if err != nil {
		orphan = nil
	}
	tr.down.Store(false)
	api, err := newAPI()
	if err != nil {
		tr.t.Fatalf("newAPI() = %v, want an API", err)
	}

	var all []string
	for _, row := range Rows {
		switch {
		case !row.outage:
			all = append(all, tr.response(api, row))
		case orphan == nil:
			all = append(all, NotStarted)
		default:
			tr.down.Store(true)
			all = append(all, tr.response(orphan, row))
			tr.down.Store(false)
		}
	}
	return all
}

// subject is that of all tokens. The programs' handlers write it.
const subject = "anna"

func (tr *Trial) sign(row Row) string {
	tr.t.Helper()
	var token mockissuer.Token
	if row.token != nil {
		token = row.token(tr.shape)
	} else {
		token = tr.shape.AccessToken(time.Now())
	}
	token.Claims["sub"] = subject
	if row.bound {
		token.Claims["cnf"] = tr.key.Confirmation()
	}
	if len(token.Secret) == 0 {
		token.Secret = nil
	}
	return tr.iss.Sign(token)
}

// Request returns the request of a row.
func (tr *Trial) Request(row Row) *http.Request {
	tr.t.Helper()
	r := httptest.NewRequestWithContext(tr.t.Context(), http.MethodGet, "/orders", nil)
	if row.send != nil {
		row.send(r, tr.sign(row), tr.key)
	} else {
		r.Header.Set("Authorization", "Bearer "+tr.sign(row))
	}
	return r
}

// Body comes before the body of a response that is not 200.
const Body = ", body "

// response returns the status of api's response, its challenges and its body.
func (tr *Trial) response(api http.Handler, row Row) string {
	tr.t.Helper()
	w := httptest.NewRecorder()
	api.ServeHTTP(w, tr.Request(row))

	if got, want := w.Body.String(), "orders of "+subject+"\n"; w.Code == http.StatusOK && got != want {
		tr.t.Errorf("%s: body = %q, want %q", row.Name, got, want)
	}
	text := fmt.Sprint(w.Code)
	for _, challenge := range w.Header().Values("WWW-Authenticate") {
		text += ", `" + challenge + "`"
	}
	if w.Code != http.StatusOK {
		text += Body + strconv.Quote(tr.withoutKeyIDs(w.Body.String()))
	}
	return text
}

// withoutKeyIDs replaces the IDs of the issuer's keys, which are new in each
// run.
func (tr *Trial) withoutKeyIDs(text string) string {
	ids, err := tr.iss.KeyIDs()
	if err != nil {
		tr.t.Fatal(err)
	}
	for _, id := range ids {
		text = strings.ReplaceAll(text, id, "KID")
	}
	return text
}

// serve answers in the place of the issuer, at its real addresses. While down
// is set, it can't be reached. Connections to all other addresses fail.
func serve(t *testing.T, of Issuer, alg string, iss *testutil.Issuer) (down *atomic.Bool) {
	t.Helper()
	keySet, err := url.Parse(of.KeySet)
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := url.Parse(strings.TrimSuffix(of.Name, "/") + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+metadata.Host+metadata.Path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": of.Name, "jwks_uri": of.KeySet, "id_token_signing_alg_values_supported": []string{alg},
		})
	})
	mux.HandleFunc("GET "+keySet.Host+keySet.Path, func(w http.ResponseWriter, _ *http.Request) {
		keys, err := iss.KeySet()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(keys)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	// The programs use the default transport, or a copy of it.
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		t.Fatalf("http.DefaultTransport is a %T, want a *http.Transport", http.DefaultTransport)
	}
	http.DefaultTransport = transport.Clone()
	t.Cleanup(func() { http.DefaultTransport = transport })
	down = new(atomic.Bool)
	replaced, _ := http.DefaultTransport.(*http.Transport)
	replaced.Proxy = nil
	replaced.DisableKeepAlives = true
	replaced.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, fmt.Errorf("a trial does not connect to %s", addr)
	}
	replaced.DialTLSContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
		switch {
		case addr != keySet.Host+":443" && addr != metadata.Host+":443":
			return nil, fmt.Errorf("a trial does not connect to %s", addr)
		case down.Load():
			return nil, errors.New("the issuer is down")
		}
		// What the client takes for TLS is a connection in the clear, to loopback.
		return new(net.Dialer).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	return down
}

// Find returns the row of this name.
func Find(t *testing.T, name string) Row {
	t.Helper()
	for _, row := range Rows {
		if row.Name == name {
			return row
		}
	}
	t.Fatalf("there is no row %q", name)
	return Row{}
}
