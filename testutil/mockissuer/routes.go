package mockissuer

import "net/http"

func (iss *Issuer) routes() *http.ServeMux {
	mux := http.NewServeMux()
	get := func(e Endpoint, h http.HandlerFunc) { mux.Handle("GET "+string(e), h) }

	get(EndpointDiscovery, iss.serveMetadata)
	get(EndpointMetadata, iss.serveMetadata)
	get(EndpointKeySet, iss.serveKeySet)
	return mux
}
