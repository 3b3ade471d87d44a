package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"golang.org/x/oauth2"

	"github.com/rsguard/rsguard/idtoken"
)

// An app logs users in, and calls the API in their name.
type app struct {
	oauth  oauth2.Config
	logins *idtoken.Verifier
	client *http.Client // of the issuer and the API
	api    string

	mu       sync.Mutex
	sessions map[string]*session // by the browser's cookie
}

// A session is what the app knows of a browser.
type session struct {
	state, nonce, verifier string // of a login that has begun

	user   *idtoken.Claims
	tokens oauth2.TokenSource // renews the access token when it has ended
}

const cookie = "__Host-session"

func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("GET /orders", a.orders)
	return mux
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	id, s := rand.Text(), &session{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	a.mu.Lock()
	a.sessions[id] = s
	a.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, a.oauth.AuthCodeURL(s.state, oauth2.S256ChallengeOption(s.verifier),
		oauth2.SetAuthURLParam("nonce", s.nonce), oauth2.SetAuthURLParam("audience", audience)), http.StatusFound)
}

func (a *app) callback(w http.ResponseWriter, r *http.Request) {
	s, begun := a.session(r)
	if s == nil || begun.state == "" || r.FormValue("state") != begun.state {
		http.Error(w, "this browser has begun no such login", http.StatusBadRequest)
		return
	}
	user, tokens, err := a.redeem(r.Context(), r.FormValue("code"), begun)
	if err != nil {
		http.Error(w, "the login has failed", http.StatusUnauthorized) // a log gets err
		return
	}
	a.mu.Lock()
	*s = session{user: user, tokens: tokens} // a state and a nonce are used once
	a.mu.Unlock()
	var profile struct {
		Name string `json:"name"`
	}
	_ = user.Decode(&profile)
	fmt.Fprintf(w, "%s has signed in", profile.Name)
}

// redeem exchanges the code, and verifies who has signed in.
func (a *app) redeem(ctx context.Context, code string, begun session) (*idtoken.Claims, oauth2.TokenSource, error) {
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, a.client) // the source renews with it later
	token, err := a.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.verifier))
	if err != nil {
		return nil, nil, err
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, nil, errors.New("there is no ID token: request the scope openid")
	}
	user, err := a.logins.Verify(ctx, raw, idtoken.Expected{Nonce: begun.nonce, AccessToken: token.AccessToken})
	if err != nil {
		return nil, nil, err
	}
	return user, a.oauth.TokenSource(ctx, token), nil
}

func (a *app) orders(w http.ResponseWriter, r *http.Request) {
	_, s := a.session(r)
	if s.tokens == nil {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	token, err := s.tokens.Token()
	if err != nil {
		http.Error(w, "sign in again", http.StatusUnauthorized)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, a.api+"/orders", nil)
	if err != nil {
		http.Error(w, "no request", http.StatusInternalServerError)
		return
	}
	token.SetAuthHeader(req)
	res, err := a.client.Do(req)
	if err != nil {
		http.Error(w, "the API does not answer", http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// session returns the browser's session, and a copy of what is in it.
func (a *app) session(r *http.Request) (*session, session) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil, session{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.sessions[c.Value]
	if s == nil {
		return nil, session{}
	}
	return s, *s
}
