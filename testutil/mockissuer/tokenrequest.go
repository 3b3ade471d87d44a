package mockissuer

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// An oauthError is an error response (RFC 6749, Section 5.2), with the status
// and words of Auth0.
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (e *oauthError) Error() string { return e.Code + ": " + e.Description }

func refuse(status int, code, description string) *oauthError {
	return &oauthError{status: status, Code: code, Description: description}
}

func invalidRequest(description string) *oauthError {
	return refuse(http.StatusBadRequest, "invalid_request", description)
}

// readParams reads the body of a request, which is a form or a JSON object. A
// parameter must not occur twice.
func readParams(r *http.Request) (map[string]string, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, invalidRequest("A Content-Type is needed: application/x-www-form-urlencoded or application/json")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, invalidRequest("The body cannot be read, or is too long")
	}

	switch mediaType {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, invalidRequest("The body is no form")
		}
		return single(form)
	case "application/json":
		var params map[string]string
		if err := json.Unmarshal(body, &params); err != nil || params == nil {
			return nil, invalidRequest("The body is no JSON object of strings")
		}
		return params, nil
	default:
		return nil, invalidRequest("The Content-Type is neither application/x-www-form-urlencoded nor application/json")
	}
}

// single rejects a parameter that occurs more than once (RFC 6749, Section
// 3.1).
func single(form url.Values) (map[string]string, error) {
	params := make(map[string]string)
	for name, values := range form {
		if len(values) != 1 {
			return nil, invalidRequest("A parameter is there twice: " + name)
		}
		params[name] = values[0]
	}
	return params, nil
}

// errUnauthorized is the error for an unknown client and for a wrong secret. It
// doesn't disclose which.
var errUnauthorized = refuse(http.StatusUnauthorized, "access_denied", "Unauthorized")

// authenticate returns the client of a request, by HTTP Basic (RFC 6749,
// Section 2.3.1), by its body, by a signed assertion or by its certificate. A
// public client has only its id.
func (iss *Issuer) authenticate(r *http.Request, params map[string]string) (Client, error) {
	if _, ok := params["client_assertion"]; ok {
		return iss.byAssertion(r, params)
	}
	id, secret := params["client_id"], params["client_secret"]
	if _, ok := r.Header["Authorization"]; ok {
		basicID, basicSecret, err := basic(r)
		if err != nil {
			return Client{}, err
		}
		if id != "" && id != basicID || secret != "" {
			return Client{}, invalidRequest("The client shows its credentials in two ways")
		}
		id, secret = basicID, basicSecret
	}
	if id == "" {
		return Client{}, invalidRequest("Missing required parameter: client_id")
	}

	client, ok := iss.cfg.client(id)
	if ok && secret == "" && client.byCertificate(r) {
		return client, nil
	}
	if !ok || secret == "" && !client.public() || subtle.ConstantTimeCompare([]byte(client.Secret), []byte(secret)) != 1 {
		return Client{}, errUnauthorized
	}
	return client, nil
}

func basic(r *http.Request) (id, secret string, err error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", "", errUnauthorized
	}
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if errors.Join(err1, err2) != nil {
		return "", "", errUnauthorized
	}
	return id, secret, nil
}

// answer writes a JSON response that must not be stored.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// answerError writes err, with a challenge if the client used HTTP Basic.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *oauthError
	if !errors.As(err, &refusal) {
		refusal = refuse(http.StatusInternalServerError, "server_error", err.Error())
	}
	if note := noteFor(r); note != nil {
		note.Note = refusal.Error()
	}
	if scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); refusal.status == http.StatusUnauthorized && scheme != "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="mock issuer"`)
	}
	answer(w, refusal.status, refusal)
}
