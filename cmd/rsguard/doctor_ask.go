package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/show"
	"github.com/rsguard/rsguard/observe"
)

// An exchange is a request, and what came of it.
type exchange struct {
	url          string
	began, ended time.Time
	res          *http.Response // without its body, or nil
	body         []byte         // what was read of it
	err          error
}

// A recorder is the transport of a client. It keeps what was exchanged, so that
// the report can say more than the library does.
type recorder struct {
	base http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	kept []*exchange
}

func (d *examiner) recorder() *recorder { return d.recorderFor(nil) }

// recorderFor is recorder for a client with this certificate, which may be nil.
func (d *examiner) recorderFor(certificate *tls.Certificate) *recorder {
	t := outbound.ForKeys()
	t.TLSClientConfig = &tls.Config{RootCAs: d.roots, MinVersion: tls.VersionTLS12}
	if certificate != nil {
		t.TLSClientConfig.Certificates = []tls.Certificate{*certificate}
	}
	return &recorder{base: t, now: d.now}
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := &exchange{url: req.URL.Redacted(), began: r.now()}
	r.mu.Lock()
	r.kept = append(r.kept, e)
	r.mu.Unlock()
	res, err := r.base.RoundTrip(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	e.res, e.err, e.ended = res, err, r.now()
	if err == nil {
		res.Body = &recordedBody{ReadCloser: res.Body, to: e, mu: &r.mu}
	}
	return res, err
}

// exchanges returns copies of what was exchanged. A request that has not ended
// may still change its own.
func (r *recorder) exchanges() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []exchange
	for _, e := range r.kept {
		c := *e
		c.body = bytes.Clone(e.body)
		list = append(list, c)
	}
	return list
}

type recordedBody struct {
	io.ReadCloser

	to *exchange
	mu *sync.Mutex
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to.body = append(b.to.body, p[:min(n, maxFile-len(b.to.body))]...)
	return n, err
}

// took returns the time until the header had come.
func (e *exchange) took() time.Duration { return e.ended.Sub(e.began).Round(time.Millisecond) }

func (e *exchange) host() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return "it"
	}
	return u.Host
}

func (e *exchange) isPage() bool {
	if e.res == nil {
		return false
	}
	mediaType, _, _ := mime.ParseMediaType(e.res.Header.Get("Content-Type"))
	return mediaType == "text/html"
}

// advice says what to do after a request that has not brought what it should,
// in the flags that say where to send it.
func (e *exchange) advice(outcome observe.Outcome, flag string) string {
	switch outcome {
	case observe.Timeout:
		return fmt.Sprintf("see what keeps %s from answering: a firewall or a proxy between, or a server that is overloaded; or raise -timeout, for which requests then wait", e.host())
	case observe.Unreachable:
		return e.adviceUnreachable()
	case observe.Redirect:
		to := "elsewhere"
		if target, err := e.res.Location(); err == nil {
			target.RawQuery, target.User = "", nil
			to = fmt.Sprintf("%.256q", target)
		}
		return fmt.Sprintf("redirects are never followed, since their target would choose the keys. If that is the issuer's new address, set %s to %s", flag, to)
	case observe.Status:
		return e.adviceStatus(flag)
	case observe.TooLarge:
		return fmt.Sprintf("set %s to the right document: this one has over 1 MiB, which is over ten times the largest that is known", flag)
	case observe.OtherIssuer:
		return "set -issuer to the name that the tokens have in iss, in the same characters"
	}
	if e.isPage() {
		return fmt.Sprintf("set %s to the document itself: this is a page of HTML, such as that of a proxy, a login or an error", flag)
	}
	return fmt.Sprintf("ask %s by hand: if the document is incomplete there too, its operator must correct it; otherwise set %s to the right one", e.host(), flag)
}

func (e *exchange) adviceStatus(flag string) string {
	if e.res == nil {
		return fmt.Sprintf("ask %s by hand", e.host())
	}
	switch code := e.res.StatusCode; {
	case code == http.StatusTooManyRequests:
		return "fewer requests: the issuer limits them. Share a jwks.Cache among all Validators of a process, and keys among processes by contrib/redisjwks"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Sprintf("have %s answer without credentials to the address of this machine: the document is public", e.host())
	case code >= 500:
		return fmt.Sprintf("see whether %s is down: if it stays so, its operator must act. Until it answers, a service that starts has no keys, and requests get 503", e.host())
	}
	return fmt.Sprintf("set %s to the right address: there is nothing at this one", flag)
}

func (e *exchange) adviceUnreachable() string {
	var dns *net.DNSError
	var verification *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	switch {
	case e.handshakeEnded():
		return fmt.Sprintf("have %s answer to clients without a certificate, if it wants one: the document is public", e.host())
	case errors.As(e.err, &verification):
		return adviceCertificate(verification)
	case errors.As(e.err, &dns):
		return fmt.Sprintf("correct the name %.256q, or the resolver of this machine: there is no such host", dns.Name)
	case errors.As(e.err, &header):
		return "use http in the URL if it is a loopback address, or give the server a certificate: it doesn't speak TLS"
	}
	return fmt.Sprintf("see whether %s is up and can be reached from here: the port, a firewall, or a proxy (HTTPS_PROXY)", e.host())
}

func adviceCertificate(e *tls.CertificateVerificationError) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(e.Err, &unknown):
		return "trust the authority that signed the certificate, by -ca here and by the Client's Transport in the service; if it is a public issuer, something between here and it reads along"
	case errors.As(e.Err, &name):
		return fmt.Sprintf("use a host name of the certificate, which are %.256q, or have the server's certificate name this one", name.Certificate.DNSNames)
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("have the server's certificate renewed, whose time ended on %s; or correct the clock of this machine", invalid.Cert.NotAfter.Format(time.DateOnly))
	}
	return "have the server's certificate corrected"
}

// shown describes what came of an exchange.
func (e *exchange) shown() string {
	if e.res == nil {
		return e.url + ": no response"
	}
	return fmt.Sprintf("%s: %d in %v", e.url, e.res.StatusCode, e.took())
}

// firstLine bounds the text of an error.
func firstLine(err error) string {
	const most = 400
	return cmp.Or(show.Cut(err.Error(), most), "no text")
}
