package clientauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// A PerRPC adds a token to each call of a gRPC client. It implements
// PerRPCCredentials of google.golang.org/grpc/credentials, which this package
// does not import:
//
//	conn, err := grpc.NewClient(target, grpc.WithPerRPCCredentials(&clientauth.PerRPC{
//		Source: tokens,
//		Hosts:  []string{"stock.example.com"},
//		Method: func(ctx context.Context) string {
//			info, _ := credentials.RequestInfoFromContext(ctx)
//			return info.Method
//		},
//	}), …)
//
// A call that is rejected is not repeated here, since gRPC tells the outcome to
// interceptors alone. Package grpctokens, a module of its own, has both. Another
// interceptor makes a [Call]. A PerRPC must not be changed while it is in use,
// and is safe for concurrent use then.
type PerRPC struct {
	// Source has the tokens. It is required.
	Source *Source

	// Hosts are the authorities that get the token, as in [TransportConfig]. It
	// is required.
	Hosts []string

	// Method returns the full method of a call, such as "/shop.Orders/List",
	// which a DPoP proof has in its URL. It is required with Config.Key.
	Method func(ctx context.Context) string

	// InsecureNoTLS sends tokens over connections that are not encrypted. The
	// URL of a proof then begins with http, since that is what the server sees.
	InsecureNoTLS bool
}

// RequireTransportSecurity reports whether gRPC must reject connections without
// TLS.
func (c *PerRPC) RequireTransportSecurity() bool { return !c.InsecureNoTLS }

// GetRequestMetadata returns the metadata of a call: "authorization", and "dpop"
// with Config.Key. The URI is that of the service, as gRPC passes it. The error
// is an [*Error], or that of ctx.
func (c *PerRPC) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	if c.Source == nil || c.Source.client == nil || len(uri) == 0 {
		return nil, errNotNew
	}
	u, err := url.Parse(uri[0])
	if err != nil {
		return nil, &Error{Code: CodeConfig, Err: errors.New("the URI of the service is no URL")}
	}
	hosts, err := hostsOf(c.Hosts)
	if err != nil {
		return nil, &Error{Code: CodeConfig, Err: err}
	}
	if err := mayGet(u, hosts, c.InsecureNoTLS); err != nil {
		return nil, err
	}
	g, err := c.Source.current(ctx)
	if err != nil {
		return nil, err
	}
	nonces := &c.Source.client.callNonces
	md := map[string]string{"authorization": g.tokenType + " " + g.token}
	if key := c.Source.client.cfg.Key; g.tokenType == "DPoP" && key != nil {
		if c.Method == nil {
			return nil, &Error{Code: CodeConfig, Err: errors.New("PerRPC.Method is nil, and a proof names the method")}
		}
		u.Path, u.RawPath = c.Method(ctx), ""
		if c.InsecureNoTLS {
			u.Scheme = "http"
		}
		proof, err := key.proof(http.MethodPost, u, g.token, nonces.of(u), c.Source.client.cfg.Now())
		if err != nil {
			return nil, &Error{Code: CodeConfig, Err: fmt.Errorf("signing a proof with Config.Key: %w", err)}
		}
		md["dpop"] = proof
	}
	if call, ok := ctx.Value(callKey{}).(*Call); ok {
		call.sent(c.Source, g, u)
	}
	return md, nil
}
