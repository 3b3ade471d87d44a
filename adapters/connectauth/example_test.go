package connectauth_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

// exampleAuth gives the examples an Authenticator, and tokens that it accepts.
// In a service it is made of validator.New(validator.Auth0(domain, audience)).
func exampleAuth() (auth *middleware.Authenticator, token func(claims map[string]any) string) {
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://issuer.example/", Algorithms: []string{"EdDSA"}})
	if err != nil {
		log.Fatal(err)
	}
	set, err := iss.KeySet()
	if err != nil {
		log.Fatal(err)
	}
	keys, err := jwks.Parse(set)
	if err != nil {
		log.Fatal(err)
	}
	v, err := validator.New(validator.Config{
		Issuers:    []string{"https://issuer.example/"},
		Audiences:  []string{"https://api.example.com"},
		Algorithms: []validator.Algorithm{validator.EdDSA},
		Keys:       keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	auth, err = middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	return auth, func(claims map[string]any) string {
		t, err := iss.Sign(mockissuer.Token{Claims: claims})
		if err != nil {
			log.Fatal(err)
		}
		return t
	}
}

// A checker is the service of the examples.
type checker struct{}

func (checker) Check(ctx context.Context, _ *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	claims, _ := connectauth.Claims(ctx)
	fmt.Println("checked by", claims.Subject)
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}

const check = "/grpc.health.v1.Health/Check" // generated code has a constant

func ExampleNew() {
	auth, token := exampleAuth()
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		check: connectauth.Require(validator.Scopes("health:read")),
	}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(grpchealth.NewHandler(checker{}))
	server := httptest.NewUnstartedServer(guard.Handler(mux))
	server.EnableHTTP2 = true // which gRPC needs
	server.StartTLS()
	defer server.Close()

	for _, protocol := range []connect.ClientOption{connect.WithProtoJSON(), connect.WithGRPC(), connect.WithGRPCWeb()} {
		client := connect.NewClient[healthpb.HealthCheckRequest, healthpb.HealthCheckResponse](
			server.Client(), server.URL+check, protocol)
		for _, scope := range []string{"health:read", "health:write"} {
			req := connect.NewRequest(&healthpb.HealthCheckRequest{})
			req.Header().Set("Authorization", "Bearer "+token(map[string]any{"sub": "anna", "scope": scope}))
			if _, err := client.CallUnary(context.Background(), req); err != nil {
				detail, _ := err.(*connect.Error).Details()[0].Value()
				fmt.Println(connect.CodeOf(err), detail.ProtoReflect().Descriptor().Name())
			}
		}
	}
	// Output:
	// checked by anna
	// permission_denied ErrorInfo
	// checked by anna
	// permission_denied ErrorInfo
	// checked by anna
	// permission_denied ErrorInfo
}

// A middleware around the handler of one service doesn't guard the others.
func ExampleGuard_Handler_incorrect() {
	auth, _ := exampleAuth()
	guard, err := connectauth.New(auth, connectauth.Config{Procedures: connectauth.Procedures{
		"/shop.Orders/": connectauth.Require(),
	}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/shop.Orders/", guard.Handler(http.NotFoundHandler())) // should be guard.Handler(mux)
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, check, http.NoBody)
	r.Header.Set("Content-Type", "application/proto")
	mux.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output: 200
}
