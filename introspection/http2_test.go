package introspection_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rsguard/rsguard/introspection"
)

// A pipes is a listener of connections in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// A mortal connection swallows what is written after its death, as a firewall
// does that has forgotten it.
type mortal struct {
	net.Conn
	dead atomic.Bool
}

func (m *mortal) Write(p []byte) (int, error) {
	if m.dead.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// A connection that is dead without either end knowing is replaced, though
// there are requests on it all the time.
func TestIntrospector_deadConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("the request came by %s, want HTTP/2", r.Proto)
			}
			_, _ = io.WriteString(w, good)
		}))
		_ = s.Listener.Close()
		s.Listener, s.EnableHTTP2 = listener, true
		s.StartTLS()
		trusting := s.Client().Transport.(*http.Transport) //nolint:forcetypeassert // httptest's own

		transport := introspection.NewTransport()
		transport.TLSClientConfig = trusting.TLSClientConfig.Clone()
		var first atomic.Pointer[mortal]
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			listener.conns <- server
			c := &mortal{Conn: client}
			first.CompareAndSwap(nil, c)
			return c, nil
		}
		cfg := config(&server{})
		cfg.Endpoint, cfg.Client = "https://example.com/introspect", &http.Client{Transport: transport}
		in := newIntrospector(t, cfg)
		if _, err := in.Validate(t.Context(), "before"); err != nil {
			t.Fatal(err)
		}
		first.Load().dead.Store(true)
		began, served := time.Now(), time.Duration(0)
		for i := range 60 {
			go func() {
				if _, err := in.Validate(t.Context(), fmt.Sprint("after", i)); err == nil && served == 0 {
					served = time.Since(began)
				}
			}()
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
		}
		if served == 0 || served > 15*time.Second {
			t.Errorf("tokens are served %v after the connection died (0: never), want 15s at most", served)
		}
		transport.CloseIdleConnections()
		s.Close()
		time.Sleep(time.Minute)
	})
}
