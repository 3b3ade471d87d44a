package clientauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A proof is the claims of a DPoP proof.
type proof struct {
	JTI   string `json:"jti"`
	HTM   string `json:"htm"`
	HTU   string `json:"htu"`
	ATH   string `json:"ath"`
	Nonce string `json:"nonce"`
}

func proofOf(tb testing.TB, r *http.Request) proof {
	tb.Helper()
	parts := strings.Split(r.Header.Get("DPoP"), ".")
	if len(parts) != 3 || len(r.Header["Dpop"]) != 1 {
		tb.Fatalf("%s %s has the proofs %q, want one", r.Method, r.URL, r.Header["Dpop"])
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	var p proof
	if err := json.Unmarshal(payload, &p); err != nil {
		tb.Fatal(err)
	}
	return p
}

// Each request has one proof of its own, which names the URL without its query,
// in which a secret may be (RFC 9449, Section 4.2). That of a token request
// names no token.
func TestTransport_proofs(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	var atIssuer []proof
	cfg := config(iss)
	next := cfg.Client.Transport
	cfg.Key, cfg.Client = newKey(t, nil), &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			atIssuer = append(atIssuer, proofOf(t, r))
		}
		return next.RoundTrip(r)
	})}
	var atAPI []proof
	transport, err := clientauth.NewTransport(newSource(t, cfg, clientauth.Request{Audience: audience}), clientauth.TransportConfig{
		Hosts: []string{"api.example.com"},
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			atAPI = append(atAPI, proofOf(t, r))
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		call(t, transport, http.MethodDelete, "https://api.example.com/orders/a%2Fb?card=4111#x", http.Header{"Dpop": {"another's"}})
	}
	if len(atIssuer) != 1 || atIssuer[0].ATH != "" || atIssuer[0].HTM != http.MethodPost {
		t.Errorf("the issuer got the proofs %+v, want one without ath", atIssuer)
	}
	if len(atAPI) != 2 || atAPI[0].JTI == atAPI[1].JTI || len(atAPI[0].JTI) < 22 {
		t.Fatalf("the API got the proofs %+v, want two with a jti of their own", atAPI)
	}
	if p := atAPI[0]; p.HTM != http.MethodDelete || p.HTU != "https://api.example.com/orders/a%2Fb" || p.ATH == "" || p.Nonce != "" {
		t.Errorf("the API got the proof %+v, want htm, htu without the query, and ath", p)
	}
}

// Of the credentials that a request has already, the API gets none.
func TestTransport_replaces(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t, nil)
	var sent http.Header
	transport, err := clientauth.NewTransport(newSource(t, config(iss), clientauth.Request{Audience: audience}), clientauth.TransportConfig{
		Hosts: []string{"api.example.com"},
		Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			sent = r.Header
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	call(t, transport, http.MethodGet, "https://api.example.com/", http.Header{"Authorization": {"Bearer user"}, "Dpop": {"another's"}})
	if got := sent["Authorization"]; len(got) != 1 || got[0] == "Bearer user" || len(sent["Dpop"]) != 0 {
		t.Errorf("the API got Authorization %d times and DPoP %q, want the token of the source alone", len(got), sent["Dpop"])
	}
}

// An API that names a nonce in each answer, and never accepts one, gets two
// requests. A nonce that is too long is not sent.
func TestTransport_nonces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		length   int
		requests int
	}{
		{"the longest", 512, 2},
		{"a longer one", 513, 1},
		{"none", 0, 1},
	} {
		iss := newIssuer(t, nil)
		cfg := config(iss)
		cfg.Key = newKey(t, nil)
		var got []string
		transport, err := clientauth.NewTransport(newSource(t, cfg, clientauth.Request{Audience: audience}), clientauth.TransportConfig{
			Hosts: []string{"api.example.com"},
			Base: roundTripper(func(r *http.Request) (*http.Response, error) {
				got = append(got, proofOf(t, r).Nonce)
				h := http.Header{"Www-Authenticate": {`DPoP error="use_dpop_nonce"`}}
				if tt.length > 0 {
					n := strconv.Itoa(len(got))
					h.Set("DPoP-Nonce", n+strings.Repeat("n", tt.length-len(n)))
				}
				status := 401
				if len(got) > 5 {
					status = 200 // so that this ends
				}
				return &http.Response{StatusCode: status, Header: h, Body: http.NoBody, Request: r}, nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if status := call(t, transport, http.MethodGet, "https://api.example.com/", nil); status != 401 || len(got) != tt.requests {
			t.Errorf("%s: status %d after %d requests, want 401 after %d", tt.name, status, len(got), tt.requests)
		}
		for i, nonce := range got {
			if i == 0 && nonce != "" || i > 0 && (len(nonce) != tt.length || !strings.HasPrefix(nonce, strconv.Itoa(i)+"n")) {
				t.Errorf("%s: request %d has the nonce %.20q, want that of the answer before", tt.name, i, nonce)
			}
		}
		if n := iss.Count(mockissuer.EndpointToken); n != 1 {
			t.Errorf("%s: %d token requests, want 1", tt.name, n)
		}
	}
}

// call sends a request by a Transport and returns the status.
func call(tb testing.TB, transport *clientauth.Transport, method, url string, h http.Header) int {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	for name, values := range h {
		req.Header[name] = values
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		tb.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
