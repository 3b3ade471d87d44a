package humaauth

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rsguard/rsguard/internal/contextkey"
	"github.com/rsguard/rsguard/internal/redeemed"
	"github.com/rsguard/rsguard/middleware"
	"github.com/rsguard/rsguard/validator"
)

// A Config says which Authenticators the security schemes of an API stand for.
type Config struct {
	_ [0]func()

	// Schemes has the schemes by the names that [huma.Operation].Security and
	// [huma.OpenAPI].Security use. It is required.
	Schemes map[string]Scheme

	// InsecurePublicByDefault makes the operations public that declare no
	// security. By default each request for such an operation is rejected with
	// status 403. To make one operation public, give it the Security {{}},
	// which is one requirement that requires nothing.
	InsecurePublicByDefault bool
}

// A Scheme is a security scheme of the OpenAPI document.
type Scheme struct {
	// Auth accepts the tokens of the scheme. It is required. If an operation
	// has several schemes that use DPoP, their Authenticators must share one
	// Verifier. Otherwise, a proof that one of them has redeemed can be a replay
	// for the next.
	Auth *middleware.Authenticator

	// Checks run for each operation that requires the scheme, before the one
	// for scopes. They are not in the document.
	Checks []validator.Check

	// Definition is the scheme in the document. If nil, it is the one that the
	// document has, or a bearer token in the format JWT.
	Definition *huma.SecurityScheme
}

// Secure guards all operations that are registered with api from now on, as
// their Security says, or that of the document if they have none:
//
//   - Of several requirements, one must be met. They are tried in their order.
//   - Of a requirement with several schemes, each must accept the request. The
//     claims are those of the first one in alphabetical order.
//   - All scopes that are listed with a scheme are required, as by
//     [validator.Scopes].
//   - An empty requirement accepts requests without credentials, without
//     claims. Bad credentials are still rejected if there are other
//     requirements.
//
// If no requirement is met, the client gets the response to the rejection that
// came furthest: a 503 before a 403, and that before a 401. If there are no
// credentials for any, it gets the challenges of all. The Authenticator of each
// requirement that was tried logs its rejection.
//
// Secure adds the schemes to the document, and to each guarded operation the
// responses 401, 403 and 503 if it doesn't describe these itself. Rejections
// have the form of Huma's errors, as those of [New].
//
// Registering an operation panics if its Security names a scheme that is not in
// cfg.Schemes or a scope that can't be one. An operation that is hidden from the
// document is not seen then. Requests for it get status 500.
//
// Secure returns an error that joins all faults of cfg. It also fails if
// operations were registered before, since these would not be guarded, and if
// api is a [huma.Group], since its document is that of the whole API.
//
// It does not see operations that were registered before and are hidden from
// the document. The routes of Huma itself, such as /openapi.json and /docs, are
// no operations and stay public. If the paths in [huma.Config] are empty, there
// are none.
func Secure(api huma.API, cfg Config) error {
	s := &secured{api: api, cfg: cfg, names: slices.Sorted(maps.Keys(cfg.Schemes))}
	s.cfg.Schemes = maps.Clone(cfg.Schemes)
	if err := s.check(); err != nil {
		return err
	}
	doc := api.OpenAPI()
	if doc.Components.SecuritySchemes == nil {
		doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	}
	for name, scheme := range cfg.Schemes {
		if doc.Components.SecuritySchemes[name] == nil {
			doc.Components.SecuritySchemes[name] = cmp.Or(scheme.Definition,
				&huma.SecurityScheme{Type: "http", Scheme: "bearer", BearerFormat: "JWT"})
		}
	}
	doc.OnAddOperation = append(doc.OnAddOperation, s.document)
	api.UseMiddleware(s.guard)
	return nil
}

// secured is an API whose operations are guarded.
type secured struct {
	api    huma.API
	cfg    Config
	names  []string // of the schemes
	guards sync.Map // the *requirements of each *huma.Operation
}

func (s *secured) check() error {
	var errs []error
	if len(s.names) == 0 {
		errs = append(errs, errors.New("humaauth: Config.Schemes is empty"))
	}
	doc := s.api.OpenAPI()
	if _, ok := s.api.(*huma.Group); ok {
		errs = append(errs, errors.New("humaauth: the API is a Group: pass the API that it is of"))
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		errs = append(errs, fmt.Errorf("humaauth: %s was registered before, so it would not be guarded", path))
	}
	for _, name := range s.names {
		scheme := s.cfg.Schemes[name]
		if name == "" {
			errs = append(errs, errors.New("humaauth: Config.Schemes has a scheme without a name"))
		}
		if scheme.Auth == nil {
			errs = append(errs, fmt.Errorf("humaauth: Config.Schemes[%q].Auth is nil", name))
		}
		if slices.ContainsFunc(scheme.Checks, func(c validator.Check) bool { return c == nil }) {
			errs = append(errs, fmt.Errorf("humaauth: Config.Schemes[%q].Checks has one that is nil", name))
		}
		if doc.Components == nil {
			continue
		}
		if known := doc.Components.SecuritySchemes[name]; known != nil && scheme.Definition != nil && known != scheme.Definition {
			errs = append(errs, fmt.Errorf("humaauth: the document defines the scheme %q too", name))
		}
	}
	if doc.Components == nil {
		errs = append(errs, errors.New("humaauth: the document has no Components"))
	}
	return errors.Join(errs...)
}

// requirements are those of an operation.
type requirements struct {
	alternatives [][]*middleware.Guard // all Guards of one must admit a request
	optional     bool                  // one requires nothing
	several      bool                  // more than one Guard may decide about a request
	err          error                 // why every request is rejected
}

var errUndeclared = errors.New("the operation declares no security: set its Security, which is {{}} for a public one")

// of returns the requirements of an operation. They are read at its first
// request, because a group or a hook may still change it after it was added to
// the document.
func (s *secured) of(op *huma.Operation) *requirements {
	if known, ok := s.guards.Load(op); ok {
		return known.(*requirements)
	}
	known, _ := s.guards.LoadOrStore(op, s.read(op))
	return known.(*requirements)
}

func (s *secured) read(op *huma.Operation) *requirements {
	var security []map[string][]string
	if op != nil { // as in every router of Huma's own
		security = op.Security
	}
	if len(security) == 0 {
		security = s.api.OpenAPI().Security
	}
	switch {
	case len(security) > 0:
	case s.cfg.InsecurePublicByDefault:
		return &requirements{optional: true}
	default:
		return &requirements{err: &validator.Error{Code: validator.CodeRefused, Err: errUndeclared}}
	}

	reqs := &requirements{}
	for _, wants := range merge(security) {
		if len(wants) == 0 {
			reqs.optional = true
			continue
		}
		var guards []*middleware.Guard
		for _, want := range wants {
			guard, err := s.guardOf(want)
			if err != nil {
				return &requirements{err: &validator.Error{Code: validator.CodeInternal, Err: err}}
			}
			guards = append(guards, guard)
		}
		reqs.several = reqs.several || len(guards) > 1 || len(reqs.alternatives) > 0
		reqs.alternatives = append(reqs.alternatives, guards)
	}
	return reqs
}

// A want is a scheme and lists of scopes, of which a token must have one list.
type want struct {
	scheme string
	scopes [][]string
}

// merge returns the requirements of an operation, with those of one and the
// same scheme merged into one. So its Authenticator decides once, and its answer
// names all scopes. The schemes of a requirement are in reverse order, because
// the claims of the last Guard are the ones that the handler gets.
func merge(security []map[string][]string) (merged [][]want) {
	alone := map[string]int{} // where a scheme alone is required
	for _, requirement := range security {
		var wants []want
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(requirement))) {
			wants = append(wants, want{name, [][]string{requirement[name]}})
		}
		if len(wants) == 1 {
			if i, ok := alone[wants[0].scheme]; ok {
				merged[i][0].scopes = append(merged[i][0].scopes, wants[0].scopes...)
				continue
			}
			alone[wants[0].scheme] = len(merged)
		}
		merged = append(merged, wants)
	}
	return merged
}

// guardOf returns the Guard of a want.
func (s *secured) guardOf(w want) (guard *middleware.Guard, err error) {
	scheme, ok := s.cfg.Schemes[w.scheme]
	if !ok {
		return nil, fmt.Errorf("its Security names the scheme %q, which Config.Schemes doesn't have", w.scheme)
	}
	defer func() {
		if v := recover(); v != nil { // by validator.Scopes
			guard, err = nil, fmt.Errorf("its Security lists a scope of %q that is none: %v", w.scheme, v)
		}
	}()
	checks := slices.Clone(scheme.Checks)
	var scopes []validator.Check
	for _, list := range w.scopes {
		if len(list) == 0 {
			return scheme.Auth.Guard(checks...), nil // any token will do
		}
		scopes = append(scopes, validator.Scopes(list...))
	}
	if len(scopes) == 1 {
		return scheme.Auth.Guard(append(checks, scopes[0])...), nil
	}
	return scheme.Auth.Guard(append(checks, validator.AnyOf(scopes...))...), nil
}

// guard is the middleware of the API.
func (s *secured) guard(ctx huma.Context, next func(huma.Context)) {
	reqs := s.of(ctx.Operation())
	switch {
	case reqs.err != nil:
		s.reject(ctx, reqs.err, next)
		return
	case len(reqs.alternatives) == 0:
		next(anonymous(ctx))
		return
	}

	admitted, guard, refusal, h := reqs.decide(ctx)
	h.send(ctx)
	if refusal != nil {
		s.write(ctx, refusal)
		return
	}
	next(admitted)
	if guard != nil {
		guard.Done(admitted.Context())
	}
}

// decide tries the alternatives in their order. It returns the context to go on
// with and the Guard whose claims it has, if any, or the rejection to respond
// with, and the header fields for either.
func (reqs *requirements) decide(ctx huma.Context) (huma.Context, *middleware.Guard, *middleware.Refusal, header) {
	if reqs.several {
		remembering, end := redeemed.Context(ctx.Context())
		defer end()
		ctx = huma.WithContext(ctx, remembering)
	}
	var worst *middleware.Refusal
	var answer header
	missing := true
	for _, guards := range reqs.alternatives {
		admitted, refusal, h := ctx, (*middleware.Refusal)(nil), header{}
		for _, guard := range guards {
			if admitted, refusal = do(guard, admitted, h); refusal != nil {
				break
			}
		}
		if refusal == nil {
			return admitted, guards[len(guards)-1], nil, h
		}
		none := validator.CodeOf(refusal) == validator.CodeMissing
		missing = missing && none
		switch {
		case worst == nil || rank(refusal) > rank(worst):
			worst, answer = refusal, h
		case none && missing:
			for _, challenge := range h["Www-Authenticate"] {
				if !slices.Contains(answer["Www-Authenticate"], challenge) {
					answer["Www-Authenticate"] = append(answer["Www-Authenticate"], challenge)
				}
			}
		}
	}
	if missing && reqs.optional {
		return anonymous(ctx), nil, nil, nil
	}
	return nil, nil, worst, answer
}

// anonymous hides the claims of others.
func anonymous(ctx huma.Context) huma.Context {
	return huma.WithValue(ctx, contextkey.Identity{}, nil)
}

// rank orders rejections by how far a request came, as validator.AnyOf does.
func rank(refusal *middleware.Refusal) int {
	switch {
	case refusal.Status >= http.StatusInternalServerError:
		return refusal.Status
	case refusal.Status == http.StatusForbidden:
		return 3
	case validator.CodeOf(refusal) != validator.CodeMissing:
		return 2
	}
	return 1
}

// reject rejects a request for an operation that can't be called.
func (s *secured) reject(ctx huma.Context, err error, next func(huma.Context)) {
	guard, h := s.cfg.Schemes[s.names[0]].Auth.Guard(), header{}
	admitted, refusal := admit(ctx, func(r *http.Request) (*http.Request, *middleware.Refusal) {
		return guard.Reject(http.Header(h), r, err)
	})
	if refusal == nil { // with InsecureReportOnly
		next(admitted)
		return
	}
	h.send(ctx)
	s.write(ctx, refusal)
}

func (s *secured) write(ctx huma.Context, refusal *middleware.Refusal) {
	_ = huma.WriteErr(s.api, ctx, refusal.Status, http.StatusText(refusal.Status)) // which has logged it
}

// document describes the rejections of an operation that is registered.
func (s *secured) document(doc *huma.OpenAPI, op *huma.Operation) {
	reqs := s.read(op)
	if reqs.err != nil && !errors.Is(reqs.err, errUndeclared) {
		panic(fmt.Sprintf("humaauth: %s %s: %v", op.Method, op.Path, reqs.err))
	}
	if len(reqs.alternatives) == 0 && reqs.err == nil {
		return // it is public
	}
	challenge := map[string]*huma.Param{"WWW-Authenticate": textField("The challenge (RFC 9110, Section 11.6.1).")}
	retry := map[string]*huma.Param{"Retry-After": textField("The seconds after which the client may try again.")}
	for status, header := range map[int]map[string]*huma.Param{
		http.StatusUnauthorized:       challenge,
		http.StatusForbidden:          challenge,
		http.StatusServiceUnavailable: retry,
	} {
		if op.Responses == nil {
			op.Responses = map[string]*huma.Response{}
		}
		if op.Responses[strconv.Itoa(status)] == nil {
			op.Responses[strconv.Itoa(status)] = &huma.Response{
				Description: http.StatusText(status), Headers: header, Content: errorContent(doc),
			}
		}
	}
}

func textField(description string) *huma.Param {
	return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

// errorContent describes Huma's errors as Huma itself does.
func errorContent(doc *huma.OpenAPI) map[string]*huma.MediaType {
	example, contentType := huma.NewError(0, ""), "application/json"
	if filter, ok := example.(huma.ContentTypeFilter); ok {
		contentType = filter.ContentType(contentType)
	}
	t := reflect.TypeOf(example)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return map[string]*huma.MediaType{contentType: {Schema: doc.Components.Schemas.Schema(t, true, "Error")}}
}
