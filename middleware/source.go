package middleware

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/rsguard/rsguard/validator"
)

// CookieToken returns a function for [Config].Token that finds the token in the cookie of this name, or else in the
// Authorization field as [BearerToken] does. A request with both, with two such cookies, or with an access_token in its
// query besides is refused with [validator.CodeRequest] (RFC 6750, Section 2). An empty cookie counts as none.
//
// Browsers send cookies with requests that other sites make them send: guard every route that changes anything with
// [http.CrossOriginProtection], and set the cookie HttpOnly, Secure and SameSite. Give it a name that begins with
// "__Host-", or any other site under the same domain can plant one of its own. A cookie holds about 4 KB at most, and
// some tokens don't fit. CookieToken panics if a cookie can't have that name.
func CookieToken(name string) func(*http.Request) (string, error) {
	if schemeEnd(name) != len(name) || name == "" {
		panic(fmt.Sprintf("middleware: CookieToken: %q is no name of a cookie", name))
	}
	find := func(r *http.Request) ([]string, error) {
		var tokens []string
		for _, cookie := range r.CookiesNamed(name) {
			if cookie.Value != "" {
				tokens = append(tokens, cookie.Value)
			}
		}
		return tokens, nil
	}
	return func(r *http.Request) (string, error) { return oneToken(r, find) }
}

// FormToken is a function for [Config].Token that finds the token in the field access_token of a form that is the
// request's body, of the type application/x-www-form-urlencoded, unless the method is GET, HEAD, OPTIONS or TRACE
// (RFC 6750, Section 2.2); or else in the Authorization field as [BearerToken] does. A request with both, with two such
// fields, or with an access_token in its query besides is refused with [validator.CodeRequest]. FormToken reads the form,
// of [MaxFormSize] bytes at most, before anything is known of its sender, and leaves the body to be read again.
//
// It is for documents that a browser opens by submitting a form, such as downloads, and for nothing that a script could
// fetch. What logs bodies logs the token, and another site can submit a form with a token of its own: what is then done
// is done in that token's name.
func FormToken(r *http.Request) (string, error) { return oneToken(r, formTokens) }

// MaxFormSize is the length of the longest form that [FormToken] reads, in bytes. A longer one is refused with
// [validator.CodeRequest].
const MaxFormSize = 1 << 20

// WebSocketToken returns a function for [Config].Token that finds the token in a subprotocol of a WebSocket handshake,
// after this prefix; or else in the Authorization field as [BearerToken] does. Scripts in browsers can't send that field
// with a handshake, but they can a list of protocols. A request with both, with two such protocols, or with an
// access_token in its query besides is refused with [validator.CodeRequest].
//
//	middleware.WebSocketToken("access_token.")            // here
//	new WebSocket(url, ["chat", "access_token." + token]) // in the browser
//
// The answer to the handshake must name another one of the list, "chat" here: never the one with the token. Whoever logs the
// field Sec-WebSocket-Protocol logs the token. It is looked at when the connection is made and never after:
// end the connection at the time [validator.Claims].ExpiresAt. WebSocketToken panics if prefix is not of
// characters that a protocol's name has.
func WebSocketToken(prefix string) func(*http.Request) (string, error) {
	if schemeEnd(prefix) != len(prefix) || prefix == "" {
		panic(fmt.Sprintf("middleware: WebSocketToken: %q can't begin the name of a protocol", prefix))
	}
	find := func(r *http.Request) ([]string, error) {
		var tokens []string
		for _, field := range r.Header["Sec-Websocket-Protocol"] {
			for protocol := range strings.SplitSeq(field, ",") {
				if token, ok := strings.CutPrefix(strings.Trim(protocol, " \t"), prefix); ok {
					tokens = append(tokens, token)
				}
			}
		}
		return tokens, nil
	}
	return func(r *http.Request) (string, error) { return oneToken(r, find) }
}

// oneToken returns the token of r's Authorization field, or the one that find finds.
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
	case header != "" || isDPoP(r):
		return "", invalid(errBesideHeader)
	case r.URL != nil && queryHas(r.URL.RawQuery, "access_token"):
		return "", invalid(errBesideQuery)
	case !isB64Token(tokens[0]):
		return "", invalid(errNoTokenThere)
	}
	return tokens[0], nil
}

var (
	errTwoOfAKind   = errors.New("the request has several tokens of one kind")
	errBesideHeader = errors.New("the request has a token beside that of its Authorization field")
	errBesideQuery  = errors.New("the request has a token beside that of its query")
	errNoTokenThere = errors.New("the request has characters that no token has in the place of one")
	errFormSize     = fmt.Errorf("the form is longer than %d bytes", MaxFormSize)
)

// isDPoP reports whether the Authorization field has a token under the scheme of RFC 9449, which [BearerToken] passes over.
func isDPoP(r *http.Request) bool {
	field := r.Header.Get("Authorization")
	return strings.EqualFold(field[:schemeEnd(field)], "DPoP")
}

func formTokens(r *http.Request) ([]string, error) {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return nil, nil
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, nil //nolint:nilerr // a body that says nothing of its form is not a form
	}
	if r.PostForm != nil { // somebody has read it already
		return r.PostForm["access_token"], nil
	}
	if r.Body == nil {
		return nil, nil
	}

	body, err := io.ReadAll(io.LimitReader(r.Body, MaxFormSize+1))
	// As it was, for whoever reads it next. That may be this function: it must come to the same answer.
	r.Body = &readAgain{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if err != nil {
		return nil, fmt.Errorf("the form can't be read: %w", err)
	}
	if len(body) > MaxFormSize {
		return nil, errFormSize
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the form is malformed") // its text would quote what may be a token
	}
	return form["access_token"], nil
}

// readAgain is a body that was read in part or whole, with what was read before the rest.
type readAgain struct {
	io.Reader
	io.Closer
}
