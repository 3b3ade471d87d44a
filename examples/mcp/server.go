package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	sdkauth "github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// newServer returns an MCP server at the URL resource, which accepts the tokens
// that issuer has issued for it.
func newServer(resource, issuer string, logger *slog.Logger) (http.Handler, error) {
	v, err := validator.New(validator.Config{Issuers: []string{issuer}, Audiences: []string{resource}})
	if err != nil {
		return nil, err
	}
	auth, err := middleware.New(middleware.Config{
		Validator: v,
		Metadata: &middleware.Metadata{
			Resource: resource,
			// RFC 8414, Section 3.1, requires clients to remove the final slash
			// of an issuer before they look for its metadata. The SDK's client
			// doesn't. It accepts the issuer without the slash as the same.
			AuthorizationServers: []string{strings.TrimSuffix(issuer, "/")},
			ScopesSupported:      []string{"notes:read"},
		},
		Logger: logger,
	})
	if err != nil {
		return nil, err
	}

	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1.0.0"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Says who is calling."}, whoAmI)
	streamable := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)

	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.Require(validator.Scopes("notes:read"))(withTokenInfo(streamable)))
	mux.Handle(auth.Metadata()) // public, because it says where to get a token
	return mux, nil
}

// withTokenInfo tells the SDK whose request it is. The SDK then accepts a
// session's requests only from the user who has begun it, and passes the claims
// to the tools. The token is already validated.
func withTokenInfo(next http.Handler) http.Handler {
	return sdkauth.RequireBearerToken(func(ctx context.Context, _ string, _ *http.Request) (*sdkauth.TokenInfo, error) {
		claims, ok := middleware.ClaimsFromContext(ctx)
		if !ok {
			return nil, errors.New("withTokenInfo is not behind an Authenticator")
		}
		return &sdkauth.TokenInfo{
			UserID:     claims.Issuer + " " + claims.Subject, // a subject is unique at its issuer alone
			Scopes:     claims.Scopes,
			Expiration: claims.ExpiresAt,
			Extra:      map[string]any{"claims": claims},
		}, nil
	}, &sdkauth.RequireBearerTokenOptions{ClockSkew: validator.DefaultLeeway})(next)
}

// whoAmI finds the claims in the call, since its context is that of the session
// and not of the request.
func whoAmI(_ context.Context, call *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	claims, ok := call.Extra.TokenInfo.Extra["claims"].(*validator.Claims)
	if !ok {
		return nil, nil, errors.New("there are no claims")
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: claims.Subject}}}, nil, nil
}
