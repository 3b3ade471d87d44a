package grpcauth_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// unguarded returns the methods of a server that a client without credentials
// may call.
func unguarded(ctx context.Context, server *grpc.Server, conn *grpc.ClientConn) (methods []string) {
	for service, info := range server.GetServiceInfo() {
		for _, method := range info.Methods {
			name := "/" + service + "/" + method.Name
			if code := status.Code(callWithoutCredentials(ctx, conn, name)); code != codes.Unauthenticated {
				methods = append(methods, name)
			}
		}
	}
	slices.Sort(methods)
	return methods
}

// callWithoutCredentials sends an empty message, which every method takes.
func callWithoutCredentials(ctx context.Context, conn *grpc.ClientConn, method string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(new(emptypb.Empty)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(new(emptypb.Empty))
}

// A server lists its methods, so a test finds one that a Rule has made public. A
// method without a Rule is rejected.
func TestUnguarded(t *testing.T) {
	t.Parallel()
	f := start(t, setup{})
	want := []string{"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"}
	if got := unguarded(t.Context(), f.server, f.conn); !slices.Equal(got, want) {
		t.Errorf("methods for clients without credentials = %q, want %q", got, want)
	}
}
