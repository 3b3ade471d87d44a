package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// pasted finds the token in a text that a person has copied, and says what kind
// of text it was if it was more than a token. If there is no token, or more
// than one, the error says what the text is. Neither repeats a part of the
// text, since that may be a token.
func pasted(text string) (token, what string, err error) {
	text = strings.TrimSpace(text)
	if token, what, err = unpacked(text); err != nil {
		return "", "", err
	}
	if token == "[object Object]" {
		return "", "", standsForNothing(token)
	}
	tokens := 0
	for field := range strings.FieldsFuncSeq(token, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if looksLike(field) {
			tokens++
		}
	}
	words := strings.Fields(token)
	switch {
	case tokens > 1:
		return "", "", fmt.Errorf("these are %d tokens, and one is explained at a time", tokens)
	case len(words) == 1:
		switch token {
		case "undefined", "null", "None", "nil", "<nil>", "NaN", "false", "{}", "$TOKEN", "${TOKEN}":
			return "", "", standsForNothing(token)
		}
		return token, what, nil
	case looksLike(strings.Join(words, "")):
		return strings.Join(words, ""), "a token that is broken into pieces, here joined", nil
	case tokens == 1:
		return "", "", errors.New("there is more than a token: leave out what stands before and after it")
	}
	return "", "", fmt.Errorf("these are %d words, and a token has no space in it", len(words))
}

var errNothing = errors.New("there is no token: the input is empty")

// unpacked extracts a token from the form in which it was sent or received.
func unpacked(text string) (token, what string, err error) {
	if text == "" {
		return "", "", errNothing
	}
	if token, what, err, ok := response(text); ok {
		return token, what, err
	}
	if token, ok := fromURL(text); ok {
		return token, "a URL, of which this is the access_token", nil
	}
	token = strings.Trim(text, `"'`)
	if token != text {
		what = "a token in quotation marks"
	}
	if _, rest, ok := cutFold(token, "authorization:"); ok {
		token, what = strings.Trim(rest, ` "'`), "an Authorization header, of which this is the token"
	}
	if scheme, rest, ok := strings.Cut(token, " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		token = strings.TrimSpace(rest)
		if what == "" {
			what = "a token after its scheme, " + scheme
		}
	} else if strings.EqualFold(token, "Bearer") || strings.EqualFold(token, "DPoP") {
		return "", "", errors.New("this is the scheme of an Authorization header, without a token after it")
	}
	if token == "" {
		return "", "", errNothing
	}
	return token, what, nil
}

// response reads a token endpoint's response, and reports false if text is not
// a JSON object.
func response(text string) (token, what string, err error, ok bool) {
	var members map[string]any
	if isJSON := json.Unmarshal([]byte(text), &members) == nil; !isJSON || members == nil {
		return "", "", nil, false
	}
	if token, _ := members["access_token"].(string); token != "" {
		return token, "a whole token response, of which this is the access_token", nil, true
	}
	switch code, isError := members["error"].(string); {
	case isError && len(code) <= 64:
		err = fmt.Errorf("this is an error of a token endpoint, %q, and has no token", code)
	case members["payload"] != nil:
		err = errors.New("this is a JWS in its JSON form, and only the compact form, a.b.c, is read")
	case members["id_token"] != nil:
		err = errors.New("this is a token response with an ID token and no access_token: ask for a token for the API")
	default:
		err = errors.New("this is JSON without an access_token")
	}
	return "", "", err, true
}

// fromURL finds the token in a URL to which an issuer has redirected a browser.
func fromURL(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", false
	}
	for _, part := range []string{u.RawFragment, u.EscapedFragment(), u.RawQuery} {
		if values, err := url.ParseQuery(part); err == nil && values.Get("access_token") != "" {
			return values.Get("access_token"), true
		}
	}
	return "", false
}

// standsForNothing reports whether text is what programs write if they have no
// token.
func standsForNothing(word string) error {
	return fmt.Errorf("this is %q, which a script writes in place of a token that it doesn't have", word)
}

// looksLike reports whether text has the form of a JWT: its header is JSON.
func looksLike(text string) bool {
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}

// cutFold is [strings.Cut] without regard to case.
func cutFold(s, sep string) (before, after string, ok bool) {
	if i := strings.Index(strings.ToLower(s), sep); i >= 0 && len(s) == len(strings.ToLower(s)) {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
