package revocation

import (
	"errors"
	"io"
	"net/http"

	"github.com/rsguard/rsguard/validator"
)

// readBody returns the body of r, of up to limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int) (string, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", refuse(codeRequest, "the body is too large")
	}
	if err != nil {
		return "", &refusal{http.StatusBadRequest, codeRequest, "the body was cut short", err, 0}
	}
	return string(body), nil
}

// maxSize is the length of the longest signal.
func (s *signals) maxSize() int {
	if s.size > 0 {
		return s.size
	}
	return validator.DefaultMaxTokenSize
}
