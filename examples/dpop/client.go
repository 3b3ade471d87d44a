package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// A client has a key and signs a proof with it for each request. Real clients
// use an OAuth library for this.
type client struct{ key ed25519.PrivateKey }

func (c *client) proof(method, url, token, nonce string) string {
	encode := base64.RawURLEncoding.EncodeToString
	jwk := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": encode(c.key.Public().(ed25519.PublicKey))}
	claims := map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": time.Now().Unix()}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = encode(hash[:])
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	header, _ := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk})
	payload, _ := json.Marshal(claims)
	input := encode(header) + "." + encode(payload)
	return input + "." + encode(ed25519.Sign(c.key, []byte(input)))
}

// tour sends requests as the client and as a thief, and prints each with its
// response.
func tour(ctx context.Context, out io.Writer, issuer, api string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	c := &client{key}
	_, otherKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	thief := &client{otherKey}
	token, err := c.token(ctx, issuer+"oauth/token")
	if err != nil {
		return err
	}

	orders, nonce := api+"/orders", ""
	good := func(c *client) string { return c.proof(http.MethodGet, orders, token, nonce) }
	var proof, body string
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "GET /orders with\tstatus\tWWW-Authenticate")
	for _, request := range []struct {
		what, scheme string
		proof        func() string
	}{
		{"the token and a proof", "DPoP", func() string { return good(c) }},
		{"a proof with the nonce", "DPoP", func() string { proof = good(c); return proof }},
		{"the proof again", "DPoP", func() string { return proof }},
		{"the token alone", "DPoP", func() string { return "" }},
		{"the token as a bearer's", "Bearer", func() string { return "" }},
		{"a thief's proof", "DPoP", func() string { return good(thief) }},
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, orders, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", request.scheme+" "+token)
		if p := request.proof(); p != "" {
			req.Header.Set("DPoP", p)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return err
		}
		if res.StatusCode == http.StatusOK {
			body = string(answer)
		}
		if next := res.Header.Get("DPoP-Nonce"); next != "" {
			nonce = next
		}
		fmt.Fprintf(table, "%s\t%d\t%s\n", request.what, res.StatusCode, res.Header.Get("WWW-Authenticate"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe second got: %s", body)
	return err
}

// token gets a token that is bound to the client's key, because the request
// also has a proof.
func (c *client) token(ctx context.Context, endpoint string) (string, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"},
		"audience": {audience}, "scope": {"orders:read"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("DPoP", c.proof(http.MethodPost, endpoint, "", ""))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.TokenType != "DPoP" {
		return "", fmt.Errorf("%s answered %s with the token type %q, %v", endpoint, res.Status, answer.TokenType, err)
	}
	return answer.AccessToken, nil
}
