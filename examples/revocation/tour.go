package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// A journal prints what happens, and when.
type journal struct {
	begun time.Time

	mu  sync.Mutex
	out io.Writer
}

func (j *journal) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	ms := float64(time.Since(j.begun).Microseconds()) / 1000
	fmt.Fprintf(j.out, "%9.1f ms  %s\n", ms, fmt.Sprintf(format, args...))
}

func tour(ctx context.Context, out io.Writer, redisAddr string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	// The API is told the issuer's URL, and the issuer the API's.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuerURL := "http://" + listener.Addr().String() + "/"
	var apis []string
	for range 2 {
		api, stop, err := startAPI(ctx, redisAddr, issuerURL)
		if err != nil {
			return err
		}
		defer stop()
		apis = append(apis, api)
	}
	cfg := mockissuer.Demo()
	cfg.URL = issuerURL
	cfg.Clients[1].BackChannelLogoutURI = apis[0] + "/logout" // of demo-app
	issuer, err := mockissuer.New(cfg)
	if err != nil {
		return err
	}
	defer issuer.Close()
	server := &http.Server{Handler: issuer, ReadHeaderTimeout: 5 * time.Second}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // ends with Close

	j := &journal{begun: time.Now(), out: out}
	token, session, err := signIn(ctx, issuerURL)
	if err != nil {
		return err
	}
	j.say("auth0|alice signs in: session %s...", session[:8])
	for n, api := range apis {
		if err := until(ctx, api, token, http.StatusOK); err != nil { // once it has the issuer's keys and the rules
			return err
		}
		j.say("process %d: GET /orders: 200", n+1)
	}
	stream, err := get(ctx, apis[1]+"/news", token)
	if err != nil {
		return err
	}
	defer stream.Body.Close()
	j.say("process 2: GET /news: %d, and stays open", stream.StatusCode)

	var wg sync.WaitGroup
	errs := make([]error, 3)
	j.begun = time.Now()
	issuer.RevokeSession(session)
	j.say("the issuer revokes the session, and sends a logout token to process 1; the clock begins again")
	for n, api := range apis {
		wg.Go(func() {
			errs[n] = until(ctx, api, token, http.StatusUnauthorized)
			j.say("process %d: GET /orders: 401", n+1)
		})
	}
	wg.Go(func() {
		_, errs[2] = io.Copy(io.Discard, stream.Body)
		j.say("process 2: the stream of GET /news ends")
	})
	wg.Wait()
	return errors.Join(errs...)
}

// startAPI starts a process of the API.
func startAPI(ctx context.Context, redisAddr, issuer string) (url string, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	process := exec.CommandContext(ctx, program, "api", redisAddr, issuer)
	process.Stderr = os.Stderr
	stdout, err := process.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := process.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("the API doesn't start: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
}

// signIn is what the client demo-app does in a browser (RFC 6749, Section 4.1,
// with RFC 7636). It returns the access token, and the session of the ID token.
func signIn(ctx context.Context, issuer string) (token, session string, err error) {
	const verifier, callback = "a-verifier-that-is-at-least-43-characters-long", "http://127.0.0.1/callback"
	challenge := sha256.Sum256([]byte(verifier))
	res, err := get(ctx, issuer+"authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {"demo-app"}, "redirect_uri": {callback}, "state": {"s"},
		"scope": {"openid orders:read"}, "audience": {mockissuer.DefaultAudience},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode(), "")
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	back, err := res.Location()
	if err != nil {
		return "", "", err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"demo-app"}, "redirect_uri": {callback},
		"code": {back.Query().Get("code")}, "code_verifier": {verifier},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&tokens); err != nil {
		return "", "", err
	}
	// A real client verifies the ID token. See package idtoken.
	var claims struct {
		Session string `json:"sid"`
	}
	_, rest, _ := strings.Cut(tokens.ID, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", "", err
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return "", "", err
	}
	if len(claims.Session) < 8 {
		return "", "", errors.New("the ID token has no sid")
	}
	return tokens.Access, claims.Session, nil
}

// until calls an API until it responds with this status.
func until(ctx context.Context, api, token string, status int) error {
	for {
		res, err := get(ctx, api+"/orders", token)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode == status {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s responds with %d, want %d", api, res.StatusCode, status)
		case <-time.After(200 * time.Microsecond):
		}
	}
}

func get(ctx context.Context, target, token string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(req)
}
