package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

//go:embed page/index.html page/page.css page/page.js page/icon.svg
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("index.html").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Format(time.TimeOnly) },
	"age":   age,
	"field": newField,
}).ParseFS(pageFiles, "page/index.html"))

// page is the issuer's page at /. Without JavaScript each form loads it again.
type page struct {
	iss *mockissuer.Issuer
	bad func() []mockissuer.BadToken // for their names; made once, since that takes a while
}

// mountPage adds the page to what iss serves. The Host header is checked by
// iss.
func mountPage(iss *mockissuer.Issuer) {
	p := page{iss: iss, bad: sync.OnceValue(func() []mockissuer.BadToken {
		list, _ := iss.BadTokens(mockissuer.DefaultAudience) // an error is shown when one is requested
		return list
	})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.show(w, r, p.view(r)) })
	mux.HandleFunc("POST /page/mint", p.mint)
	mux.HandleFunc("POST /page/explain", p.explain)
	mux.HandleFunc("POST /page/rotate", p.rotate)
	mux.HandleFunc("POST /page/signout", p.signOut)
	mux.HandleFunc("POST /page/fail", p.fail)
	mux.HandleFunc("POST /page/down", p.setDown(true))
	mux.HandleFunc("POST /page/up", p.setDown(false))
	mux.HandleFunc("POST /page/heal", p.heal)
	for _, file := range []string{"page/page.css", "page/page.js", "page/icon.svg"} {
		mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, pageFiles, file) })
	}

	// Another site's page must not post here, by a form or by a script.
	guarded := http.NewCrossOriginProtection().Handler(mux)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
	iss.Handle("/{$}", handler)
	iss.Handle("/page/", handler)
}

// The limits of what the page reads: a form, and a token to explain. The
// response repeats the form.
const (
	maxForm      = 1 << 20
	maxExplained = 64 << 10
)

// A view is what the template shows.
type view struct {
	URL       string
	Endpoints []mockissuer.Endpoint
	Config    mockissuer.Config

	Algorithms []string
	Bad        []mockissuer.BadToken
	Kinds      []mockissuer.FaultKind
	Faults     []mockissuer.Fault
	Rotations  []mockissuer.Rotation
	Keys       []mockissuer.PublishedKey
	Now        time.Time
	Down       bool
	Requests   []mockissuer.Request
	Deliveries []mockissuer.Delivery

	Form      map[string]string // the values sent, to be shown again
	Error     string            // of the whole
	Mistakes  map[string]string // by the name of the field
	Minted    string
	Reason    string // of a bad token
	Curl      string
	Pasted    string // the kind of text that was explained, if it was more than a token
	Explained *validator.Report
	Header    string
	Claims    string
}

func (p page) view(r *http.Request) *view {
	cfg := p.iss.Config()
	v := &view{
		URL:        p.iss.URL,
		Endpoints:  mockissuer.Endpoints(),
		Config:     cfg,
		Algorithms: algorithms(),
		Bad:        p.bad(),
		Kinds:      faultKinds(),
		Faults:     p.iss.Faults(),
		Rotations:  []mockissuer.Rotation{mockissuer.AtOnce, mockissuer.Publish, mockissuer.Activate, mockissuer.Retire, mockissuer.SameKeyID},
		Down:       p.iss.Down(),
		Requests:   p.iss.Requests(),
		Deliveries: p.iss.Deliveries(),
		Now:        p.iss.Now(),
		Form:       map[string]string{"lifetime": "", "claims": ""},
	}
	v.Deliveries = v.Deliveries[:min(len(v.Deliveries), shownDeliveries)]
	var err error
	if v.Keys, err = p.iss.PublishedKeys(); err != nil {
		v.Error = err.Error()
	}
	for name := range r.PostForm {
		v.Form[name] = r.PostForm.Get(name)
	}
	return v
}

// A mistake is an error in one field of a form.
type mistake struct {
	field string
	error
}

func (m *mistake) Unwrap() error { return m.error }

// fail shows err beside its field, or at the top if it has none.
func (v *view) fail(err error) {
	if m := new(mistake); errors.As(err, &m) {
		v.Mistakes = map[string]string{m.field: m.Error()}
		return
	}
	v.Error = err.Error()
}

// A field is the template's data for one input.
type field struct{ Name, Value, Mistake string }

func newField(v *view, name string) field { return field{name, v.Form[name], v.Mistakes[name]} }

// age returns the time since a key was made, in one unit.
func age(now, made time.Time) string {
	if made.IsZero() {
		return "of unknown age"
	}
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}} {
		if d := now.Sub(made); d >= unit.size {
			return fmt.Sprintf("%d %s old", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d s old", max(now.Sub(made), 0)/time.Second)
}

func (p page) show(w http.ResponseWriter, _ *http.Request, v *view) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if v.Error != "" || len(v.Mistakes) > 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_, _ = w.Write(b.Bytes())
}

// posted reads the form of r. If it returns false, it has responded.
func posted(w http.ResponseWriter, r *http.Request) bool {
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, fmt.Sprintf("The form cannot be read, or is longer than %d KiB.", maxForm>>10), status)
		return false
	}
	return true
}

func (p page) explain(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	v := p.view(r)
	typed := r.PostForm.Get("token")
	switch token, what, err := pasted(typed); {
	case len(typed) > maxExplained:
		v.fail(&mistake{"token", fmt.Errorf("this has %d bytes, and up to %d are explained", len(typed), maxExplained)})
	case err != nil:
		v.fail(&mistake{"token", err})
	default:
		v.Pasted = what
		p.explainTo(v, r, token)
	}
	p.show(w, r, v)
}

// explainTo shows how a validator for this issuer and the form's audience
// decides about a token.
func (p page) explainTo(v *view, r *http.Request, token string) {
	keySet, err := p.iss.KeySet()
	if err != nil {
		v.Error = err.Error()
		return
	}
	keys, err := jwks.Parse(keySet)
	if err != nil {
		v.Error = err.Error()
		return
	}
	audience := r.PostForm.Get("audience")
	cfg := validator.Config{Issuers: p.iss.Domains(), Audiences: []string{audience}, Keys: keys, Now: p.iss.Now}
	for _, k := range keys {
		if alg := validator.Algorithm(k.Algorithm); alg != "" && !slices.Contains(cfg.Algorithms, alg) {
			cfg.Algorithms = append(cfg.Algorithms, alg)
		}
	}
	n := slices.IndexFunc(v.Config.APIs, func(a mockissuer.API) bool { return a.Identifier == audience })
	if n >= 0 {
		if shape, ok := mockissuer.ShapeOf(string(v.Config.APIs[n].Profile)); ok {
			cfg.AudienceClaim = shape.AudienceClaim()
		}
	}
	if n >= 0 && v.Config.APIs[n].Algorithm == "HS256" {
		cfg.Keys, cfg.Algorithms, cfg.Secret = nil, nil, []byte(v.Config.APIs[n].Secret)
	}
	judge, err := validator.New(cfg)
	if err != nil {
		v.Error = err.Error()
		return
	}
	report := judge.Explain(r.Context(), token)
	v.Explained = &report
	v.Header, v.Claims = inspect(token)
	v.Form["token"] = token
}

func (p page) rotate(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	if _, err := p.iss.RotateKey(mockissuer.Rotation(r.PostForm.Get("step"))); err != nil {
		v := p.view(r)
		v.Error = err.Error()
		p.show(w, r, v)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// shownDeliveries is how many signals the page shows.
const shownDeliveries = 6

// signOut ends a session, or all of a user's.
func (p page) signOut(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	switch user, session := r.PostForm.Get("user"), r.PostForm.Get("session"); {
	case session != "":
		p.iss.RevokeSession(session)
	case user != "":
		p.iss.Logout(user)
	default:
		v := p.view(r)
		v.fail(&mistake{"session", errors.New("choose a user, or name a session")})
		p.show(w, r, v)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p page) fail(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	fault, err := faultOf(r)
	if err != nil {
		v := p.view(r)
		v.fail(err)
		p.show(w, r, v)
		return
	}
	p.iss.Fail(fault)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func faultKinds() []mockissuer.FaultKind {
	return append(mockissuer.FaultKinds(), mockissuer.SignalFaultKinds()...)
}

func faultOf(r *http.Request) (mockissuer.Fault, error) {
	form := r.PostForm
	fault := mockissuer.Fault{
		Kind:     mockissuer.FaultKind(form.Get("kind")),
		Endpoint: mockissuer.Endpoint(form.Get("endpoint")),
	}
	if !slices.Contains(faultKinds(), fault.Kind) {
		return fault, fmt.Errorf("there is no fault %q", fault.Kind)
	}
	var err error
	if s := form.Get("times"); s != "" {
		if fault.Times, err = strconv.Atoi(s); err != nil || fault.Times < 0 {
			return fault, &mistake{"times", fmt.Errorf("%q is not a number of answers, such as 3", s)}
		}
	}
	if s := form.Get("status"); s != "" {
		if fault.Status, err = strconv.Atoi(s); err != nil || fault.Status < 200 || fault.Status > 599 {
			return fault, &mistake{"status", fmt.Errorf("%q is not a status from 200 to 599", s)}
		}
	}
	if s := form.Get("delay"); s != "" {
		if fault.Delay, err = time.ParseDuration(s); err != nil || fault.Delay < 0 {
			return fault, &mistake{"delay", fmt.Errorf("%q is not a delay, such as 3s", s)}
		}
	}
	return fault, nil
}

func (p page) setDown(down bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !posted(w, r) {
			return
		}
		p.iss.SetDown(down)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (p page) heal(w http.ResponseWriter, r *http.Request) {
	if !posted(w, r) {
		return
	}
	p.iss.Heal()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
