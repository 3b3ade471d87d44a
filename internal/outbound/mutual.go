package outbound

import (
	"net/http"
	"reflect"
)

// HasCertificate reports whether client makes connections with a certificate of
// its own. A transport of another type than [http.Transport] doesn't tell.
// HasCertificate must be called after a request of client, since the first one
// may still complete the transport's TLSClientConfig.
func HasCertificate(client *http.Client) bool {
	transport := client.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	t, ok := transport.(*http.Transport)
	if !ok || t.TLSClientConfig == nil {
		return false
	}
	return len(t.TLSClientConfig.Certificates) > 0 || t.TLSClientConfig.GetClientCertificate != nil
}

// SameFunc reports whether f and g are the same function of a package. Function
// literals are not told apart by it, since the compiler may copy them.
func SameFunc(f, g any) bool {
	return reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer()
}
