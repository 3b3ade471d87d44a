package meanwhile

import (
	"encoding/json"
	"net/http"

	"github.com/rsguard/rsguard/validator"
)

// OldBody is an ErrorHandler of middleware.Config. Without a token and with a
// bad one, it responds as version 2 of go-jwt-middleware did. The header field
// WWW-Authenticate is already set.
func OldBody(w http.ResponseWriter, _ *http.Request, status int, err error) {
	message := http.StatusText(status)
	switch {
	case validator.CodeOf(err) == validator.CodeMissing:
		status, message = http.StatusBadRequest, "JWT is missing."
	case status == http.StatusUnauthorized:
		message = "JWT is invalid."
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}
