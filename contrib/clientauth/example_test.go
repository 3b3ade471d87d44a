package clientauth_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/rsguard/rsguard/contrib/clientauth"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func Example() {
	iss, err := mockissuer.Start(mockissuer.Demo()) // in place of the real issuer
	if err != nil {
		log.Fatal(err)
	}
	defer iss.Close()

	v, err := validator.New(validator.Config{Issuers: []string{iss.URL}, Audiences: []string{"https://api.example.com"}})
	if err != nil {
		log.Fatal(err)
	}
	key, err := clientauth.NewKey(nil)
	if err != nil {
		log.Fatal(err)
	}
	client, err := clientauth.New(clientauth.Config{
		Issuer: iss.URL, ClientID: "demo-client", Auth: clientauth.ClientSecretPost("demo-secret"), Key: key, Validator: v,
	})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := client.Source(clientauth.Request{Audience: "https://api.example.com", Organization: "demo"})
	if err != nil {
		log.Fatal(err)
	}
	token, err := tokens.TokenContext(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.TokenType, token.Extra("scope"))

	wrong, err := client.Source(clientauth.Request{Audience: "https://unknown.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = wrong.TokenContext(context.Background())
	var e *clientauth.Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, e.OAuthError)
	}
	// Output:
	// DPoP orders:read orders:write
	// rejected access_denied
}
