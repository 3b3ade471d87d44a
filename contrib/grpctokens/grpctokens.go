// Package grpctokens adds the tokens of package clientauth to the calls of a
// gRPC client.
//
//	options, err := grpctokens.DialOptions(grpctokens.Config{
//		Source: tokens,
//		Hosts:  []string{"stock.example.com"},
//	})
//	…
//	conn, err := grpc.NewClient("stock.example.com:443",
//		append(options, grpc.WithTransportCredentials(creds))...)
//
// Each call has the token in the metadata entry "authorization", and with
// Config.Key of clientauth a proof in "dpop" (RFC 9449). A call whose authority
// is not in Hosts fails with Internal, before anything is sent.
//
// A unary call that ends with Unauthenticated is made again once with another
// token if the challenge has the error invalid_token, and once with the server's
// nonce if it has use_dpop_nonce. The server has not acted on it. The challenge
// is in the metadata entry "www-authenticate" of the trailer or of the header,
// as package grpcauth sends it. A stream is not made again, since its messages
// are gone. The next stream has the other token, or the nonce.
//
// # Errors
//
// All errors are statuses. If there is no token because the issuer is not
// reached, the code is Unavailable. For another reason on this side it is
// Internal, and not Unauthenticated, which would blame the caller of the
// service that makes the call. [errors.As] finds the [*clientauth.Error] in
// either, and one with [clientauth.CodeAuthentication] if the server requires
// that the user signs in again (RFC 9470). Guard.Reject of package middleware
// takes them all.
package grpctokens

import (
	"context"
	"errors"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/rsguard/rsguard/contrib/clientauth"
)

// A Config says which calls get tokens. Source and Hosts are required.
type Config struct {
	// Source has the tokens. It is one of Client.Source, Client.Exchange or
	// Client.OnBehalfOf.
	Source *clientauth.Source

	// Hosts are the authorities that get the token, each with its port unless
	// that is 443, such as "stock.example.com". They are compared exactly but
	// for case. The authority of a connection is the host of its target, or that
	// of [grpc.WithAuthority].
	Hosts []string

	// InsecureNoTLS sends tokens over connections that are not encrypted. By
	// default, gRPC refuses to make such a connection. An attacker on the
	// network in between can read a token, and use it unless it is bound to a
	// key.
	InsecureNoTLS bool
}

// DialOptions returns the options of a client whose calls have tokens. It does
// no I/O. They can be used for several clients at once.
func DialOptions(cfg Config) ([]grpc.DialOption, error) {
	// A Transport has the same faults.
	if _, err := clientauth.NewTransport(cfg.Source, clientauth.TransportConfig{Hosts: cfg.Hosts}); err != nil {
		return nil, err
	}
	secure := clientauth.PerRPC{Source: cfg.Source, Hosts: slices.Clone(cfg.Hosts), Method: methodOf}
	plain := secure
	plain.InsecureNoTLS = true
	tokens := &perRPC{secure: &secure, plain: &plain, mayBePlain: cfg.InsecureNoTLS}
	return []grpc.DialOption{
		grpc.WithPerRPCCredentials(tokens), grpc.WithChainUnaryInterceptor(unary), grpc.WithChainStreamInterceptor(stream),
	}, nil
}

func methodOf(ctx context.Context) string {
	info, _ := credentials.RequestInfoFromContext(ctx)
	return info.Method
}

// A perRPC is a PerRPC for each kind of connection, whose errors are statuses.
// GRPC makes others Unauthenticated.
type perRPC struct {
	secure, plain *clientauth.PerRPC
	mayBePlain    bool
}

func (p *perRPC) RequireTransportSecurity() bool { return !p.mayBePlain }

// of returns the PerRPC of a call's connection.
func (p *perRPC) of(ctx context.Context) *clientauth.PerRPC {
	info, ok := credentials.RequestInfoFromContext(ctx)
	if p.mayBePlain && ok && credentials.CheckSecurityLevel(info.AuthInfo, credentials.PrivacyAndIntegrity) != nil {
		return p.plain
	}
	return p.secure
}

// GetRequestMetadata returns the metadata of a call.
func (p *perRPC) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	md, err := p.of(ctx).GetRequestMetadata(ctx, uri...)
	var e *clientauth.Error
	switch {
	case err == nil:
		return md, nil
	case ctx.Err() != nil:
		return nil, ended(ctx)
	case errors.As(err, &e):
		if c, ok := ctx.Value(callKey{}).(*call); ok {
			c.fail(e)
		}
		if e.Code == clientauth.CodeUnavailable {
			return nil, &failure{codes.Unavailable, e}
		}
	}
	return nil, &failure{codes.Internal, err}
}
