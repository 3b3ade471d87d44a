// Package servers runs rsguard conform's cases against resource servers that
// are guarded by widely used packages of others, for Node, for Go and for the
// Apache HTTP server. It counts what passes. It lists no case, since a failure
// may be a weakness that its authors have to hear of first. It is a module of
// its own, so that rsguard doesn't require what it needs.
//
//	cd internal/e2e/servers && go test -count=1 -v .
//
// The servers for Node are skipped if node or npm is missing, and Apache if
// apache2 or mod_oauth2 is.
package servers
