package connectauth

import (
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rsguard/rsguard/internal/procedures"
	"github.com/rsguard/rsguard/middleware"
)

// reject responds to a rejected request, whose response has its header fields
// already.
func (g *Guard) reject(w http.ResponseWriter, r *http.Request, refusal *middleware.Refusal) {
	if !g.isCall(r) {
		refusal.ServeHTTP(w, r)
		return
	}
	_ = g.errors.Write(w, r, errorOf(r, w.Header(), refusal)) // fails only if the client has gone
}

// isCall reports whether r is of one of the protocols. For an ErrorWriter,
// every GET request is one of Connect, including those of browsers.
func (g *Guard) isCall(r *http.Request) bool {
	if r.Method == http.MethodGet && !strings.Contains("&"+r.URL.RawQuery, "&encoding=") {
		return false // Connect's GET requests must have this parameter
	}
	return g.errors.IsSupported(r)
}

// errorOf returns the error for a Refusal of r and the header fields of its
// response.
func errorOf(r *http.Request, h http.Header, refusal *middleware.Refusal) *connect.Error {
	code, reason := procedures.Answer(refusal)
	err := connect.NewError(connect.Code(code), errors.New(http.StatusText(refusal.Status)))
	details := []proto.Message{&errdetails.ErrorInfo{Reason: reason, Domain: procedures.Domain}}
	if delay, ok := procedures.RetryAfter(h); ok {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
	}
	for _, message := range details {
		if detail, marshal := connect.NewErrorDetail(message); marshal == nil {
			err.AddDetail(detail)
		}
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/connect+") {
		// The client of such a stream reads the metadata at its end.
		for _, name := range []string{"Www-Authenticate", "Dpop-Nonce"} {
			if values := h[name]; len(values) > 0 {
				err.Meta()[name] = values
			}
		}
	}
	return err
}
