package introspection

import (
	"net/http"

	"github.com/rsguard/rsguard/internal/outbound"
)

// NewTransport makes the transport of a Config without a Client.
var NewTransport = func() *http.Transport { return outbound.NewTransport(maxRunning) }
