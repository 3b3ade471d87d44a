package middleware

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metadata returns the path at which Config.Metadata has to be served, and the
// handler that serves it. It goes beside the guarded routes, not behind them: a
// client without a token needs it.
//
//	mux.Handle(auth.Metadata())
//	path, h := auth.Metadata()
//	e.Any(path, echo.WrapHandler(h)) // Echo
//	g.Any(path, gin.WrapH(h))        // Gin
//
// The handler answers GET and HEAD with the same document, with an ETag,
// whatever host the request names and whatever origin a script has. It answers
// any other path with status 404, since some routers find a handler at more
// than one. A proxy or handler before it that changes paths has to restore this
// one. Metadata panics if there is no Config.Metadata.
func (a *Authenticator) Metadata() (path string, h http.Handler) {
	if a.metadata == nil {
		panic("middleware: Authenticator.Metadata: Config.Metadata is nil")
	}
	return a.metadata.path, a.metadata
}

// A metadataDocument is Metadata as it is served.
type metadataDocument struct {
	url, path string
	body      []byte
	etag      string
}

// metadataLifetime is how long clients may keep the document without asking
// whether it has changed.
const metadataLifetime = 5 * time.Minute

func (d *metadataDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A pattern of net/http that ends with a slash is for all paths below
	// as well.
	if r.URL.EscapedPath() != d.path {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	// The document is public and the same for all: no origin learns
	// anything that it could not fetch by itself.
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
	case isPreflight(r):
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*") // clients in browsers send headers of their protocol
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(metadataLifetime/time.Second)))
	h.Set("ETag", d.etag)
	if d.isKnown(r.Header["If-None-Match"]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	// RFC 9728, Section 3.2: the status is 200, so ranges and other
	// conditions are not looked at.
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(d.body)
	}
}

// isKnown reports whether the client has the document (RFC 9110, Section
// 13.1.2).
func (d *metadataDocument) isKnown(fields []string) bool {
	for tag := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		if tag = strings.Trim(tag, " \t"); tag == "*" || strings.TrimPrefix(tag, "W/") == d.etag {
			return true
		}
	}
	return false
}
