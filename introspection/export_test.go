package introspection

// NewTransport makes the transport of a Config without a Client.
var NewTransport = newTransport
