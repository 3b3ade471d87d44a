package grpctokens

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A failure is an error with the code of a status.
type failure struct {
	code  codes.Code
	cause error
}

func (f *failure) Error() string              { return f.cause.Error() }
func (f *failure) Unwrap() error              { return f.cause }
func (f *failure) GRPCStatus() *status.Status { return status.New(f.code, f.cause.Error()) }

// A caused is a status and why it came about.
type caused struct {
	status *status.Status
	cause  error
}

func (c *caused) Error() string              { return c.status.Err().Error() }
func (c *caused) Unwrap() []error            { return []error{c.status.Err(), c.cause} }
func (c *caused) GRPCStatus() *status.Status { return c.status }

func ended(ctx context.Context) error { return status.FromContextError(ctx.Err()).Err() }
