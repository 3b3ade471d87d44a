package dpop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/dpop"
	"github.com/rsguard/rsguard/validator"
)

const bad = validator.CodeProof

func TestVerify(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("x", 256)
	private := object{"d": "AAAA"}
	all := func(cfg *dpop.Config) {
		cfg.Algorithms = []validator.Algorithm{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"}
	}
	only := func(alg validator.Algorithm) func(*dpop.Config) {
		return func(cfg *dpop.Config) { cfg.Algorithms = []validator.Algorithm{alg} }
	}
	es, rs, ps := esKey(), rsaKey(), pssKey()

	for _, tt := range []struct {
		name           string
		key            clientKey // the zero one is edKey
		header, claims object
		config         func(*dpop.Config)
		want           validator.Code
	}{
		{name: "good"},
		{name: "ES256", key: es},
		{name: "RS256", key: rs},
		{name: "PS256", key: ps},
		{name: "ES384 is not among the defaults", key: es384(), want: bad},
		{name: "ES384 allowed", key: es384(), config: all},
		{name: "ES512 allowed", key: es512(), config: all},
		{name: "EdDSA not allowed", config: only("ES256"), want: bad},
		{name: "Ed25519, which is EdDSA", header: object{"alg": "Ed25519"}},
		{name: "a key whose alg is Ed25519", header: object{"alg": "Ed25519", "jwk": edKey.with(object{"alg": "Ed25519"})}},
		{name: "Ed25519 where it alone is allowed", header: object{"alg": "Ed25519"}, config: only("Ed25519")},
		{name: "EdDSA where Ed25519 alone is allowed", config: only("Ed25519"), want: bad},
		{name: "EdDSA by a key whose alg is Ed25519", header: object{"jwk": edKey.with(object{"alg": "Ed25519"})}},
		{name: "Ed25519 by a key whose alg is EdDSA", header: object{"alg": "Ed25519", "jwk": edKey.with(object{"alg": "EdDSA"})}},
		{name: "Ed25519 where EdDSA is not allowed", header: object{"alg": "Ed25519"}, config: only("ES256"), want: bad},
		{name: "Ed25519 by a key of another type", key: es, header: object{"alg": "Ed25519"}, want: bad},
		{name: "Ed448", header: object{"alg": "Ed448"}, want: bad},
		{name: "ES256 alone allowed", key: es, config: only("ES256")},

		{name: "no typ", header: object{"typ": nil}, want: bad},
		{name: "typ JWT", header: object{"typ": "JWT"}, want: bad},
		{name: "typ at+jwt", header: object{"typ": "at+jwt"}, want: bad},
		{name: "typ in capitals", header: object{"typ": "DPoP+jwt"}, want: bad},
		{name: "typ with application/", header: object{"typ": "application/dpop+jwt"}, want: bad},
		{name: "typ a number", header: object{"typ": 1}, want: bad},
		{name: "alg none", header: object{"alg": "none"}, want: bad},
		{name: "alg HS256", header: object{"alg": "HS256"}, config: all, want: bad},
		{name: "alg of another key", header: object{"alg": "ES256"}, want: bad},
		{name: "alg of another family", key: rs, header: object{"alg": "PS256"}, want: bad},
		{name: "alg of another curve", key: es, header: object{"alg": "ES384"}, config: all, want: bad},
		{name: "no alg", header: object{"alg": nil}, want: bad},
		{name: "alg a number", header: object{"alg": 256}, want: bad},
		{name: "crit", header: object{"crit": []string{"exp"}}, want: bad},
		{name: "crit empty", header: object{"crit": []string{}}, want: bad},
		{name: "b64 false", header: object{"b64": false}, want: bad},
		{name: "b64 true", header: object{"b64": true}},
		{name: "kid", header: object{"kid": "k"}},
		{name: "kid a number", header: object{"kid": 1}, want: bad},
		{name: "x5u beside jwk is not looked at", header: object{"x5u": "https://evil.example/"}},
		{name: "an unknown header parameter", header: object{"future": true}},

		{name: "no jwk", header: object{"jwk": nil}, want: bad},
		{name: "only a kid", header: object{"jwk": nil, "kid": "k"}, want: bad},
		{name: "jwk a string", header: object{"jwk": edKey.jwk().json(t)}, want: bad},
		{name: "jwk in an array", header: object{"jwk": []any{edKey.jwk()}}, want: bad},
		{name: "jwk empty", header: object{"jwk": object{}}, want: bad},
		{name: "jwk a set", header: object{"jwk": object{"keys": []any{edKey.jwk()}}}, want: bad},
		{name: "jwk with d", header: object{"jwk": edKey.with(private)}, want: bad},
		{name: "EC jwk with d", key: es, header: object{"jwk": es.with(private)}, want: bad},
		{name: "RSA jwk with d", key: rs, header: object{"jwk": rs.with(private)}, want: bad},
		{name: "RSA jwk with p", key: rs, header: object{"jwk": rs.with(object{"p": "AAAA"})}, want: bad},
		{name: "RSA jwk with oth", key: rs, header: object{"jwk": rs.with(object{"oth": []any{}})}, want: bad},
		{name: "jwk with k", header: object{"jwk": edKey.with(object{"k": "AAAA"})}, want: bad},
		{name: "jwk symmetric", header: object{"jwk": object{"kty": "oct", "k": "AAAA"}}, want: bad},
		{name: "jwk with a member of another type", header: object{"jwk": edKey.with(object{"n": "AAAA"})}},
		{name: "jwk of Ed25519 with y", header: object{"jwk": edKey.with(object{"y": "AAAA"})}},
		{name: "jwk with an unknown member", header: object{"jwk": edKey.with(object{"future": 1})}},
		{name: "jwk with x5c", header: object{"jwk": edKey.with(object{"x5c": []any{}})}},
		{name: "jwk as browsers export it", key: es, header: object{"jwk": es.with(object{"ext": true, "key_ops": []string{"verify"}})}},
		{name: "jwk with x5u", header: object{"jwk": edKey.with(object{"x5u": "https://attacker.example/"})}},
		{name: "jwk with x5t#S256 and x5t", key: es, header: object{"jwk": es.with(object{"x5t#S256": "AA", "x5t": 1})}},
		{name: "jwk with an extension", key: rs, header: object{"jwk": rs.with(object{"https://wallet.example/key": object{"d": "AA"}})}},
		{name: "jwk with an unknown member, and d", header: object{"jwk": edKey.with(object{"future": 1, "d": "AA"})}, want: bad},
		{name: "jwk with alg, use and kid", header: object{"jwk": edKey.with(object{"alg": "EdDSA", "use": "sig", "kid": "k"})}},
		{name: "jwk with another alg", key: rs, header: object{"jwk": rs.with(object{"alg": "PS256"})}, want: bad},
		{name: "jwk for encryption", header: object{"jwk": edKey.with(object{"use": "enc"})}, want: bad},
		{name: "jwk for signing only", header: object{"jwk": edKey.with(object{"key_ops": []string{"sign"}})}, want: bad},
		{name: "jwk without kty", header: object{"jwk": edKey.with(object{"kty": nil})}, want: bad},
		{name: "jwk without x", header: object{"jwk": edKey.with(object{"x": nil})}, want: bad},
		{name: "jwk with KTY", header: object{"jwk": edKey.with(object{"kty": nil, "KTY": "OKP"})}, want: bad},
		{name: "jwk of another curve by name", key: es, header: object{"jwk": es.with(object{"crv": "P-384"})}, want: bad},
		{name: "jwk of X25519", header: object{"jwk": edKey.with(object{"crv": "X25519"})}, want: bad},
		{name: "jwk with padding", header: object{"jwk": edKey.with(object{"x": edKey.jwk()["x"].(string) + "="})}, want: bad},
		{name: "jwk not on the curve", key: es, header: object{"jwk": es.with(object{"y": es.jwk()["x"]})}, want: bad},
		{name: "jwk of zeros", key: es, header: object{"jwk": es.with(object{"x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))})}, want: bad},
		{name: "jwk of small order", header: object{"jwk": edKey.with(object{"x": b64(make([]byte, 32))})}, want: bad},
		{name: "another key of the same kind", key: es, header: object{"jwk": ecdsaKey("ES256", elliptic.P256()).jwk()}, want: bad},

		{name: "no jti", claims: object{"jti": nil}, want: bad},
		{name: "jti empty", claims: object{"jti": ""}, want: bad},
		{name: "jti a number", claims: object{"jti": 7}, want: bad},
		{name: "jti of 256 bytes", claims: object{"jti": long}},
		{name: "jti of 257 bytes", claims: object{"jti": long + "x"}, want: bad},
		{name: "no htm", claims: object{"htm": nil}, want: bad},
		{name: "htm of another method", claims: object{"htm": "GET"}, want: bad},
		{name: "htm in lower case", claims: object{"htm": "post"}, want: bad},
		{name: "htm a list", claims: object{"htm": []string{"POST"}}, want: bad},
		{name: "htm with a space", claims: object{"htm": "POST "}, want: bad},
		{name: "no htu", claims: object{"htu": nil}, want: bad},
		{name: "htu another path", claims: object{"htu": url + "/1"}, want: bad},
		{name: "htu with a slash more", claims: object{"htu": url + "/"}, want: bad},
		{name: "htu a path alone", claims: object{"htu": "/orders"}, want: bad},
		{name: "htu a number", claims: object{"htu": 1}, want: bad},
		{name: "htu in another spelling", claims: object{"htu": "HTTPS://API.example.com:443/x/../%6frders?page=2#top"}},
		{name: "no iat", claims: object{"iat": nil}, want: bad},
		{name: "iat a string", claims: object{"iat": "1700000000"}, want: bad},
		{name: "iat null", claims: object{"iat": raw("null")}, want: bad},
		{name: "iat in milliseconds", claims: object{"iat": t0.UnixMilli()}, want: bad},
		{name: "iat huge", claims: object{"iat": raw("1e400")}, want: bad},
		{name: "iat with a fraction", claims: object{"iat": raw("1699999999.5")}},
		{name: "iat 60 s ago", claims: object{"iat": t0.Unix() - 60}},
		{name: "iat 61 s ago", claims: object{"iat": t0.Unix() - 61}, want: bad},
		{name: "iat in 30 s", claims: object{"iat": t0.Unix() + 30}},
		{name: "iat in 31 s", claims: object{"iat": t0.Unix() + 31}, want: bad},
		{name: "iat in 1 s without leeway", claims: object{"iat": t0.Unix() + 1}, config: func(c *dpop.Config) { c.Leeway = -1 }, want: bad},
		{name: "iat now without leeway", config: func(c *dpop.Config) { c.Leeway = -1 }},
		{name: "iat at a MaxAge of its own", claims: object{"iat": t0.Unix() - 300}, config: func(c *dpop.Config) { c.MaxAge = 5 * time.Minute }},
		{name: "iat over a MaxAge of its own", claims: object{"iat": t0.Unix() - 11}, config: func(c *dpop.Config) { c.MaxAge = 10 * time.Second }, want: bad},
		{name: "exp within leeway", claims: object{"exp": t0.Unix() - 29}},
		{name: "exp at the end of leeway", claims: object{"exp": t0.Unix() - 30}, want: bad},
		{name: "exp a string", claims: object{"exp": "never"}, want: bad},
		{name: "nbf within leeway", claims: object{"nbf": t0.Unix() + 30}},
		{name: "nbf in the future", claims: object{"nbf": t0.Unix() + 31}, want: bad},
		{name: "no ath", claims: object{"ath": nil}, want: bad},
		{name: "ath empty", claims: object{"ath": ""}, want: bad},
		{name: "ath of another token", claims: object{"ath": hashOf(token + "x")}, want: bad},
		{name: "ath with padding", claims: object{"ath": hashOf(token) + "="}, want: bad},
		{name: "ath null", claims: object{"ath": raw("null")}, want: bad},
		{name: "ath is the token", claims: object{"ath": token}, want: bad},
		{name: "a nonce that nobody demands", claims: object{"nonce": "n"}},
		{name: "a nonce that is a number", claims: object{"nonce": 1}, want: bad},
		{name: "an unknown claim", claims: object{"future": object{"a": []int{1}}}},
		{name: "iss and aud are not looked at", claims: object{"iss": "x", "aud": 7}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			key := tt.key
			if key.private == nil {
				key = edKey
			}
			proof := key.proof(t, tt.header, tt.claims)
			v := newVerifier(t, tt.config)
			_, first := v.Verify(request(proof))
			spoil(first)
			got, err := v.Verify(request(proof))
			if validator.CodeOf(err) != tt.want {
				t.Errorf("Verify(%s) error = %v, want code %q", cut(proof), err, tt.want)
			}
			if (got != nil) != (tt.want == "") {
				t.Errorf("Verify(%s) = %v, want a proof if, and only if, there is no error", cut(proof), got)
			}
		})
	}
}

// spoil changes an error as its owner may, which is nothing to the next
// request.
func spoil(err error) {
	if e, ok := err.(*validator.Error); ok {
		*e = validator.Error{Code: "spoiled"}
	}
}

// raw is JSON text.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// What JSON can't be written for by a library, and what isn't JSON.
func TestVerify_spelling(t *testing.T) {
	t.Parallel()

	key := esKey()
	header := object{"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()}.json(t)
	payload := goodClaims(nil).json(t)
	good := key.signed(t, header, payload)
	parts := strings.Split(good, ".")
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	withSignature := func(s []byte) string { return parts[0] + "." + parts[1] + "." + b64(s) }
	before := func(text, member string) string { return "{" + member + "," + text[1:] }
	_, otherTwin := twins(t, key, signature)

	for _, tt := range []struct {
		name   string
		proofs []string
		want   validator.Code
	}{
		{"good", []string{good}, ""},
		{"none", nil, bad},
		{"several", []string{good, good}, bad},
		{"a good one and an empty one", []string{good, ""}, bad},
		{"an empty one", []string{""}, bad},
		{"a list", []string{good + ", " + good}, bad},
		{"a scheme before it", []string{"DPoP " + good}, bad},
		{"a space after it", []string{good + " "}, bad},
		{"a line break in it", []string{parts[0] + "." + parts[1] + "\n." + parts[2]}, bad},
		{"two parts", []string{parts[0] + "." + parts[1]}, bad},
		{"four parts", []string{good + "." + parts[2]}, bad},
		{"an empty signature", []string{parts[0] + "." + parts[1] + "."}, bad},
		{"padding", []string{good + "="}, bad},
		{"the standard alphabet", []string{strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+"}, bad},
		{"a signature with a bit changed", []string{withSignature(flip(signature, 40))}, bad},
		{"a signature of zeros", []string{withSignature(make([]byte, 64))}, bad},
		{"a signature that is too short", []string{withSignature(signature[:63])}, bad},
		{"a signature that is too long", []string{withSignature(append(signature[:64:64], 0))}, bad},
		{"a signature of another key", []string{parts[0] + "." + parts[1] + "." + strings.Split(ecdsaKey("ES256", elliptic.P256()).signed(t, header, payload), ".")[2]}, bad},
		{"the signature's twin", []string{withSignature(otherTwin)}, ""},
		{"the payload of another proof", []string{parts[0] + "." + b64([]byte(goodClaims(object{"jti": "2"}).json(t))) + "." + parts[2]}, bad},
		{"jwk twice", []string{key.signed(t, before(header, `"jwk":`+key.jwk().json(t)), payload)}, bad},
		{"a coordinate twice", []string{key.signed(t, strings.Replace(header, `"kty":"EC"`, `"kty":"EC","kty":"EC"`, 1), payload)}, bad},
		{"alg twice", []string{key.signed(t, before(header, `"alg":"none"`), payload)}, bad},
		{"htu twice", []string{key.signed(t, header, before(payload, `"htu":"https://evil.example/"`))}, bad},
		{"jti twice, once with an escape", []string{key.signed(t, header, before(payload, `"\u006ati":"id-1"`))}, bad},
		{"a name with an escape", []string{key.signed(t, header, strings.Replace(payload, `"jti"`, `"\u006ati"`, 1))}, ""},
		{"HTU beside htu", []string{key.signed(t, header, before(payload, `"HTU":"https://evil.example/"`))}, ""},
		{"HTU in place of htu", []string{key.signed(t, header, strings.Replace(payload, `"htu"`, `"HTU"`, 1))}, bad},
		{"something after the claims", []string{key.signed(t, header, payload+"{}")}, bad},
		{"claims in an array", []string{key.signed(t, header, "["+payload+"]")}, bad},
		{"not UTF-8", []string{key.signed(t, header, before(payload, "\"x\":\"\xff\""))}, bad},
		{"claims that are not JSON", []string{key.signed(t, header, "payload")}, bad},
		{"over 8 KiB", []string{key.signed(t, header, before(payload, `"x":"`+strings.Repeat("x", 6000)+`"`))}, bad},
		{"under 8 KiB", []string{key.signed(t, header, before(payload, `"x":"`+strings.Repeat("x", 5000)+`"`))}, ""},
		{"a header over 4 KiB", []string{key.signed(t, before(header, `"x":"`+strings.Repeat("x", 3000)+`"`), payload)}, bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			if _, err := newVerifier(t, nil).Verify(request(tt.proofs...)); validator.CodeOf(err) != tt.want {
				t.Errorf("Verify() error = %v, want code %q", err, tt.want)
			}
		})
	}
}

// twins returns the two ECDSA signatures that are good for one message.
func twins(t *testing.T, key clientKey, signature []byte) (one, other []byte) {
	t.Helper()
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(key.private.(*ecdsa.PrivateKey).Params().N, s)
	return signature, append(signature[:32:32], s.FillBytes(make([]byte, 32))...)
}

// A proof is for one request.
func TestVerify_request(t *testing.T) {
	t.Parallel()

	proof := edKey.proof(t, nil, nil)
	for _, tt := range []struct {
		name    string
		request dpop.Request
		want    validator.Code
	}{
		{"its own", to(method, url, token, proof), ""},
		{"with a query", to(method, url+"?page=2", token, proof), ""},
		{"with another spelling of the host", to(method, "https://API.EXAMPLE.COM:443/orders", token, proof), ""},
		{"by another method", to("PUT", url, token, proof), bad},
		{"by no method", to("", url, token, proof), bad},
		{"for another host", to(method, "https://api.example.org/orders", token, proof), bad},
		{"by http", to(method, "http://api.example.com/orders", token, proof), bad},
		{"at another port", to(method, "https://api.example.com:8443/orders", token, proof), bad},
		{"for another path", to(method, "https://api.example.com/Orders", token, proof), bad},
		{"for no URL", to(method, "", token, proof), bad},
		{"with another token", to(method, url, token+"x", proof), bad},
		{"with no token", to(method, url, "", proof), bad},
		{"with no token, and a proof for none", to(method, url, "", edKey.proof(t, nil, object{"ath": hashOf("")})), bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			if _, err := newVerifier(t, nil).Verify(tt.request); validator.CodeOf(err) != tt.want {
				t.Errorf("Verify(%s %s) error = %v, want code %q", tt.request.Method, tt.request.URL, err, tt.want)
			}
		})
	}
}

// The text of an error names what is wrong, also where something else would be
// found wrong next.
func TestVerify_text(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		header, claims object
		want           string
	}{
		{nil, object{"iat": nil}, "iat is missing"},
		{nil, object{"iat": t0.Unix() - 90}, "issued 1m30s ago, over 1m0s"},
		{nil, object{"jti": ""}, "jti is missing"},
		{nil, object{"htm": "GET"}, `htm is "GET", and the method is "POST"`},
		{nil, object{"htu": "http://api.example.com/orders"}, `htu is of "http://api.example.com", and the request was sent to "https://api.example.com"`},
		{nil, object{"htu": "https://api.example.com/"}, "htu has another path"},
		{object{"typ": "JWT"}, nil, `typ is "JWT", not dpop+jwt`},
		{object{"alg": "RS512"}, nil, `alg is "RS512", want one of`},
		{object{"jwk": edKey.with(object{"d": "AA"})}, nil, `jwk: not a public key: it has "d"`},
		{object{"crit": []string{}}, nil, `"crit"`},
	} {
		_, err := newVerifier(t, nil).Verify(request(edKey.proof(t, tt.header, tt.claims)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Verify(a proof with %v, %v) error = %v, want %q in it", tt.header, tt.claims, err, tt.want)
		}
	}
}

// The text of an error is for the log, and says nothing of the path, the token
// or the key.
func TestVerify_silence(t *testing.T) {
	t.Parallel()

	const secret = "secret-31415926"
	proof := edKey.proof(t, nil, object{"htu": "https://api.example.com/" + secret, "jti": secret, "ath": secret, "nonce": secret})
	for _, r := range []dpop.Request{
		to(method, "https://api.example.com/other", token, proof),
		to(method, "https://api.example.org/other-"+secret, token, proof),
		to(method, "https://api.example.com/"+secret, secret, proof),
		to("GET", "https://api.example.com/"+secret, secret, proof),
	} {
		_, err := newVerifier(t, nil).Verify(r)
		if err == nil {
			t.Errorf("Verify(%s %s) error = nil", r.Method, r.URL)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("Verify(%s %s) error = %v, want nothing of %s in it", r.Method, r.URL, err, secret)
		}
	}
}

// What a stranger can make us do is bounded: keys that cost more are refused
// before they are used.
func TestVerify_size(t *testing.T) {
	t.Parallel()

	modulus := func(bits int) []byte {
		n := make([]byte, bits/8)
		n[0], n[len(n)-1] = 0x80, 1
		return n
	}
	for _, tt := range []struct {
		bits, e int
		want    string // in the text: the key isn't that of the signature
	}{
		{2040, 65537, "2040 bits"},
		{2048, 65537, "signature"},
		{4096, 65537, "signature"},
		{4104, 65537, "over 4096 bits"},
		{8192, 65537, "over 4096 bits"},
		{2048, 3, "signature"},
		{2048, 1, "exponent"},
		{2048, 65539, "exponent over 65537"},
		{2048, 1<<31 - 1, "exponent over 65537"},
	} {
		key := rsaKey()
		jwk := object{"kty": "RSA", "n": b64(modulus(tt.bits)), "e": b64(big.NewInt(int64(tt.e)).Bytes())}
		_, err := newVerifier(t, nil).Verify(request(key.proof(t, object{"jwk": jwk}, nil)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Verify(a proof by a key of %d bits with the exponent %d) error = %v, want %q in it", tt.bits, tt.e, err, tt.want)
		}
	}
}
