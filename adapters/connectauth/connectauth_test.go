package connectauth_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

const (
	list    = "/shop.Orders/List"
	watch   = "/shop.Orders/Watch"
	unnamed = "/shop.Carts/List"
)

// A protocol is what a client sends, and how it reads an error.
type protocol struct {
	name        string
	contentType string // "" for none of the protocols
	readError   func(http.ResponseWriter, *http.Response) (code string, details []detail, err error)
}

type detail struct {
	name  string
	value []byte
}

var protocols = []protocol{
	{"plain HTTP", "", nil},
	{"Connect", "application/json", readUnary},
	{"Connect, binary", "application/proto", readUnary},
	{"Connect, stream", "application/connect+proto", readStream},
	{"gRPC", "application/grpc", readTrailer},
	{"gRPC-Web", "application/grpc-web+proto", readHeader},
}

type wireError struct {
	Code, Message string
	Details       []struct{ Type, Value string }
}

func (e wireError) read() (string, []detail, error) {
	var details []detail
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return "", nil, err
		}
		details = append(details, detail{d.Type, value})
	}
	return e.Code, details, nil
}

func readUnary(_ http.ResponseWriter, res *http.Response) (string, []detail, error) {
	var e wireError
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		return "", nil, fmt.Errorf("content type %q", got)
	}
	body, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(body, &e); err != nil {
		return "", nil, fmt.Errorf("%q: %w", body, err)
	}
	return e.read()
}

func readStream(_ http.ResponseWriter, res *http.Response) (string, []detail, error) {
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || len(body) < 5 || body[0] != 2 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return "", nil, fmt.Errorf("status %d, %q is no end of a stream", res.StatusCode, body)
	}
	var end struct {
		Error    wireError
		Metadata map[string][]string
	}
	if err := json.Unmarshal(body[5:], &end); err != nil {
		return "", nil, err
	}
	for name := range map[string]bool{"Www-Authenticate": true, "Dpop-Nonce": true} {
		values := end.Metadata[name]
		if values == nil {
			values = end.Metadata[strings.ToLower(name)]
		}
		if got, want := strings.Join(values, ", "), strings.Join(res.Header[name], ", "); got != want {
			return "", nil, fmt.Errorf("%s in the metadata = %q, want %q", name, got, want)
		}
	}
	return end.Error.read()
}

func readTrailer(_ http.ResponseWriter, res *http.Response) (string, []detail, error) {
	return readStatus(res.StatusCode, res.Trailer)
}

func readHeader(_ http.ResponseWriter, res *http.Response) (string, []detail, error) {
	return readStatus(res.StatusCode, res.Header)
}

func readStatus(status int, md http.Header) (string, []detail, error) {
	code := map[string]string{"7": "permission_denied", "13": "internal", "14": "unavailable", "16": "unauthenticated"}[md.Get("Grpc-Status")]
	if status != 200 || code == "" {
		return "", nil, fmt.Errorf("status %d, %v has no status", status, md)
	}
	raw, err := base64.RawStdEncoding.DecodeString(md.Get("Grpc-Status-Details-Bin"))
	if err != nil {
		return "", nil, err
	}
	var s statuspb.Status
	if err := proto.Unmarshal(raw, &s); err != nil {
		return "", nil, err
	}
	var details []detail
	for _, d := range s.GetDetails() {
		details = append(details, detail{strings.TrimPrefix(d.GetTypeUrl(), "type.googleapis.com/"), d.GetValue()})
	}
	return code, details, nil
}

// route is the adapter as a user has it, and a handler for all paths.
func route(auth *middleware.Authenticator, checks []validator.Check, next http.Handler) http.Handler {
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		list:  connectauth.Require(checks...),
		watch: connectauth.Require(checks...),
	}})
	if err != nil {
		panic(err)
	}
	return guard.Handler(next)
}

// serve returns the Serve function of a Transport whose clients use p. The path
// of a request is replaced by that of a procedure, if it is none, but not the
// target that a proof names.
func (p protocol) serve(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
	for i := len(layers) - 1; i >= 0; i-- {
		next = route(layers[i].Auth, layers[i].Checks, next)
	}
	return func(r *http.Request) *http.Response {
		if !strings.HasPrefix(r.URL.Path, "/shop.") {
			r = r.Clone(r.Context())
			r.URL = &url.URL{Path: list, RawQuery: r.URL.RawQuery}
		}
		if p.contentType != "" {
			r.Method = http.MethodPost
			r.Header.Set("Content-Type", p.contentType)
		}
		w := httptest.NewRecorder()
		next.ServeHTTP(w, r)
		res := w.Result()
		if p.readError == nil || w.Code == http.StatusAccepted || w.Code == http.StatusOK && !isError(res) {
			return res
		}
		body := w.Body.String()
		code, details, err := p.readError(w, res)
		if err != nil {
			return &http.Response{StatusCode: 999, Header: http.Header{"X-Error": {err.Error()}}}
		}
		return translate(res.Header, body, code, details)
	}
}

func isError(res *http.Response) bool {
	return res.Header.Get("Grpc-Status") != "" || res.Trailer.Get("Grpc-Status") != "" || res.Header.Get("Content-Type") == "application/connect+proto"
}

// translate returns the response in terms of HTTP.
func translate(header http.Header, body, code string, details []detail) *http.Response {
	res := &http.Response{Header: header, StatusCode: map[string]int{
		"unauthenticated": 401, "permission_denied": 403, "internal": 500, "unavailable": 503,
	}[code]}
	retry := ""
	for _, d := range details {
		switch d.name {
		case "google.rpc.ErrorInfo":
			var info errdetails.ErrorInfo
			if err := proto.Unmarshal(d.value, &info); err != nil || info.GetDomain() != "rsguard" || info.GetReason() == "" {
				return &http.Response{StatusCode: 999, Header: http.Header{"X-Error": {"the ErrorInfo is " + info.String()}}}
			}
			body += " " + info.String()
			if info.GetReason() == "invalid_request" {
				res.StatusCode = 400
			}
		case "google.rpc.RetryInfo":
			var info errdetails.RetryInfo
			if err := proto.Unmarshal(d.value, &info); err == nil {
				retry = strconv.Itoa(int(info.GetRetryDelay().AsDuration().Seconds()))
			}
		}
	}
	if header.Get("Retry-After") != retry {
		header.Set("Retry-After", cmp.Or(retry, "no RetryInfo"))
	}
	res.Body = io.NopCloser(strings.NewReader(body))
	return res
}

func TestTransport(t *testing.T) {
	t.Parallel()

	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			testutil.TestTransport(t, testutil.Transport{Serve: p.serve, Procedures: []string{list, watch}, Unnamed: unnamed})
		})
	}
}

func TestVectors(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			f := requests.Framework{Name: p.name, Serve: p.serve}
			if p.contentType != "" {
				f.Carries = carries
			}
			requests.Run(t, "../../vectors/data", f)
		})
	}
}

// carries reports whether the decision is the same for a call, which is a POST.
func carries(r *vectors.Request) bool {
	for _, field := range r.Header {
		if strings.EqualFold(field[0], "DPoP") {
			return false // the proof is for a method
		}
	}
	return r.Method != http.MethodOptions
}

// A Rule of a procedure is used instead of that of its service, and paths are
// compared byte by byte.
func TestGuard_procedures(t *testing.T) {
	t.Parallel()

	auth, err := middleware.New(middleware.Config{Validator: accepts{}})
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		list:                      connectauth.Require(validator.Scopes("read")),
		"/shop.Orders/":           connectauth.Require(),
		"/grpc.health.v1.Health/": connectauth.Public,
		"/shop.Open/Closed":       connectauth.Require(),
		"/shop.Open/":             connectauth.Public,
	}})
	if err != nil {
		t.Fatalf("New() error = %v", err)
	}
	h := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := connectauth.Claims(r.Context())
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, ok, claims != nil && claims.Subject == "anna")
	}))
	for _, tt := range []struct {
		path, token string
		want        int
		body        string
	}{
		{list, "read", 202, "true true"},
		{list, "write", 403, ""},
		{list, "", 401, ""},
		{watch, "write", 202, "true true"},
		{watch, "", 401, ""},
		{"/grpc.health.v1.Health/Check", "", 202, "false false"},
		{"/grpc.health.v1.Health/Check", "read", 202, "false false"},
		{"/shop.Open/Closed", "", 401, ""},
		{"/shop.Open/Any", "", 202, "false false"},
		{unnamed, "read", 403, ""},
		{unnamed, "", 401, ""},
		{"/shop.Open/Any/", "read", 403, ""},
		{"//shop.Open/Any", "read", 403, ""},
		{"/shop.open/Any", "read", 403, ""},
		{"/v1/shop.Open/Any", "read", 403, ""},
		{"/", "read", 403, ""},
		{"", "read", 403, ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.Path = tt.path
		if tt.token != "" {
			r.Header.Set("Authorization", "Bearer "+tt.token)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want || tt.body != "" && w.Body.String() != tt.body {
			t.Errorf("POST %s with %q = %d %q, want %d %q", tt.path, tt.token, w.Code, w.Body, tt.want, tt.body)
		}
	}
}

// An accepts accepts every token, which is its scope.
type accepts struct{}

func (accepts) Validate(_ context.Context, token string) (*validator.Claims, error) {
	return &validator.Claims{Subject: "anna", Scopes: []string{token}}, nil
}

// A client that speaks none of the protocols gets the response of HTTP.
func TestGuard_plain(t *testing.T) {
	t.Parallel()

	auth, err := middleware.New(middleware.Config{
		Validator: accepts{},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, status int, _ error) {
			http.Error(w, "by hand", status)
		},
	})
	if err != nil {
		t.Fatalf("middleware.New() error = %v", err)
	}
	h := route(auth, nil, http.NotFoundHandler())
	for _, tt := range []struct {
		method, target, contentType string
		plain                       bool
	}{
		{"GET", list, "", true},
		{"GET", list + "?message=%7B%7D", "", true},
		{"GET", list + "?encoding=json&message=%7B%7D", "", false},
		{"GET", list + "?message=%7B%7D&encoding=json&connect=v1", "", false},
		{"POST", list, "text/plain", true},
		{"POST", list, "", true},
		{"POST", list, "application/json", false},
		{"PUT", list, "application/json", true},
		{"GET", "/index.html", "", true},
	} {
		r := httptest.NewRequest(tt.method, tt.target, nil)
		r.Header.Set("Content-Type", tt.contentType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if plain := w.Body.String() == "by hand\n"; w.Code != 401 || plain != tt.plain || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s %s as %q = %d %q, want the response of HTTP: %t", tt.method, tt.target, tt.contentType, w.Code, w.Body, tt.plain)
		}
		if !tt.plain && !bytes.Contains(w.Body.Bytes(), []byte(`"code":"unauthenticated"`)) {
			t.Errorf("%s %s = %q, want Connect's error", tt.method, tt.target, w.Body)
		}
	}
}

func TestNew_faults(t *testing.T) {
	t.Parallel()

	_, err := connectauth.New(nil, connectauth.Config{})
	for _, want := range []string{"the Authenticator is nil", "Procedures is empty"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("New(nil, Config{}) error = %v, want %q in it", err, want)
		}
	}
	for _, name := range []string{"", "/", "//", "/a", "a/b", "//b", "/a/b/c", "/a//"} {
		_, err := connectauth.New(new(middleware.Authenticator), connectauth.Config{Procedures: connectauth.Procedures{name: connectauth.Public}})
		if !strings.Contains(fmt.Sprint(err), strconv.Quote(name)+" is neither") {
			t.Errorf("New() with the name %q error = %v, want one that names it", name, err)
		}
	}
	for _, name := range []string{"/a/", "/a/b"} {
		if _, err := connectauth.New(new(middleware.Authenticator), connectauth.Config{Procedures: connectauth.Procedures{name: connectauth.Public}}); err != nil {
			t.Errorf("New() with the name %q error = %v, want none", name, err)
		}
	}
}
