package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

func ExampleConfig_observe() {
	auth, err := middleware.New(middleware.Config{
		Validator: validateFunc(func(_ context.Context, token string) (*validator.Claims, error) {
			if token != "good" {
				return nil, &validator.Error{Code: validator.CodeSignature, Issuer: "https://tenant.example.com/", Trusted: true}
			}
			return &validator.Claims{Issuer: "https://tenant.example.com/", ClientID: "shop"}, nil
		}),
		Observe: func(_ context.Context, e middleware.Event) {
			fmt.Println(e.Outcome, e.Status, e.Code, e.Issuer, e.Client, e.Route)
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", auth.Handler(http.NotFoundHandler()))
	for _, token := range []string{"good", "bad"} {
		r := httptest.NewRequest("GET", "/orders/7", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		mux.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// accepted 0  https://tenant.example.com/ shop GET /orders/{id}
	// rejected 401 invalid_signature https://tenant.example.com/  GET /orders/{id}
}

// One in a hundred accepted requests is recorded, and each payment.
func ExampleAudit() {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{} // for the output below
		}
		return a
	}}))
	auth, err := middleware.New(middleware.Config{
		Validator: validateFunc(func(context.Context, string) (*validator.Claims, error) {
			return &validator.Claims{Issuer: "https://tenant.example.com/", Subject: "anna", ID: "7b1"}, nil
		}),
		Observe: middleware.Audit(middleware.AuditConfig{
			Logger:   logger,
			OneIn:    100,
			Routes:   []string{"POST /payments"},
			TokenKey: []byte("a key of all services that write this log"),
		}),
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /payments", auth.Handler(http.NotFoundHandler()))
	r := httptest.NewRequest("POST", "/payments", nil)
	r.Header.Set("Authorization", "Bearer good")
	mux.ServeHTTP(httptest.NewRecorder(), r)
	// Output:
	// {"level":"INFO","msg":"token accepted","outcome":"accepted","issuer":"https://tenant.example.com/","subject":"anna","scheme":"Bearer","method":"POST","route":"POST /payments","token":"7a0e3af0f6cdf328f2861c454e0be526"}
}
