package grpcauth_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/testutil"
)

const (
	unaryMethod  = "/test.Orders/List"
	streamMethod = "/test.Orders/Watch"
	otherMethod  = "/test.Others/List"
)

// A call is the transport's half of a call, which keeps what is sent.
type call struct {
	mu              sync.Mutex
	method          string
	header, trailer metadata.MD
}

func (c *call) Method() string { return c.method }

func (c *call) SetHeader(md metadata.MD) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header = metadata.Join(c.header, md)
	return nil
}

func (c *call) SendHeader(md metadata.MD) error { return c.SetHeader(md) }

func (c *call) SetTrailer(md metadata.MD) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trailer = metadata.Join(c.trailer, md)
	return nil
}

// A serverStream is one without messages.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s serverStream) Context() context.Context { return s.ctx }

// serve calls the interceptors as a server does. In place of the connection,
// the context says who the peer is.
func serve(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
	return serveWith(grpcauth.Config{}, next, layers...)
}

func serveWith(cfg grpcauth.Config, next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
	var guards []*grpcauth.Guard
	for _, layer := range layers {
		guard, err := func() (*grpcauth.Guard, error) {
			cfg.Methods = grpcauth.Methods{"/test.Orders/": grpcauth.Require(layer.Checks...)}
			return grpcauth.New(layer.Auth, cfg)
		}()
		if err != nil {
			panic(err)
		}
		guards = append(guards, guard)
	}
	return func(r *http.Request) *http.Response {
		md := make(metadata.MD)
		for name, values := range r.Header {
			md[strings.ToLower(name)] = values
		}
		if r.Host != "" {
			md[":authority"] = []string{r.Host}
		}
		method := r.URL.Path
		c := &call{method: method}
		ctx := metadata.NewIncomingContext(r.Context(), md)
		ctx = grpc.NewContextWithServerTransportStream(ctx, c)
		p := &peer.Peer{}
		if r.TLS != nil {
			p.AuthInfo = credentials.TLSInfo{State: *r.TLS}
		}
		ctx = peer.NewContext(ctx, p)

		w := &recorder{header: make(http.Header), status: http.StatusAccepted}
		handle := func(ctx context.Context) {
			request := r.Clone(ctx)
			next.ServeHTTP(w, request)
		}
		var err error
		if method == streamMethod {
			handler := func(_ any, ss grpc.ServerStream) error { handle(ss.Context()); return nil }
			for i := len(guards) - 1; i >= 0; i-- {
				inner := handler
				handler = func(server any, ss grpc.ServerStream) error {
					return guards[i].Stream(server, ss, &grpc.StreamServerInfo{FullMethod: method}, inner)
				}
			}
			err = handler(nil, serverStream{ctx: ctx})
		} else {
			handler := func(ctx context.Context, _ any) (any, error) { handle(ctx); return nil, nil }
			for i := len(guards) - 1; i >= 0; i-- {
				inner := handler
				handler = func(ctx context.Context, message any) (any, error) {
					return guards[i].Unary(ctx, message, &grpc.UnaryServerInfo{FullMethod: method}, inner)
				}
			}
			_, err = handler(ctx, nil)
		}
		return c.response(err, w)
	}
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

// response translates the end of a call to HTTP.
func (c *call) response(err error, w *recorder) *http.Response {
	res := &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ProtoMajor: 2}
	for _, md := range []metadata.MD{c.header, c.trailer} {
		for name, values := range md {
			for _, value := range values {
				res.Header.Add(name, value)
			}
		}
	}
	if err == nil {
		return res
	}
	s := status.Convert(err)
	res.Body = io.NopCloser(strings.NewReader(s.Message()))
	res.StatusCode = map[codes.Code]int{
		codes.Unauthenticated: 401, codes.PermissionDenied: 403, codes.Unavailable: 503, codes.Internal: 500,
	}[s.Code()]
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetReason() == "invalid_request" {
				res.StatusCode = 400
			}
		case *errdetails.RetryInfo:
			res.Header.Set("Retry-After", strconv.Itoa(int(detail.GetRetryDelay().AsDuration().Seconds())))
		}
	}
	return res
}

func TestTransport(t *testing.T) {
	t.Parallel()

	testutil.TestTransport(t, testutil.Transport{
		Serve: serve, Procedures: []string{unaryMethod, streamMethod}, Unnamed: otherMethod,
	})
}

// overGRPC sends a vector's request as a call of a method. A vector's clock is
// not that of streams, so they outlive their tokens.
func overGRPC(method string) requests.Framework {
	return requests.Framework{
		Name: "gRPC " + method,
		Serve: func(next http.Handler, layers ...testutil.Layer) func(*http.Request) *http.Response {
			send := serveWith(grpcauth.Config{OutliveTokens: true}, next, layers...)
			return func(r *http.Request) *http.Response {
				r = r.Clone(r.Context())
				r.URL.Path = method
				return send(r)
			}
		},
		Carries: func(r *vectors.Request) bool {
			if r.Body != "" || r.Method == http.MethodOptions || strings.Contains(r.Target, "?") {
				return false
			}
			for _, field := range r.Header {
				// A proof is for a method and path, which a call has of its own.
				if strings.EqualFold(field[0], "DPoP") {
					return false
				}
			}
			return true
		},
	}
}

func TestVectors(t *testing.T) {
	for _, method := range []string{unaryMethod, streamMethod} {
		t.Run(method, func(t *testing.T) { requests.Run(t, "../../vectors/data", overGRPC(method)) })
	}
}
