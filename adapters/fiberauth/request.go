package fiberauth

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

// No request has these characters or several of these fields, or they have
// another meaning elsewhere.
var (
	errName   = errors.New("a field of the header has a name with a character that no name has")
	errFolded = errors.New("a field of the header continues on a second line")
	errNoHost = errors.New("there is no Host field")
	errHost   = errors.New("the Host is malformed")
	errHosts  = errors.New("the host of the request's target is not the one that the server has read")
	errTarget = errors.New("the target of the request can't be parsed")
)

// requestOf returns c's request as net/http would have it, with its body, which
// is nil if there is none. If there is an error, the request must be rejected
// for it, and is complete enough for that.
func requestOf(c fiber.Ctx) (*http.Request, *body, error) {
	ctx := c.RequestCtx()
	r := new(http.Request).WithContext(c.Context())
	r.Method = string(ctx.Method())
	r.RequestURI = string(ctx.Request.Header.RequestURI())
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if route := c.Route(); len(route.Handlers) > 0 { // not one that Fiber makes of the path
		r.Pattern = route.Path // for the log and Observe
	}
	r.Host = string(ctx.Request.Header.Host())
	r.RemoteAddr = ctx.RemoteAddr().String()
	if r.TLS = ctx.TLSConnectionState(); r.TLS == nil && ctx.IsTLS() {
		r.TLS = new(tls.ConnectionState) // of a connection that fasthttp has wrapped
	}
	sent, err := scan(ctx.Request.Header.RawHeaders())
	r.Header = copyOf(&ctx.Request.Header, sent)
	r.ContentLength = int64(max(ctx.Request.Header.ContentLength(), -1))
	b := bodyOf(&ctx.Request)
	if r.Body = http.NoBody; b != nil {
		r.Body = b
	}
	if err == nil {
		err = target(r, ctx)
	}
	if r.URL == nil { // the request is rejected
		r.URL = new(url.URL)
	}
	return r, b, err
}

// target sets the URL of r and rejects a host that could be two.
func target(r *http.Request, ctx *fasthttp.RequestCtx) error {
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return errTarget // the cause would quote a token in the query
	}
	r.URL = u
	if u.Host != "" { // RFC 9112, Section 3.2.2
		r.Host = u.Host
	}
	switch raw := ctx.Request.Header.RawHeaders(); {
	case r.Host == "" && len(raw) > 0 && ctx.Request.Header.IsHTTP11():
		return errNoHost
	case !httpguts.ValidHostHeader(r.Host):
		return errHost
	case !strings.EqualFold(r.Host, string(ctx.Host())):
		return errHosts
	}
	return nil
}

// scan reads the header as it was sent, and rejects what fasthttp reads
// otherwise than others do. It returns how often each field was sent if there
// may also be fields of a trailer, which fasthttp appends to the header.
func scan(raw []byte) (sent map[string]int, err error) {
	hosts, types, chunked := 0, 0, false
	for line := range bytes.Lines(raw) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		switch {
		case line[0] == ' ' || line[0] == '\t':
			err = errFolded // RFC 9112, Section 5.2
		case !ok: // the empty line at the end
		case !httpguts.ValidHeaderFieldName(string(name)):
			err = errName // RFC 9112, Section 5.1
		case isNamed(name, "Host"):
			hosts++
		case isNamed(name, "Content-Type"):
			types++
		case isNamed(name, "Transfer-Encoding"):
			chunked = true
		}
	}
	switch {
	case err != nil:
	case hosts > 1:
		err = fmt.Errorf("there are %d Host fields", hosts)
	case types > 1:
		err = fmt.Errorf("there are %d Content-Type fields", types)
	}
	if !chunked {
		return nil, err
	}
	sent = map[string]int{}
	for line := range bytes.Lines(raw) {
		if name, _, ok := bytes.Cut(line, []byte(":")); ok {
			sent[textproto.CanonicalMIMEHeaderKey(string(name))]++
		}
	}
	return sent, err
}

func isNamed(name []byte, want string) bool {
	return len(name) == len(want) && strings.EqualFold(string(name), want)
}

// copyOf returns a copy of h. If sent is not nil, it has how often each field
// was sent.
func copyOf(h *fasthttp.RequestHeader, sent map[string]int) http.Header {
	header := make(http.Header, 8)
	values := make([]string, 0, 8) // of fields that are there once, in one allocation
	for key, value := range h.All() {
		if isNamed(key, "Host") {
			continue // as net/http does
		}
		name := textproto.CanonicalMIMEHeaderKey(string(key))
		if sent != nil && len(header[name]) >= sent[name] {
			continue
		}
		text := string(value)
		if name == "Cookie" {
			text = cookiesOf(h)
		}
		if several, ok := header[name]; ok {
			header[name] = append(several, text)
			continue
		}
		values = append(values, text)
		header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return header
}

// cookiesOf returns the cookies of a request as a field of the header. fasthttp
// writes a cookie without a name, "=a=b", as if its name were "a".
func cookiesOf(h *fasthttp.RequestHeader) string {
	var s strings.Builder
	for key, value := range h.Cookies() {
		if s.Len() > 0 {
			s.WriteString("; ")
		}
		s.Write(key)
		s.WriteByte('=')
		s.Write(value)
	}
	return s.String()
}

// A body is the body of a request for the time in which a Guard decides.
type body struct {
	req    *fasthttp.Request
	stream bool
	reader io.Reader // nil until the body is read
	err    error     // of the reader, or after the end
}

// bodyOf returns nil if there is no body.
func bodyOf(req *fasthttp.Request) *body {
	if stream := req.IsBodyStream(); stream || req.Header.ContentLength() != 0 {
		return &body{req: req, stream: stream}
	}
	return nil
}

// Read ends for good with an error. After the end of a chunked body, fasthttp
// would read a chunk of the next request.
func (b *body) Read(p []byte) (n int, err error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.reader != nil:
	case b.stream:
		b.reader = b.req.BodyStream()
	default:
		b.reader = bytes.NewReader(b.req.Body())
	}
	n, b.err = b.reader.Read(p)
	return n, b.err
}

// Close does nothing, because the server closes a body.
func (b *body) Close() error { return nil }

// end ends the use of the body, of which up to limit bytes are read. A function
// that has read it, such as middleware.FormToken, has put another into r, which
// begins with what it has read. If it has read a stream, the handler gets that.
func (b *body) end(r *http.Request, limit int) error {
	switch {
	case b == nil:
	case !b.stream || b.reader == nil:
		b.err = http.ErrBodyReadAfterClose // the memory will be another request's
	case r.Body != io.ReadCloser(b):
		content, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
		switch {
		case err != nil:
			return fmt.Errorf("the body can't be read: %w", err)
		case len(content) > limit:
			return fmt.Errorf("the body is longer than %d bytes, Fiber's BodyLimit, and its token was looked for", limit)
		}
		b.req.SetBodyStream(bytes.NewReader(content), len(content))
	}
	return nil
}
