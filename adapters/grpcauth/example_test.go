package grpcauth_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// The service is gRPC's own health service, so that the example needs no
// generated code.
func Example() {
	iss, err := mockissuer.Start(mockissuer.Demo()) // in place of the real issuer
	if err != nil {
		log.Fatal(err)
	}
	defer iss.Close()

	v, err := validator.New(validator.Config{Issuers: []string{iss.URL}, Audiences: []string{"https://api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{
		"/grpc.health.v1.Health/Check": grpcauth.Require(validator.Scopes("health:read")),
		"/grpc.health.v1.Health/":      grpcauth.Require(),
	}})
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(guard.Options()...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	if err := guard.Verify(server); err != nil {
		log.Fatal(err)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Stop()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	for _, scope := range []string{"health:read", "health:write"} {
		token, err := iss.Sign(mockissuer.Token{Claims: map[string]any{"scope": scope}})
		if err != nil {
			log.Fatal(err)
		}
		ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+token)
		_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
		fmt.Println(scope, status.Code(err))
	}
	// Output:
	// health:read OK
	// health:write PermissionDenied
}
