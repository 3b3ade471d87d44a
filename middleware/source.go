package middleware

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/rsguard/rsguard/internal/b64token"
	"github.com/rsguard/rsguard/internal/parameter"
	"github.com/rsguard/rsguard/validator"
)

// CookieToken returns a function for [Config].Token that finds the token in the
// cookie of this name, or in the Authorization field as [BearerToken] does. The
// function fails with [validator.CodeRequest] in these cases:
//
//   - The request has a token in both places, two such cookies, or also an
//     access_token in its query (RFC 6750, Section 2).
//   - The cookie holds something other than a token, with or without quotation
//     marks. An empty cookie counts as none.
//   - There are 32 KiB of cookies or more.
//
// Browsers send cookies also with requests that other sites cause. Guard every
// route that changes anything with [http.CrossOriginProtection], and set the
// cookie HttpOnly, Secure and SameSite. Give it a name that begins with
// "__Host-". Otherwise another site under the same domain can set one. A cookie
// holds at most about 4 KB, and some tokens don't fit. CookieToken panics if
// name can't be the name of a cookie.
func CookieToken(name string) func(*http.Request) (string, error) {
	if schemeEnd(name) != len(name) || name == "" {
		panic(fmt.Sprintf("middleware: CookieToken: %q is no name of a cookie", name))
	}
	find := func(r *http.Request) ([]string, error) {
		if err := tooLong("Cookie", r.Header["Cookie"]...); err != nil {
			return nil, err
		}
		tokens := cookiesNamed(r.Header["Cookie"], name)
		if len(tokens) == 1 && tokens[0] == "" {
			return nil, nil
		}
		return tokens, nil
	}
	return func(r *http.Request) (string, error) { return oneToken(r, find) }
}

// cookiesNamed returns the values of all cookies of this name, whatever they
// are. net/http leaves out a cookie with an invalid character, and all cookies
// if there are very many. A credential that can't be read would then look like
// one that is missing.
func cookiesNamed(fields []string, name string) []string {
	var values []string
	for _, field := range fields {
		for i := 0; i < len(field); i++ {
			for i < len(field) && isSpace(field[i]) {
				i++
			}
			if i < len(field) && field[i] == name[0] && strings.HasPrefix(field[i:], name) {
				pair, _, _ := strings.Cut(field[i:], ";")
				if value, ok := cookieValue(strings.TrimRight(pair, " \t\r\n")[len(name):]); ok {
					values = append(values, value)
				}
			}
			if len(values) > 1 {
				return values // two are enough for an error
			}
			for i < len(field) && field[i] != ';' {
				i++
			}
		}
	}
	return values
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// cookieValue returns the value of a cookie from the text after its name.
func cookieValue(s string) (value string, ok bool) {
	s = strings.TrimLeft(s, " \t\r\n")
	if s == "" {
		return "", true
	}
	if value, ok = strings.CutPrefix(s, "="); !ok {
		return "", false // another cookie, whose name is longer
	}
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return value, true
}

// FormToken is a function for [Config].Token that finds the token in the field
// access_token of a form, or in the Authorization field as [BearerToken] does.
// The form is the request's body, of the type
// application/x-www-form-urlencoded. The method is not GET, HEAD, OPTIONS or
// TRACE (RFC 6750, Section 2.2). FormToken fails with [validator.CodeRequest]
// if a request has a token in both places, two such fields, or also an
// access_token in its query. It reads the form before anything is known of its
// sender, and leaves the body to be read again. It rejects a form of more than
// 1 MiB.
//
// FormToken must be the first to read the form. A handler in front of it must
// not call r.ParseForm, r.FormValue or the like, as some middlewares do for
// CSRF tokens or overridden methods. These drop malformed fields, and all
// fields for a method such as DELETE, so that the content can't be known
// afterwards. Such a request is rejected with [validator.CodeRequest], with or
// without a token in it. Later handlers may read the form, but must not replace
// the body before the next [Guard].
//
// Use it for documents that a browser opens by submitting a form, such as
// downloads, and not for anything that a script can fetch. A log of bodies
// contains the token. Another site can submit a form with a token of its own.
// The request is then made in that token's name.
func FormToken(r *http.Request) (string, error) { return oneToken(r, formTokens) }

// maxForm is the length of the longest form that FormToken reads.
const maxForm = 1 << 20

// WebSocketToken returns a function for [Config].Token that finds the token in
// a subprotocol of the field Sec-WebSocket-Protocol, after this prefix, or in
// the Authorization field as [BearerToken] does. A script in a browser can't
// set Authorization in a WebSocket handshake, but it can send a list of
// subprotocols. The function fails with [validator.CodeRequest] if a request
// has a token in both places, two such subprotocols, also an access_token in
// its query, or 32 KiB of subprotocols or more.
//
// The function doesn't check whether the request is a handshake, because each
// version of HTTP marks it in another way. A client that isn't a browser may
// send the field with any request, and its token is then used.
//
//	middleware.WebSocketToken("access_token.")            // here
//	new WebSocket(url, ["chat", "access_token." + token]) // in the browser
//
// The response to the handshake must name another subprotocol of the list,
// "chat" here, and never the one with the token. A log of the field
// Sec-WebSocket-Protocol contains the token. The token is checked when the
// connection is made and not afterwards. Close the connection at the time
// [validator.Claims].ExpiresAt. WebSocketToken panics if prefix has characters
// that a subprotocol can't have.
func WebSocketToken(prefix string) func(*http.Request) (string, error) {
	if schemeEnd(prefix) != len(prefix) || prefix == "" {
		panic(fmt.Sprintf("middleware: WebSocketToken: %q can't begin the name of a protocol", prefix))
	}
	find := func(r *http.Request) ([]string, error) {
		fields := r.Header["Sec-Websocket-Protocol"]
		if err := tooLong("Sec-WebSocket-Protocol", fields...); err != nil {
			return nil, err
		}
		var tokens []string
		last := len(prefix) - 1
		for _, field := range fields {
			for i := 0; i < len(field); i++ {
				for i < len(field) && (field[i] == ' ' || field[i] == '\t') {
					i++
				}
				if i < len(field) && field[i] == prefix[0] && i+last < len(field) && field[i+last] == prefix[last] &&
					strings.HasPrefix(field[i:], prefix) {
					protocol, _, _ := strings.Cut(field[i:], ",")
					tokens = append(tokens, strings.TrimRight(protocol, " \t")[len(prefix):])
				}
				if len(tokens) > 1 {
					return tokens, nil // two are enough for an error
				}
				for i < len(field) && field[i] != ',' {
					i++
				}
			}
		}
		return tokens, nil
	}
	return func(r *http.Request) (string, error) { return oneToken(r, find) }
}

// oneToken returns the token of r's Authorization field, or the one that find
// finds.
func oneToken(r *http.Request, find func(*http.Request) ([]string, error)) (string, error) {
	header, err := BearerToken(r)
	if err != nil && validator.CodeOf(err) != validator.CodeMissing {
		return "", err
	}
	tokens, findErr := find(r)
	switch {
	case findErr != nil:
		return "", invalid(findErr)
	case len(tokens) == 0:
		return header, err
	case len(tokens) > 1:
		return "", invalid(errTwoOfAKind)
	case header != "" || hasScheme(r, schemeDPoP):
		return "", invalid(errBesideHeader)
	case !b64token.Valid(tokens[0]):
		return "", invalid(errNoTokenThere)
	}
	if err := noQueryToken(r, errBesideQuery); err != nil {
		return "", err
	}
	return tokens[0], nil
}

// maxLooked is how many bytes are searched for a token, in a query or in fields
// that also hold other things. Few servers and proxies accept as many.
const maxLooked = 32 << 10

// tooLong returns an error if the values of a part of the request are too long
// to be searched.
func tooLong(part string, values ...string) error {
	size := 0
	for _, value := range values {
		size += len(value) + 1
	}
	if size > maxLooked {
		return fmt.Errorf("%s has %d bytes, over the %d that are looked through for a token", part, size-1, maxLooked-1)
	}
	return nil
}

var (
	errTwoOfAKind   = errors.New("the request has several tokens of one kind")
	errBesideHeader = errors.New("the request has a token beside that of its Authorization field")
	errBesideQuery  = errors.New("the request has a token beside that of its query")
	errNoTokenThere = errors.New("the request has characters that no token has in the place of one")
	errFormRead     = errors.New("the form was read before FormToken could read it: the Authenticator has to come first")
	errForm         = errors.New("the form is malformed")
	errFormSize     = fmt.Errorf("the form is longer than %d bytes", maxForm)
)

func formTokens(r *http.Request) ([]string, error) {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return nil, nil
	}
	// Bad parameters after the type are ignored, because the handler's
	// ParseForm reads such a form too.
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, nil
	}
	if known, ok := r.Body.(*formBody); ok {
		return known.tokens, known.err
	}
	if len(r.PostForm) == 0 && (r.Body == nil || r.Body == http.NoBody) {
		return nil, nil
	}
	if r.PostForm != nil {
		return nil, errFormRead
	}

	var form doubling
	_, err := io.CopyBuffer(&form, io.LimitReader(r.Body, maxForm+1), make([]byte, 4<<10))
	tokens, err := tokensIn(form.String(), err)
	r.Body = &formBody{io.MultiReader(strings.NewReader(form.String()), r.Body), r.Body, tokens, err}
	return tokens, err
}

// A doubling grows to twice its size. Appending to a slice makes several times
// as much garbage.
type doubling struct{ strings.Builder }

func (d *doubling) Write(p []byte) (int, error) {
	d.Grow(len(p))
	return d.Builder.Write(p)
}

// tokensIn returns the tokens of a form of which this was read, up to an error
// if err is not nil.
func tokensIn(form string, err error) ([]string, error) {
	if err != nil {
		return nil, fmt.Errorf("the form can't be read: %w", err)
	}
	if len(form) > maxForm {
		return nil, errFormSize
	}
	tokens, ok := parameter.Values(form, "access_token", 2)
	if !ok {
		return nil, errForm
	}
	return tokens, nil
}

// A formBody is a form that FormToken has read, unchanged, for its next reader.
// It remembers the result of FormToken, for another call after the form was
// read.
type formBody struct {
	io.Reader
	io.Closer
	tokens []string
	err    error
}
