package grpctokens_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rsguard/rsguard/adapters/grpcauth"
	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/contrib/grpctokens"
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
	address, roots, stop := serve(iss)
	defer stop()

	client, err := clientauth.New(clientauth.Config{
		Issuer:   iss.URL,
		ClientID: "demo-client",
		Auth:     clientauth.ClientSecretPost("demo-secret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := client.Source(clientauth.Request{Audience: "https://api.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	conn, err := dial(tokens, address, roots)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	answer, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output: SERVING <nil>
}

func dial(tokens *clientauth.Source, host string, roots *x509.CertPool) (*grpc.ClientConn, error) {
	options, err := grpctokens.DialOptions(grpctokens.Config{Source: tokens, Hosts: []string{host}})
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(host, append(options, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "")))...)
}

// serve starts a server that requires tokens of iss.
func serve(iss *mockissuer.Issuer) (address string, roots *x509.CertPool, stop func()) {
	v, err := validator.New(validator.Config{Issuers: []string{iss.URL}, Audiences: []string{"https://api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	auth, err := middleware.New(middleware.Config{Validator: v})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := grpcauth.New(auth, grpcauth.Config{Methods: grpcauth.Methods{"/grpc.health.v1.Health/": grpcauth.Require()}})
	if err != nil {
		log.Fatal(err)
	}
	certificate, roots := loopback()
	server := grpc.NewServer(append(guard.Options(), grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(listener)
	return listener.Addr().String(), roots, server.Stop
}
