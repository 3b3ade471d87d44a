package middleware

import "net/http"

// An errorWriter is the response to a rejected request, for an ErrorHandler. If
// the handler sends no status before the body, it sends that of the rejection,
// where net/http would send 200.
type errorWriter struct {
	http.ResponseWriter
	status int
	begun  bool
}

// begin sends the status if none was sent.
func (w *errorWriter) begin() {
	if !w.begun {
		w.WriteHeader(w.status)
	}
}

func (w *errorWriter) WriteHeader(status int) {
	// RFC 9110, Section 15.2: a response of class 1xx is followed by another.
	// An exception is 101, which net/http treats as final.
	w.begun = w.begun || status >= 200 || status == http.StatusSwitchingProtocols
	w.ResponseWriter.WriteHeader(status)
}

func (w *errorWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// Flush is for handlers that ask for an [http.Flusher].
func (w *errorWriter) Flush() { _ = w.FlushError() }

// FlushError is for [http.ResponseController].
func (w *errorWriter) FlushError() error {
	w.begin()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for [http.ResponseController].
func (w *errorWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
