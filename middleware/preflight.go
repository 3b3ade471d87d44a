package middleware

import "net/http"

// isPreflight reports whether r is a browser's question whether a script may
// send a request. It has no credentials, because it is not the script's (Fetch
// Standard, Section 4.8).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != "" && r.Header[authorization] == nil
}
