package middleware

// The names of header fields, as they are spelled in an [http.Header].
const (
	authorization   = "Authorization"
	clientCert      = "Client-Cert"
	dpopNonce       = "Dpop-Nonce"
	dpopProof       = "Dpop"
	retryAfter      = "Retry-After"
	vary            = "Vary"
	wwwAuthenticate = "Www-Authenticate"
)
