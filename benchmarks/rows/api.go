package rows

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	auth0 "github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/golang-jwt/jwt/v5"

	"github.com/rsguard/rsguard/middleware"
)

// An API is a small API on net/http and one way to protect it.
type API struct {
	Name string
	Role Role

	// Open returns the whole handler. It fetches keys for as long as ctx lives.
	Open func(ctx context.Context, issuer *Issuer) (http.Handler, error)
}

// APIs returns the unprotected API first, then those that rsguard and its peers
// protect. All of them respond alike. The protected ones first read the subject
// from the claims.
func APIs() []API {
	return []API{
		{"unprotected", Yardstick, func(context.Context, *Issuer) (http.Handler, error) {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, Want.Subject) }), nil
		}},
		{"rsguard", Ours, func(ctx context.Context, issuer *Issuer) (http.Handler, error) { return guarded(ctx, issuer, 0) }},
		{"rsguard, CacheSize: -1", Ours, func(ctx context.Context, issuer *Issuer) (http.Handler, error) { return guarded(ctx, issuer, -1) }},
		{"golang-jwt v5 + keyfunc v3, by hand", Peer, byHand},
		{"go-jwt-middleware v3", Peer, auth0v3API},
	}
}

func answer(w http.ResponseWriter, subject string) {
	if subject == "" {
		w.WriteHeader(http.StatusInternalServerError)

		return
	}
	_, _ = io.WriteString(w, "an answer\n") // a client that went away needs none
}

func guarded(ctx context.Context, issuer *Issuer, cacheSize int) (http.Handler, error) {
	v, err := NewValidator(ctx, issuer, cacheSize)
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{Validator: v, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}

	return auth.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.ClaimsFromContext(r.Context())
		answer(w, view(claims).Subject)
	})), nil
}

// byHand is a middleware as a program would write it around golang-jwt.
func byHand(ctx context.Context, issuer *Issuer) (http.Handler, error) {
	keys, err := keyfunc.NewDefaultCtx(ctx, []string{issuer.KeySetURL})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(golangJWTOptions(issuer)...)
	type claimsKey struct{}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := r.Context().Value(claimsKey{}).(*golangJWTClaims)
		answer(w, claims.view().Subject)
	})

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)

			return
		}
		claims := new(golangJWTClaims)
		if _, err := parser.ParseWithClaims(token, claims, keys.Keyfunc); err != nil {
			w.WriteHeader(http.StatusUnauthorized)

			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	}), nil
}

func auth0v3API(_ context.Context, issuer *Issuer) (http.Handler, error) {
	v, err := auth0v3Validator(issuer)
	if err != nil {
		return nil, err
	}
	guard, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return nil, err
	}

	return guard.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		validated, err := jwtmiddleware.GetClaims[*auth0.ValidatedClaims](r.Context())
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)

			return
		}
		answer(w, auth0v3Claims(validated).Subject)
	})), nil
}
