package mockissuer

import "net/http"

func (iss *Issuer) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(method string, e Endpoint, h http.HandlerFunc) { mux.Handle(method+" "+string(e), h) }

	handle("GET", EndpointDiscovery, iss.serveMetadata)
	handle("GET", EndpointMetadata, iss.serveMetadata)
	handle("GET", EndpointKeySet, iss.serveKeySet)
	handle("POST", EndpointToken, iss.serveToken)
	handle("GET", EndpointAuthorize, iss.serveAuthorize)
	handle("GET", EndpointUserInfo, iss.serveUserInfo)
	handle("POST", EndpointUserInfo, iss.serveUserInfo)
	handle("POST", EndpointIntrospection, iss.serveIntrospection)
	handle("POST", EndpointRevocation, iss.serveRevocation)
	handle("GET", EndpointTransmitter, iss.serveTransmitter)
	handle("POST", EndpointPoll, iss.servePoll)
	return mux
}
