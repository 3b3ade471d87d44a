package introspection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	neturl "net/url"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/internal/observing"
	"github.com/rsguard/rsguard/internal/outbound"
	"github.com/rsguard/rsguard/internal/seconds"
	"github.com/rsguard/rsguard/internal/vouched"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

const (
	maxAnswer     = 128 << 10         // bytes of an answer
	maxSigned     = maxAnswer/3*4 + 1 // and of one in a JWT
	maxMetadata   = 1 << 20
	maxRetryAfter = 5 * time.Minute
	metadataTTL   = 24 * time.Hour
	metadataRetry = 15 * time.Minute
	signedType    = "token-introspection+jwt" // RFC 9701, Section 5
)

// A client sends requests to the server.
type client struct {
	cfg    *Config
	http   *http.Client
	signed *validator.Validator // of answers
	teller *observing.Teller

	mu        sync.Mutex // never held during a request
	endpoint  string     // as discovered
	at, tried time.Time  // when it was, and when the last attempt began
	discovery *discovery // in progress, or nil
}

func newClient(cfg *Config) (*client, error) {
	c := &client{cfg: cfg, http: new(http.Client), teller: newTeller(cfg)}
	if cfg.Client != nil {
		*c.http = *cfg.Client
	} else {
		c.http.Transport = outbound.NewTransport(maxRunning)
	}
	// A redirect would choose who else gets the token.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if cfg.InsecureUserInfo {
		return c, nil
	}
	signed := cfg.signed()
	if signed.Keys == nil {
		var err error
		if signed.Keys, err = c.keys(); err != nil {
			return nil, err
		}
	}
	var err error
	c.signed, err = validator.New(signed)
	return c, err
}

// keys returns those that the issuer names in its metadata, which are fetched
// by the Config's client, as the server may be reached by no other.
func (c *client) keys() (validator.KeySource, error) {
	if _, err := c.cfg.parse(c.cfg.Issuer); err != nil && !c.cfg.RequireSigned {
		// A signed answer that was not asked for is verified as well, and that
		// needs an issuer whose keys can be found.
		return noKeys, nil
	}
	return jwks.NewCache(jwks.Config{
		Issuer: c.cfg.Issuer, InsecureHTTP: c.cfg.InsecureHTTP, Client: c.cfg.Client, Timeout: c.cfg.Timeout,
		Logger: c.cfg.Logger, Now: c.cfg.Now, Observe: c.cfg.Observe,
	})
}

// A noKeySource has no keys: the Validator that decides about answers is asked
// about no signature.
type noKeySource struct{}

func (noKeySource) Keys(context.Context, string) ([]jwks.Key, error) {
	return nil, errors.New("there are no keys: set Config.Keys")
}

var noKeys validator.KeySource = noKeySource{}

// call asks about token. It returns when ctx is done, whatever the HTTP client
// does, and leaves slots when that has ended.
func (in *Introspector) call(ctx context.Context, slots <-chan struct{}, token string) (answer, error) {
	type outcome struct {
		answer
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{err: errEnded}
		defer func() {
			if p := recover(); p != nil {
				o = outcome{err: fmt.Errorf("the HTTP client panicked with a %T", p)}
			}
			<-slots
			ended <- o
		}()
		o.answer, o.err = in.exchange(ctx, token)
	}()
	select {
	case o := <-ended:
		return o.answer, o.err
	case <-ctx.Done():
		return answer{}, errSilent
	}
}

var (
	errSilent   = errors.New("no complete answer in time")
	errTooLarge = errors.New("the body is over")
	errAuth     = errors.New("Config.Auth")
)

func (in *Introspector) exchange(ctx context.Context, token string) (a answer, err error) {
	endpoint, err := in.client.where(ctx)
	if err != nil {
		return answer{}, err
	}
	var res response
	request := in.client.teller.Begin(ctx, in.cfg.request(), endpoint)
	defer func() { tellEnd(ctx, &request, &res, err) }()
	began := in.cfg.Now()
	if in.cfg.InsecureUserInfo {
		res, err = in.client.userInfo(ctx, endpoint, token)
	} else {
		res, err = in.client.introspect(ctx, endpoint, token)
	}
	if err != nil {
		return answer{}, err
	}
	err = errEnded // until it is read
	if in.cfg.InsecureUserInfo && isRejection(res) {
		return answer{inactive: true}, nil
	}
	if res.status != http.StatusOK {
		return answer{}, &statusError{in.cfg.InsecureUserInfo, endpoint, res.status, seconds.RetryAfter(res.header, began, maxRetryAfter)}
	}
	return in.read(ctx, endpoint, res, began)
}

// isRejection reports whether the userinfo endpoint rejects the token. A 403
// without a challenge may be from a firewall before it, which says nothing of
// the token (RFC 6750, Section 3.1).
func isRejection(res response) bool {
	return res.status == http.StatusUnauthorized ||
		res.status == http.StatusForbidden && res.header.Get("WWW-Authenticate") != ""
}

// introspect sends the request of RFC 7662, Section 2.1.
func (c *client) introspect(ctx context.Context, endpoint, token string) (response, error) {
	r := &AuthRequest{
		ClientID: c.cfg.ClientID, Issuer: c.cfg.Issuer, Endpoint: endpoint, Header: make(http.Header),
		Form: neturl.Values{"token": {token}, "token_type_hint": {"access_token"}}, Now: c.cfg.Now(),
	}
	if err := c.cfg.Auth(ctx, r); err != nil {
		return response{}, fmt.Errorf("%w: %v", errAuth, err)
	}
	if r.Form == nil {
		r.Form = make(neturl.Values)
	}
	r.Form["token"] = []string{token} // whatever Auth has made of it
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(r.Form.Encode()))
	if err != nil {
		return response{}, fmt.Errorf("POST %s: not a URL to send to", endpoint)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	accept := "application/json"
	if c.cfg.RequireSigned {
		accept = "application/" + signedType
	}
	req.Header.Set("Accept", accept)
	return c.do(req, maxSigned)
}

// userInfo sends the request of OpenID Connect Core 1.0, Section 5.3.1.
func (c *client) userInfo(ctx context.Context, endpoint, token string) (response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return response{}, fmt.Errorf("GET %s: not a URL to send to", endpoint)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	return c.do(req, maxAnswer)
}

type response struct {
	status int
	header http.Header
	body   string
}

// do keeps the client's own errors out of the chain, as they may be anything,
// and out of texts what was sent.
func (c *client) do(req *http.Request, most int64) (response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		if req.Context().Err() != nil {
			return response{}, errSilent
		}
		var inner *neturl.Error // which would name the URL again
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return response{}, fmt.Errorf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return response{status: res.StatusCode, header: res.Header}, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil && req.Context().Err() != nil:
		return response{}, errSilent
	case err != nil:
		return response{}, fmt.Errorf("%s %s: reading the body: %v", req.Method, req.URL, err)
	case int64(len(body)) > most:
		return response{}, fmt.Errorf("%s %s: %w %d bytes", req.Method, req.URL, errTooLarge, most)
	}
	return response{res.StatusCode, res.Header, string(body)}, nil
}

// A statusError is a response other than 200.
type statusError struct {
	userInfo   bool
	url        string
	code       int
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	method := http.MethodPost
	if e.userInfo {
		method = http.MethodGet
	}
	text := fmt.Sprintf("%s %s: %d %s", method, e.url, e.code, http.StatusText(e.code)) // not in the server's words
	switch {
	case e.code/100 == 3:
		return text + ", and redirects are not followed: see Config.Endpoint"
	case e.userInfo:
		return text
	case e.code == http.StatusBadRequest:
		return text + ": the server finds no credentials that it knows, or does not understand the token: see Config.Auth"
	case e.code == http.StatusUnauthorized || e.code == http.StatusForbidden:
		return text + ": the server does not accept Config.ClientID and Config.Auth for introspection"
	case e.code == http.StatusNotFound || e.code == http.StatusMethodNotAllowed:
		return text + ": there is no introspection endpoint: see Config.Endpoint"
	}
	return text
}

// isAboutToken reports whether the request may have been rejected for the sake
// of the token in it, such as by a firewall or for its length.
func (e *statusError) isAboutToken() bool {
	return e.code/100 == 4 && e.code != http.StatusUnauthorized && e.code != http.StatusRequestTimeout &&
		e.code != http.StatusTooManyRequests
}

// Unwrap says that the server is there, and that the Config has to be changed.
func (e *statusError) Unwrap() error {
	if e.code/100 == 5 || e.code == http.StatusTooManyRequests || e.code == http.StatusRequestTimeout {
		return nil
	}
	return jwks.ErrConfig
}

func askedFor(err error) time.Duration {
	var status *statusError
	if errors.As(err, &status) {
		return status.retryAfter
	}
	return 0
}

// read reads the answer of RFC 7662, Section 2.2, as strictly as a token's
// claims.
func (in *Introspector) read(ctx context.Context, endpoint string, res response, began time.Time) (answer, error) {
	claims := res.body
	sent, response := "POST "+endpoint, "an introspection response"
	if in.cfg.InsecureUserInfo {
		sent, response = "GET "+endpoint, "a userinfo response"
	}
	mediaType, _, _ := mime.ParseMediaType(res.header.Get("Content-Type"))
	switch signed := mediaType == "application/"+signedType; {
	case signed && !in.cfg.InsecureUserInfo:
		var err error
		if claims, err = in.verify(ctx, res.body, began); err != nil {
			return answer{}, fmt.Errorf("%s: %w", sent, err)
		}
	case in.cfg.RequireSigned:
		return answer{}, &mistake{text: fmt.Sprintf("%s: the answer is not signed, and Config.RequireSigned is set: have the server "+
			"sign the answers to this client (RFC 9701, Section 6)", sent)}
	}
	if len(claims) > maxAnswer {
		return answer{}, fmt.Errorf("%s: the answer is over %d bytes", sent, maxAnswer)
	}
	seen, err := in.newEntry(claims)
	switch active, ok := seen.active.Bool(); {
	case err != nil:
		return answer{}, fmt.Errorf("%s: not %s: %w", sent, response, err)
	case in.cfg.InsecureUserInfo:
		if subject, ok := seen.subject.Text(); !ok || subject == "" {
			return answer{}, &namelessError{fmt.Sprintf("%s: not %s: sub is %v, want the user's name", sent, response, seen.subject.Kind())}
		}
	case !ok:
		return answer{}, fmt.Errorf("%s: not %s: active is %v, want a boolean", sent, response, seen.active.Kind())
	case !active:
		return answer{inactive: true}, nil
	}
	return answer{entry: seen.entry}, nil
}

// A namelessError is of a userinfo response without the user, which is none
// (OpenID Connect Core 1.0, Section 5.3.2). Some servers say by such a response,
// and the status 200, that they reject the token.
type namelessError struct{ text string }

func (e *namelessError) Error() string      { return e.text }
func (e *namelessError) isAboutToken() bool { return true }

// A seenAnswer is an entry with the members of which package validator knows
// nothing.
type seenAnswer struct {
	entry                           *entry
	active, subject, tokenType, cnf jose.Value
}

// newEntry reads an answer, and decides about it as far as what never changes.
// It fails if there is nothing that can be read.
func (in *Introspector) newEntry(claims string) (seen seenAnswer, err error) {
	rules := in.rules
	rules.Seen = func(name string, value jose.Value) {
		switch name {
		case "active":
			seen.active = value
		case "sub":
			seen.subject = value
		case "token_type":
			seen.tokenType = value
		case "cnf":
			seen.cnf = value
		}
	}
	e := &entry{claims: claims}
	e.judge, e.size, err = read(in.decides, claims, rules)
	if validator.CodeOf(err) == validator.CodeMalformed {
		return seenAnswer{}, withoutCode(errors.Unwrap(err))
	}
	if err == nil && !in.cfg.InsecureUserInfo {
		err = checkTokenType(seen.tokenType, seen.cnf)
	}
	if err != nil && !errors.As(err, &e.problem) {
		e.problem = &validator.Error{Code: validator.CodeRefused, Err: err}
	}
	seen.entry = e
	return seen, nil
}

// checkTokenType requires a type of token that is accepted (RFC 7662, Section
// 2.2). Some servers name the kind of token there. A token of the type DPoP is
// bound to a key, so that it is not used as one of the type Bearer (RFC 9449,
// Section 6.2).
func checkTokenType(tokenType, cnf jose.Value) error {
	text, ok := tokenType.Text()
	switch {
	case tokenType.Kind() == jose.KindNone:
		return nil
	case ok && strings.EqualFold(text, "DPoP"):
		return checkHasKey(cnf)
	case ok && (strings.EqualFold(text, "Bearer") || text == "access_token" ||
		text == "urn:ietf:params:oauth:token-type:access_token"):
		return nil
	}
	return &validator.Error{Code: validator.CodeType, Err: fmt.Errorf("token_type is %.64q, want Bearer or DPoP", tokenType.Raw())}
}

// checkHasKey requires a cnf with the thumbprint of a key. Which one, and what
// is in it besides, is for package validator to read.
func checkHasKey(cnf jose.Value) error {
	if cnf.Kind() == jose.KindObject {
		members, err := jose.ParseObject(nil, cnf.Raw(), jose.ReadBefore)
		if err != nil {
			return err
		}
		if _, ok := jose.Lookup(members, "jkt"); ok {
			return nil
		}
	}
	return &validator.Error{Code: validator.CodeBinding, Err: errors.New("token_type is DPoP, and cnf has no jkt: " +
		"have the server name the key that the token is bound to (RFC 9449, Section 6.2)")}
}

// verify returns the claims of a signed answer (RFC 9701, Section 5).
func (in *Introspector) verify(ctx context.Context, token string, asked time.Time) (string, error) {
	token = strings.TrimSpace(token)
	if strings.Count(token, ".") == 4 {
		return "", &mistake{text: "the answer is encrypted: have the server sign it only"}
	}
	payload, issuedAt, err := open(ctx, in.client.signed, token, vouched.Signed{Types: []string{signedType}})
	if err != nil {
		return "", fmt.Errorf("the signed answer is rejected: %w", withoutCode(err))
	}
	if age := asked.Sub(issuedAt); issuedAt.IsZero() || age > in.cfg.Leeway+in.cfg.Timeout {
		return "", errors.New("the signed answer has no iat, or one from before it was asked for")
	}
	members, err := jose.ParseObject(nil, payload, jose.ClaimsLimits(maxSigned))
	if err != nil {
		return "", err
	}
	claims, _ := jose.Lookup(members, "token_introspection")
	if claims.Kind() != jose.KindObject {
		return "", fmt.Errorf("the signed answer's token_introspection is %v, want an object", claims.Kind())
	}
	return strings.Clone(claims.Raw()), nil
}

// withoutCode keeps the code of a signed answer's rejection out of the chain:
// it is no verdict on the token.
func withoutCode(err error) error { return errors.New(err.Error()) }

// A mistake is one in the Config, or at the server.
type mistake struct {
	text        string
	otherIssuer bool // the metadata is that of another
}

func (e *mistake) Error() string { return e.text }
func (e *mistake) Unwrap() error { return jwks.ErrConfig }
