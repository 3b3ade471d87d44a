package mockissuer

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client returns a client that reaches the issuer without sockets, at all of
// its URLs. For example, an issuer made with the URL
// https://tenant.example.com/ answers at
// https://tenant.example.com/oauth/token. The client works in a
// [testing/synctest] bubble. Requests for other hosts fail.
func (iss *Issuer) Client() *http.Client {
	return &http.Client{Transport: memoryTransport{iss: iss}}
}

// ClientWithCertificate is [Issuer.Client] over a TLS connection on which the
// client has proven that it holds the key of cert.
func (iss *Issuer) ClientWithCertificate(cert *x509.Certificate) *http.Client {
	return &http.Client{Transport: memoryTransport{iss, &tls.ConnectionState{
		HandshakeComplete: true, PeerCertificates: []*x509.Certificate{cert},
	}}}
}

// A memoryTransport calls the handler of an issuer instead of dialling.
type memoryTransport struct {
	iss *Issuer
	tls *tls.ConnectionState
}

func (t memoryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	host, err := hostOf(req.URL.Scheme + "://" + req.URL.Host)
	if err != nil {
		return nil, err
	}
	url, ok := t.iss.hosts[host]
	if !ok || !strings.HasPrefix(url, req.URL.Scheme+":") {
		return nil, fmt.Errorf("mockissuer: %s://%s is none of the issuer's URLs", req.URL.Scheme, req.URL.Host)
	}

	r := req.Clone(req.Context())
	r.Host = host
	r.TLS = t.tls
	r.RequestURI = req.URL.RequestURI()
	r.RemoteAddr = "in-memory"
	if r.Body == nil {
		r.Body = http.NoBody
	}

	answer := &memoryAnswer{header: make(http.Header)}
	served := make(chan error, 1)
	go func() {
		defer r.Body.Close()
		defer func() {
			if p := recover(); p != nil {
				served <- fmt.Errorf("%w: %v", io.ErrUnexpectedEOF, p)
			}
		}()
		t.iss.ServeHTTP(answer, r)
		served <- nil
	}()
	select {
	case err := <-served:
		if err != nil {
			return nil, err
		}
		return answer.response(req), nil
	case <-req.Context().Done():
		// A handler that waits has the same context, and ends with it.
		return nil, req.Context().Err()
	}
}

// A memoryAnswer is the [http.ResponseWriter] of a memoryTransport.
type memoryAnswer struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (a *memoryAnswer) Header() http.Header { return a.header }

func (a *memoryAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
	}
}

func (a *memoryAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *memoryAnswer) response(req *http.Request) *http.Response {
	a.WriteHeader(http.StatusOK)
	if req.Method == http.MethodHead {
		a.body.Reset()
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.sent,
		Body:          io.NopCloser(&a.body),
		ContentLength: int64(a.body.Len()),
		Request:       req,
	}
}
