// Package outbound has what the clients of an issuer's endpoints share.
package outbound

import (
	"net/http"
	"time"
)

// Plain returns a transport like [http.DefaultTransport] that shares nothing
// with it, and reads 64 KiB of a response's header at most.
func Plain() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		t = t.Clone()
	} else {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second}
	}
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// ForKeys returns a [Plain] transport that keeps no connection. Minutes pass
// between two fetches of keys, and an open connection would keep two
// goroutines.
func ForKeys() *http.Transport {
	t := Plain()
	t.DisableKeepAlives = true
	return t
}

// NewTransport returns a transport of its own for up to perHost requests at
// once.
func NewTransport(perHost int) *http.Transport {
	t := Plain()
	t.MaxIdleConnsPerHost = perHost
	// A connection that is dead without either end knowing would otherwise be
	// used for as long as there are requests, since by HTTP/2 all share it.
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 3 * time.Second, PingTimeout: 2 * time.Second}
	return t
}
