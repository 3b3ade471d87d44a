package connectauth_test

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rsguard/rsguard/adapters/connectauth"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/validator"
)

// routesOf returns the procedures of a service, by its descriptor in generated
// code. A mux does not tell what it has.
func routesOf(service protoreflect.ServiceDescriptor) (routes []string) {
	for i := range service.Methods().Len() {
		routes = append(routes, "POST /"+string(service.FullName())+"/"+string(service.Methods().Get(i).Name()))
	}
	return routes
}

// The descriptors list the procedures, so a test finds one that a Rule has made
// public. A procedure without a Rule is rejected.
func TestUnguarded(t *testing.T) {
	t.Parallel()
	auth, err := middleware.New(middleware.Config{Validator: accepts{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))
	for _, procedure := range []string{list, watch, unnamed} {
		mux.Handle(procedure, connect.NewUnaryHandler(procedure, func(_ context.Context, r *connect.Request[word]) (*connect.Response[word], error) {
			return connect.NewResponse(r.Msg), nil
		}))
	}
	for name, tt := range map[string]struct {
		procedures connectauth.Procedures
		want       []string
	}{
		"one is public": {connectauth.Procedures{
			"/grpc.health.v1.Health/Check": connectauth.Public,
			"/grpc.health.v1.Health/":      connectauth.Require(),
			list:                           connectauth.Require(validator.Scopes("read")),
			"/shop.Orders/":                connectauth.Require(),
		}, []string{"POST /grpc.health.v1.Health/Check"}},
		"a service is public": {connectauth.Procedures{
			"/grpc.health.v1.Health/": connectauth.Require(),
			list:                      connectauth.Require(validator.Scopes("read")),
			"/shop.Orders/":           connectauth.Public, // forgotten
		}, []string{"POST " + watch}},
	} {
		guard, err := connectauth.New(auth, connectauth.Config{Procedures: tt.procedures})
		if err != nil {
			t.Fatal(err)
		}
		routes := append(routesOf(healthpb.File_grpc_health_v1_health_proto.Services().ByName("Health")), "POST "+list, "POST "+watch, "POST "+unnamed)
		if got := testutil.Unguarded(t, guard.Handler(mux), routes...); len(routes) < 5 || !slices.Equal(got, tt.want) {
			t.Errorf("%s: Unguarded(%q) = %q, want %q", name, routes, got, tt.want)
		}
	}
}
