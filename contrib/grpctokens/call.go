package grpctokens

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rsguard/rsguard/contrib/clientauth"
)

// A call is one of the client's, until it has ended.
type call struct {
	again *clientauth.Call

	mu     sync.Mutex
	failed *clientauth.Error // why there is no token
}

type callKey struct{}

func newCall(ctx context.Context) (context.Context, *call) {
	c := new(call)
	ctx, c.again = clientauth.NewCall(ctx)
	return context.WithValue(ctx, callKey{}, c), c
}

func (c *call) fail(e *clientauth.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = e
}

// ended takes how an attempt has ended. It returns the error for the caller, and
// whether another attempt is to be made.
func (c *call) ended(ctx context.Context, err error, md metadata.MD) (error, bool) {
	code := status.Code(err)
	if c.again.Again(ctx, code == codes.Unauthenticated, md) {
		return err, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var cause error
	switch {
	case err == nil:
		return nil, false
	case c.failed != nil && (code == codes.Unavailable || code == codes.Internal):
		cause = c.failed
	case code == codes.Unauthenticated:
		cause = clientauth.StepUp(http.Header{"Www-Authenticate": md["www-authenticate"]})
	}
	if cause == nil {
		return err, false
	}
	return &caused{status.Convert(err), cause}, false
}

// unary is a [grpc.UnaryClientInterceptor].
func unary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, c := newCall(ctx)
	for {
		var header, trailer metadata.MD
		err := invoke(ctx, method, request, reply, conn, append(slices.Clip(opts), grpc.Header(&header), grpc.Trailer(&trailer))...)
		err, again := c.ended(ctx, err, metadata.Join(header, trailer))
		if !again {
			return err
		}
	}
}

// stream is a [grpc.StreamClientInterceptor].
func stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, c := newCall(ctx)
	opened, err := open(ctx, desc, conn, method, opts...)
	if err != nil {
		err, _ = c.ended(ctx, err, nil)
		return nil, err
	}
	// The stream's own context is done when the stream is.
	return &watched{ClientStream: opened, ended: func(err error, md metadata.MD) error {
		err, _ = c.ended(ctx, err, md)
		return err
	}}, nil
}

// A watched stream takes note of its header and of its end.
type watched struct {
	grpc.ClientStream
	ended func(error, metadata.MD) error
	begun sync.Once
}

// RecvMsg receives a message.
func (w *watched) RecvMsg(m any) error {
	err := w.ClientStream.RecvMsg(m)
	if err == nil {
		w.begun.Do(func() { // the header is there
			if header, failed := w.Header(); failed == nil {
				_ = w.ended(nil, header)
			}
		})
		return nil
	}
	if status.Code(err) == codes.Unknown { // io.EOF, or the server's own
		return err
	}
	header, _ := w.Header() // of a stream that has ended
	return w.ended(err, metadata.Join(header, w.Trailer()))
}
