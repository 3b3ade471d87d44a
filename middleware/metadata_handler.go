package middleware

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metadata returns the path at which Config.Metadata must be served, and the
// handler that serves it. Register it beside the guarded routes and not behind
// them, because a client without a token needs it.
//
//	mux.Handle(auth.Metadata())
//	path, h := auth.Metadata()
//	e.Any(path, echo.WrapHandler(h)) // Echo
//	g.Any(path, gin.WrapH(h))        // Gin
//
// The handler responds to GET and HEAD with the same document and an ETag, for
// every host and every origin of a script. Any other path gets 404, since some
// routers use one handler for several paths. A proxy or handler in front of it
// that changes paths must restore this one. Metadata panics if Config.Metadata
// is nil.
func (a *Authenticator) Metadata() (path string, h http.Handler) {
	if a.metadata == nil {
		panic("middleware: Authenticator.Metadata: Config.Metadata is nil")
	}
	return a.metadata.path, a.metadata
}

// A metadataDocument is the Metadata as it is served.
type metadataDocument struct {
	url, path string
	body      []byte
	etag      string
}

// metadataLifetime is how long clients may use the document before they ask
// whether it has changed.
const metadataLifetime = 5 * time.Minute

func (d *metadataDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A pattern of net/http that ends with a slash matches all paths below.
	if r.URL.EscapedPath() != d.path {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	// The document is public and the same for all. No origin learns anything
	// that it could not fetch by itself.
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
	case isPreflight(r):
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*") // clients in browsers send header fields of their protocol
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
	// RFC 9728, Section 3.2: the status is 200, so ranges and other conditions
	// are ignored.
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
