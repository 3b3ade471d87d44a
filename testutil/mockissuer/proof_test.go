package mockissuer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// prover is a client's DPoP key.
type prover struct {
	key *ecdsa.PrivateKey
	jwk map[string]any
}

func newProver(t *testing.T) *prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return &prover{key, map[string]any{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}}
}

// thumbprint is RFC 7638, written out for this one type of key.
func (p *prover) thumbprint() string {
	x, _ := p.jwk["x"].(string)
	y, _ := p.jwk["y"].(string)
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proof makes one for a request; change replaces parts of header and claims.
func (p *prover) proof(t *testing.T, iss *mockissuer.Issuer, method, url string, header, claims map[string]any) string {
	t.Helper()
	head := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": p.jwk}
	body := map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": iss.Now().Unix()}
	for _, pair := range [][2]map[string]any{{head, header}, {body, claims}} {
		for name, value := range pair[1] {
			pair[0][name] = value
		}
	}
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := encode(head) + "." + encode(body)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, p.key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func askWithProof(t *testing.T, iss *mockissuer.Issuer, p params, proofs ...string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, iss.URL+"oauth/token", strings.NewReader(p.form()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", formType)
	req.Header["Dpop"] = proofs
	res, body := do(t, iss, req)
	return res, decode(t, body)
}

func TestBoundToken(t *testing.T) {
	t.Parallel()

	const endpoint = tenant + "oauth/token"
	iss := open(t, mockissuer.Demo())
	client, other := newProver(t), newProver(t)
	good := client.proof(t, iss, "POST", endpoint, nil, nil)
	res, got := askWithProof(t, iss, machine, good)
	token, _ := got["access_token"].(string)
	if res.StatusCode != http.StatusOK || got["token_type"] != "DPoP" {
		t.Fatalf("token with a proof = %d %v, want 200 and the type DPoP", res.StatusCode, got)
	}
	cnf, _ := part(t, token, 1)["cnf"].(map[string]any)
	if cnf["jkt"] != client.thumbprint() || len(cnf) != 1 {
		t.Errorf("cnf = %v, want the thumbprint %s", cnf, client.thumbprint())
	}

	make := func(header, claims map[string]any) string {
		return client.proof(t, iss, "POST", endpoint, header, claims)
	}
	now := iss.Now()
	for _, tt := range []struct {
		name   string
		proofs []string
		want   int
	}{
		{"a query and a fragment", []string{make(nil, map[string]any{"htu": endpoint + "?x=1#y"})}, 200},
		{"a minute old", []string{make(nil, map[string]any{"iat": now.Add(-60 * time.Second).Unix()})}, 200},
		{"used before", []string{good}, 400},
		{"two", []string{make(nil, nil), make(nil, nil)}, 400},
		{"no JWT", []string{"x"}, 400},
		{"empty", []string{""}, 400},
		{"another method", []string{make(nil, map[string]any{"htm": "GET"})}, 400},
		{"another URL", []string{make(nil, map[string]any{"htu": tenant + "userinfo"})}, 400},
		{"another host", []string{make(nil, map[string]any{"htu": "https://evil.example.com/oauth/token"})}, 400},
		{"no jti", []string{make(nil, map[string]any{"jti": ""})}, 400},
		{"from a clock that is ahead", []string{make(nil, map[string]any{"iat": now.Add(30 * time.Second).Unix()})}, 200},
		{"old", []string{make(nil, map[string]any{"iat": now.Add(-61 * time.Second).Unix()})}, 400},
		{"from the future", []string{make(nil, map[string]any{"iat": now.Add(31 * time.Second).Unix()})}, 400},
		{"another type", []string{make(map[string]any{"typ": "JWT"}, nil)}, 400},
		{"none", []string{make(map[string]any{"alg": "none"}, nil)}, 400},
		{"HS256", []string{make(map[string]any{"alg": "HS256"}, nil)}, 400},
		{"another curve", []string{make(map[string]any{"alg": "ES384"}, nil)}, 400},
		{"crit", []string{make(map[string]any{"crit": []string{"x"}}, nil)}, 400},
		{"another's key", []string{make(map[string]any{"jwk": other.jwk}, nil)}, 400},
		{"no key", []string{make(map[string]any{"jwk": nil}, nil)}, 400},
		{"a private key", []string{make(map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": client.jwk["x"], "y": client.jwk["y"], "d": "AA"}}, nil)}, 400},
		{"a point off the curve", []string{make(map[string]any{"jwk": map[string]any{"kty": "EC", "crv": "P-256", "x": client.jwk["x"], "y": client.jwk["x"]}}, nil)}, 400},
		{"a small RSA key", []string{make(map[string]any{"alg": "RS256", "jwk": map[string]any{"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, nil)}, 400},
	} {
		res, got := askWithProof(t, iss, machine, tt.proofs...)
		if res.StatusCode != tt.want || tt.want == 400 && got["error"] != "invalid_dpop_proof" {
			t.Errorf("token with a proof that is %s = %d %v, want %d", tt.name, res.StatusCode, got, tt.want)
		}
	}
	iss.Advance(2 * time.Minute)
	if res, _ := askWithProof(t, iss, machine, good); res.StatusCode != http.StatusBadRequest {
		t.Errorf("token with a proof that was forgotten = %d, want 400: it is too old", res.StatusCode)
	}
}

func TestNonceForProofs(t *testing.T) {
	t.Parallel()

	cfg := mockissuer.Demo()
	cfg.DPoPNonces = true
	iss := open(t, cfg)
	client := newProver(t)
	res, got := askWithProof(t, iss, machine, client.proof(t, iss, "POST", tenant+"oauth/token", nil, nil))
	nonce := res.Header.Get("DPoP-Nonce")
	if res.StatusCode != http.StatusBadRequest || got["error"] != "use_dpop_nonce" || nonce == "" {
		t.Errorf("a proof without a nonce = %d %v, nonce %q, want 400 use_dpop_nonce and one", res.StatusCode, got, nonce)
	}
	proof := client.proof(t, iss, "POST", tenant+"oauth/token", nil, map[string]any{"nonce": nonce})
	if res, got := askWithProof(t, iss, machine, proof); res.StatusCode != http.StatusOK {
		t.Errorf("a proof with the nonce = %d %v, want 200", res.StatusCode, got)
	}
}

func TestBoundUserTokens(t *testing.T) {
	t.Parallel()

	const endpoint = tenant + "oauth/token"
	for _, opaque := range []bool{false, true} {
		iss := open(t, mockissuer.Demo())
		client, thief := newProver(t), newProver(t)
		p := visit().with(params{"dpop_jkt": client.thumbprint()})
		if opaque {
			p = p.with(params{"audience": ""})
		}

		if res, _ := askWithProof(t, iss, exchange(codeFor(t, iss, p)), thief.proof(t, iss, "POST", endpoint, nil, nil)); res.StatusCode != http.StatusForbidden {
			t.Errorf("a code for another key = %d, want 403", res.StatusCode)
		}
		if res, _ := askToken(t, iss, exchange(codeFor(t, iss, p))); res.StatusCode != http.StatusForbidden {
			t.Errorf("a code for a key, without a proof = %d, want 403", res.StatusCode)
		}
		_, got := askWithProof(t, iss, exchange(codeFor(t, iss, p)), client.proof(t, iss, "POST", endpoint, nil, nil))
		token, _ := got["access_token"].(string)
		if token == "" {
			t.Fatalf("a code with its key = %v, want a token", got)
		}
		if res, _ := askWithProof(t, iss, refreshing(got), thief.proof(t, iss, "POST", endpoint, nil, nil)); res.StatusCode != http.StatusForbidden {
			t.Errorf("refreshing with another key = %d, want 403", res.StatusCode)
		}
		if res, _ := askToken(t, iss, refreshing(got)); res.StatusCode != http.StatusForbidden {
			t.Errorf("refreshing without a proof = %d, want 403", res.StatusCode)
		}

		sum := sha256.Sum256([]byte(token))
		hash := map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])}
		for _, tt := range []struct {
			name, scheme, proof string
			want                int
		}{
			{"its proof", "DPoP", client.proof(t, iss, "GET", tenant+"userinfo", nil, hash), 200},
			{"no proof", "DPoP", "", 401},
			{"no proof, as a bearer token", "Bearer", "", 401},
			{"its proof, as a bearer token", "Bearer", client.proof(t, iss, "GET", tenant+"userinfo", nil, hash), 401},
			{"another key", "DPoP", thief.proof(t, iss, "GET", tenant+"userinfo", nil, hash), 401},
			{"a proof for no token", "DPoP", client.proof(t, iss, "GET", tenant+"userinfo", nil, nil), 401},
			{"a proof for another method", "DPoP", client.proof(t, iss, "POST", tenant+"userinfo", nil, hash), 401},
		} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tenant+"userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", tt.scheme+" "+token)
			if tt.proof != "" {
				req.Header.Set("DPoP", tt.proof)
			}
			res, _ := do(t, iss, req)
			if challenge := res.Header.Get("WWW-Authenticate"); res.StatusCode != tt.want || (challenge == "") != (tt.want == 200) {
				t.Errorf("userinfo (opaque %v) with %s = %d, challenge %q, want %d", opaque, tt.name, res.StatusCode, challenge, tt.want)
			}
		}

		caller := params{"client_id": "demo-client", "client_secret": "demo-secret", "token": token}
		_, answer := post(t, iss, tenant+"oauth2/introspect", formType, caller.form())
		cnf, _ := answer["cnf"].(map[string]any)
		if answer["token_type"] != "DPoP" || cnf["jkt"] != client.thumbprint() {
			t.Errorf("introspection (opaque %v) = %v, want a token bound to %s", opaque, answer, client.thumbprint())
		}
	}
}
