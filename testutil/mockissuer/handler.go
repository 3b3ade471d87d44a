package mockissuer

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Endpoint is an endpoint of an issuer, named by its path.
type Endpoint string

// The endpoints.
const (
	EndpointDiscovery     Endpoint = "/.well-known/openid-configuration"
	EndpointMetadata      Endpoint = "/.well-known/oauth-authorization-server"
	EndpointKeySet        Endpoint = "/.well-known/jwks.json"
	EndpointToken         Endpoint = "/oauth/token"
	EndpointAuthorize     Endpoint = "/authorize"
	EndpointUserInfo      Endpoint = "/userinfo"
	EndpointIntrospection Endpoint = "/oauth2/introspect"
	EndpointRevocation    Endpoint = "/oauth/revoke"
	EndpointTransmitter   Endpoint = "/.well-known/ssf-configuration"
	EndpointPoll          Endpoint = "/ssf/poll"
)

// Endpoints returns all endpoints.
func Endpoints() []Endpoint {
	return []Endpoint{
		EndpointDiscovery, EndpointMetadata, EndpointKeySet,
		EndpointToken, EndpointAuthorize, EndpointUserInfo, EndpointIntrospection, EndpointRevocation,
		EndpointTransmitter, EndpointPoll,
	}
}

// A Request is a request that an endpoint of the issuer has received.
type Request struct {
	Time     time.Time
	Method   string
	Endpoint Endpoint
	// Issuer is the URL of the issuer to which it was sent.
	Issuer string
	// Status is the status of the response. It is 0 if there was no response.
	Status int
	// Note says for which client or user a token was issued, or why it was not.
	// It holds no token and no secret.
	Note string
}

// keptRequests is the number of requests that [Issuer.Requests] returns at
// most.
const keptRequests = 100

// maxBody is the largest body that an endpoint reads.
const maxBody = 64 << 10

// ServeHTTP answers a request for one of the issuer's URLs, by its Host header.
// Any other host gets 421. Otherwise an attacker's page, whose host name
// resolves to a loopback address, could read from the issuer (DNS rebinding).
func (iss *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	url, ok := iss.hosts[strings.ToLower(r.Host)]
	if !ok {
		http.Error(w, "This issuer has no domain of that name.", http.StatusMisdirectedRequest)
		return
	}

	w.Header().Set("Date", iss.Now().UTC().Format(http.TimeFormat)) // by the issuer's own clock
	w.Header().Set("X-Content-Type-Options", "nosniff")
	endpoint := Endpoint(r.URL.Path)
	if !slices.Contains(Endpoints(), endpoint) {
		iss.mux.ServeHTTP(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)

	rec := &recorder{ResponseWriter: w}
	note := &Request{Time: iss.Now(), Method: r.Method, Endpoint: endpoint, Issuer: url}
	defer func() {
		note.Status = rec.status
		note.Note = redact(note.Note)
		iss.remember(*note)
	}()
	fault, down := iss.arrive(endpoint)
	if down {
		panic(http.ErrAbortHandler) // the client sees a connection that breaks off
	}
	r = r.WithContext(context.WithValue(r.Context(), noteKey{}, note))
	if fault != nil {
		if iss.spoil(rec, r, fault) {
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), faultKey{}, fault.Kind))
	}
	if iss.crossOrigin(rec, r) {
		return
	}
	iss.mux.ServeHTTP(rec, r)
}

// Handle registers a handler beside the endpoints. The Host header is checked
// before it. The handler limits the body itself. Handle must not be called
// after the first request.
func (iss *Issuer) Handle(pattern string, h http.Handler) { iss.mux.Handle(pattern, h) }

// SetDown takes the issuer down, or brings it up again. While it is down,
// connections close without an answer.
func (iss *Issuer) SetDown(down bool) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.down = down
}

// Down reports whether [Issuer.SetDown] has taken the issuer down.
func (iss *Issuer) Down() bool {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.down
}

// Count returns the number of requests to an endpoint. It includes those that a
// fault or [Issuer.SetDown] left without an answer.
func (iss *Issuer) Count(e Endpoint) int {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.counts[e]
}

// KeyFetches returns the number of requests for the key set.
func (iss *Issuer) KeyFetches() int { return iss.Count(EndpointKeySet) }

// Requests returns the last requests to endpoints, newest first.
func (iss *Issuer) Requests() []Request {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	list := slices.Clone(iss.requests)
	slices.Reverse(list)
	return list
}

func (iss *Issuer) arrive(e Endpoint) (*liveFault, bool) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	iss.counts[e]++
	if iss.down {
		return nil, true
	}
	return iss.nextFault(e), false
}

func (iss *Issuer) remember(r Request) {
	iss.mu.Lock()
	defer iss.mu.Unlock()

	if len(iss.requests) == keptRequests {
		iss.requests = slices.Delete(iss.requests, 0, 1)
	}
	iss.requests = append(iss.requests, r)
}

// issuerOf returns the issuer's URL to which r was sent. ServeHTTP has checked
// that there is one.
func (iss *Issuer) issuerOf(r *http.Request) string { return iss.hosts[strings.ToLower(r.Host)] }

type noteKey struct{}

// faultKey is the key of the [FaultKind] that the endpoint itself carries out.
type faultKey struct{}

// noteFor returns the place for a handler's note about r.
func noteFor(r *http.Request) *Request {
	note, _ := r.Context().Value(noteKey{}).(*Request)
	return note
}

// A recorder keeps the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(b)
}

func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
