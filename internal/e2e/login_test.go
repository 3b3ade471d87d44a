package e2e_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/idtoken"
	"github.com/rsguard/rsguard/validator"
)

var errAtCallback = errors.New("at the callback")

// A user signs in at oidc-provider by its own pages. The ID token is accepted
// for that login alone, and so is the renewed one.
func TestLogin(t *testing.T) {
	t.Parallel()

	s := startOpaqueServer(t)
	logins, err := idtoken.New(idtoken.Config{Issuers: []string{s.Issuer}, ClientID: "web"})
	if err != nil {
		t.Fatal(err)
	}
	web := oauth2.Config{
		ClientID: "web", RedirectURL: "http://127.0.0.1/callback", Scopes: []string{"openid", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: s.Issuer + "/auth", TokenURL: s.Issuer + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	const nonce = "n-0S6_WzA2Mj"
	verifier := oauth2.GenerateVerifier()
	code := signIn(t, web.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier),
		oauth2.SetAuthURLParam("nonce", nonce), oauth2.SetAuthURLParam("prompt", "consent"), oauth2.SetAuthURLParam("max_age", "300")))
	first, err := web.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := first.Extra("id_token").(string)
	user, err := logins.Verify(t.Context(), raw, idtoken.Expected{Nonce: nonce, AccessToken: first.AccessToken, MaxAge: 5 * time.Minute})
	if err != nil {
		t.Fatalf("Verify() error = %v", err)
	}
	if user.Subject != "alice" || user.Issuer != s.Issuer || user.AuthTime.IsZero() {
		t.Errorf("Verify() = %+v, want alice", user)
	}
	for name, expected := range map[string]idtoken.Expected{
		"another nonce":            {Nonce: nonce + "x"},
		"no nonce":                 {},
		"another user before":      {Previous: &idtoken.Claims{Issuer: s.Issuer, Subject: "bob", Audience: []string{"web"}, Nonce: nonce}},
		"a nonce where none is so": {InsecureNoNonce: true},
	} {
		if _, err := logins.Verify(t.Context(), raw, expected); validator.CodeOf(err) != validator.CodeBinding {
			t.Errorf("Verify(%s) error = %v, want %q", name, err, validator.CodeBinding)
		}
	}

	renewed, err := web.TokenSource(t.Context(), &oauth2.Token{RefreshToken: first.RefreshToken}).Token()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ = renewed.Extra("id_token").(string)
	if _, err := logins.Verify(t.Context(), raw, idtoken.Expected{Previous: user, AccessToken: renewed.AccessToken}); err != nil {
		t.Errorf("Verify(the renewed one) error = %v", err)
	}

	// The refresh token was rotated. If the first one comes again, all end.
	if renewed.RefreshToken == first.RefreshToken || renewed.RefreshToken == "" {
		t.Error("the refresh token was not rotated")
	}
	for _, refresh := range []string{first.RefreshToken, renewed.RefreshToken} {
		_, err := web.TokenSource(t.Context(), &oauth2.Token{RefreshToken: refresh}).Token()
		var refused *oauth2.RetrieveError
		if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
			t.Errorf("renewing after a refresh token was used twice: error = %v, want invalid_grant", err)
		}
	}
}

// signIn is what a browser and its user do, and returns the code.
func signIn(t *testing.T, start string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	callback := ""
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			callback = r.URL.Query().Get("code")
			return errAtCallback
		}
		return nil
	}}
	do := func(method, target string, form url.Values) string {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, target, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := browser.Do(req)
		if errors.Is(err, errAtCallback) {
			return ""
		}
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	action := regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	prompt := regexp.MustCompile(`name="prompt" value="([^"]+)"`)
	page := do(http.MethodGet, start, nil)
	for range 3 {
		if callback != "" {
			return callback
		}
		where, what := action.FindStringSubmatch(page), prompt.FindStringSubmatch(page)
		if where == nil || what == nil {
			break
		}
		page = do(http.MethodPost, where[1], url.Values{"prompt": {what[1]}, "login": {"alice"}, "password": {"x"}})
	}
	if callback == "" {
		t.Fatalf("the last page before the callback is %.2000s", page)
	}
	return callback
}
