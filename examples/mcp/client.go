package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	sdkauth "github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

const callback = "http://127.0.0.1/callback"

// askWhoIAm is an MCP client that knows the server's URL and its own ID. It
// discovers the rest: the server's 401 names the metadata, the metadata names
// the issuer, and the issuer's metadata names its endpoints.
func askWhoIAm(ctx context.Context, server string, client *http.Client) (string, error) {
	oauth, err := sdkauth.NewAuthorizationCodeHandler(&sdkauth.AuthorizationCodeHandlerConfig{
		PreregisteredClient:      &oauthex.ClientCredentials{ClientID: "mcp-client"},
		RedirectURL:              callback,
		AuthorizationCodeFetcher: browser(client.Transport),
		Client:                   client,
	})
	if err != nil {
		return "", err
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "asker", Version: "1.0.0"}, nil).Connect(ctx,
		&mcp.StreamableClientTransport{Endpoint: server, HTTPClient: client, OAuthHandler: oauth}, nil)
	if err != nil {
		return "", err
	}
	defer session.Close()

	answer, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "whoami"})
	if err != nil {
		return "", err
	}
	text, ok := answer.Content[0].(*mcp.TextContent)
	if !ok || answer.IsError {
		return "", fmt.Errorf("whoami answers %+v", answer)
	}
	return text.Text, nil
}

// browser opens the page on which the user logs in. The mock issuer asks for
// nothing, and redirects the browser to the callback with the code.
func browser(transport http.RoundTripper) sdkauth.AuthorizationCodeFetcher {
	return func(ctx context.Context, args *sdkauth.AuthorizationArgs) (*sdkauth.AuthorizationResult, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
		if err != nil {
			return nil, err
		}
		res, err := transport.RoundTrip(req) // which doesn't follow to the callback
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		to, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			return nil, err
		}
		answer := to.Query()
		if answer.Get("code") == "" {
			return nil, fmt.Errorf("the issuer gives no code: %s %s", answer.Get("error"), answer.Get("error_description"))
		}
		return &sdkauth.AuthorizationResult{Code: answer.Get("code"), State: answer.Get("state"), Iss: answer.Get("iss")}, nil
	}
}
