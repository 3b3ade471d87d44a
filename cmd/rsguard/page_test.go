package main

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestPageHeaders(t *testing.T) {
	t.Parallel()

	at, _, _, _ := startIssuer(t)
	for path, contentType := range map[string]string{
		"": "text/html; charset=utf-8", "page/page.css": "text/css; charset=utf-8", "page/page.js": "text/javascript; charset=utf-8",
		"page/icon.svg": "image/svg+xml",
	} {
		res, body := ask(t, http.MethodGet, at+path, nil, nil)
		csp := res.Header.Get("Content-Security-Policy")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != contentType || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET /%s = %d, %v, want 200 as %s", path, res.StatusCode, res.Header, contentType)
		}
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("GET /%s: Content-Security-Policy = %q", path, csp)
		}
		if path == "" && regexp.MustCompile(`(?i)<script>|<style|\son\w+=|\sstyle=|https?://[^1"]*\.js`).MatchString(body) {
			t.Error("the page has inline script or style, which its policy forbids")
		}
	}
	for _, path := range []string{"page/", "page/index.html", "nothing"} {
		if res, _ := ask(t, http.MethodGet, at+path, nil, nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("GET /%s = %d, want 404", path, res.StatusCode)
		}
	}
}

func TestPagePostsFromElsewhere(t *testing.T) {
	t.Parallel()

	at, _, _, _ := startIssuer(t)
	own := strings.TrimSuffix(at, "/")
	for _, tt := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"the page itself", http.Header{"Origin": {own}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusSeeOther},
		{"an older browser", http.Header{"Origin": {own}}, http.StatusSeeOther},
		{"no browser", nil, http.StatusSeeOther},
		{"another site", http.Header{"Origin": {"https://evil.example.com"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		{"another site and an older browser", http.Header{"Origin": {"https://evil.example.com"}}, http.StatusForbidden},
		{"another port", http.Header{"Origin": {"http://127.0.0.1:1"}, "Sec-Fetch-Site": {"same-site"}}, http.StatusForbidden},
		{"no origin", http.Header{"Origin": {"null"}}, http.StatusForbidden},
		{"a name that was rebound", http.Header{"Host": {"evil.example.com"}, "Origin": {"http://evil.example.com"}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"page/heal", "page/down", "page/heal"} {
			if res, body := ask(t, http.MethodPost, at+path, tt.header, nil); res.StatusCode != tt.want {
				t.Errorf("POST /%s from %s = %d %s, want %d", path, tt.name, res.StatusCode, body, tt.want)
			}
		}
	}
	if res, _ := ask(t, http.MethodGet, at+"page/down", nil, nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET /page/down = %d, want 405", res.StatusCode)
	}
	if res, _ := ask(t, http.MethodPost, at+"page/explain", nil, url.Values{"token": {strings.Repeat("x", 2<<20)}}); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("POST of 2 MiB = %d, want 413", res.StatusCode)
	}
}

func TestPageMints(t *testing.T) {
	t.Parallel()

	at, _, _, _ := startIssuer(t)
	v, err := validator.New(validator.Config{
		Issuers: []string{at}, Audiences: []string{mockissuer.DefaultAudience}, Algorithms: []validator.Algorithm{validator.RS256, validator.ES256},
	})
	if err != nil {
		t.Fatal(err)
	}
	usual := url.Values{"client": {"demo-client"}, "audience": {mockissuer.DefaultAudience}}
	for _, tt := range []struct {
		name   string
		change url.Values
		status int
		says   string
		code   validator.Code // of the token; "-": there is none
	}{
		{"a good one", nil, 200, "Accepted", ""},
		{"another algorithm", url.Values{"algorithm": {"ES256"}}, 200, "Accepted", ""},
		{"a user", url.Values{"user": {"auth0|alice"}}, 200, "Accepted", ""},
		{"expired", url.Values{"lifetime": {"-1h"}}, 200, "token_expired", validator.CodeExpired},
		{"a claim left out", url.Values{"claims": {`{"exp": null}`}}, 200, "invalid_claim", validator.CodeClaim},
		{"a bad one", url.Values{"bad": {"another issuer"}}, 200, "wrong_issuer", validator.CodeIssuer},
		{"no lifetime", url.Values{"lifetime": {"long"}}, 422, "not a lifetime", "-"},
		{"no claims", url.Values{"claims": {`[]`}}, 422, "not a JSON object", "-"},
		{"no client", url.Values{"client": {`<script>`}}, 422, "no client", "-"},
		{"no bad token", url.Values{"bad": {`nice`}}, 422, "no bad token", "-"},
		{"no secret", url.Values{"algorithm": {`HS256`}}, 422, "no secret", "-"},
		{"a claim of its own", url.Values{"claims": {`{"n": 9007199254740993}`}}, 200, `"n": 9007199254740993`, ""},
		{"a claim twice", url.Values{"claims": {`{"a": 1, "a": 2}`}}, 422, "two members of one name", "-"},
		{"a claim twice, one with an escape", url.Values{"claims": {`{"a": 1, "\u0061": 2}`}}, 422, "two members of one name", "-"},
		{"a claim with a member twice", url.Values{"claims": {`{"a": {"b": 1, "b": 2}}`}}, 422, "two members of one name", "-"},
		{"claims with something after them", url.Values{"claims": {`{} {}`}}, 422, "after the object", "-"},
		{"claims that are no UTF-8", url.Values{"claims": {"{\"a\": \"\xff\"}"}}, 422, "UTF-8", "-"},
		{"deep claims", url.Values{"claims": {`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`}}, 200, "Accepted", ""},
		{"claims too deep", url.Values{"claims": {`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`}}, 422, "too deep", "-"},
		{"claims much too deep", url.Values{"claims": {`{"a":` + strings.Repeat("[", 15_000)}}, 422, "too deep", "-"},
		{"many claims", url.Values{"claims": {`{"a":[` + strings.Repeat(`{"b":1},`, 1100) + `0]}`}}, 422, "too many members", "-"},
		{"a long claim", url.Values{"claims": {`{"a": "` + strings.Repeat("x", 20<<10) + `"}`}}, 200, "token_malformed", validator.CodeMalformed},
		{"a longer claim", url.Values{"claims": {`{"a": "` + strings.Repeat("x", 40<<10) + `"}`}}, 422, "bytes, more than", "-"},
		{"long scopes", url.Values{"scope": {strings.Repeat("x ", 20<<10)}}, 422, "bytes, more than", "-"},
		{"a bad one for no API", url.Values{"bad": {"opaque"}, "audience": {"x"}}, 422, "no API", "-"},
	} {
		form := url.Values{}
		for _, values := range []url.Values{usual, tt.change} {
			for name, value := range values {
				form[name] = value
			}
		}
		res, body := ask(t, http.MethodPost, at+"page/mint", nil, form)
		if res.StatusCode != tt.status || !strings.Contains(html.UnescapeString(body), tt.says) || strings.Contains(body, "<script>") {
			t.Errorf("minting %s = %d, want %d and %q", tt.name, res.StatusCode, tt.status, tt.says)
		}
		match := regexp.MustCompile(`<textarea id="minted"[^>]*>([^<]*)<`).FindStringSubmatch(body)
		if (match == nil) != (tt.code == "-") {
			t.Errorf("minting %s: there is a token = %v", tt.name, match != nil)
		}
		if match == nil {
			continue
		}
		if _, err := v.Validate(t.Context(), html.UnescapeString(match[1])); validator.CodeOf(err) != tt.code {
			t.Errorf("minting %s: Validate = %v, want code %q", tt.name, err, tt.code)
		}
	}
}

// TestPageOffersAlgorithmsThatWork mints with each algorithm that the page
// offers, for each API.
func TestPageOffersAlgorithmsThatWork(t *testing.T) {
	t.Parallel()

	file := filepath.Join(t.TempDir(), "issuer.yaml")
	if err := os.WriteFile(file, []byte(`
apis:
  - identifier: https://shared.example.com
    algorithm: HS256
    secret: a secret of at least thirty-two bytes
  - identifier: https://pair.example.com
clients:
  - id: machine
    secret: s3cret
    grants: [{api: https://pair.example.com}]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	tenant, _, _, _ := startIssuer(t, "-config", file)
	demo, _, _, _ := startIssuer(t)
	for _, tt := range []struct {
		at, client, audience string
		accepted             bool // whatever the algorithm is
	}{
		{demo, "demo-client", mockissuer.DefaultAudience, true},
		{tenant, "machine", "https://pair.example.com", true},
		{tenant, "machine", "https://shared.example.com", false},
	} {
		_, body := ask(t, http.MethodGet, tt.at, nil, nil)
		_, list, _ := strings.Cut(body, `<select name="algorithm">`)
		list, _, _ = strings.Cut(list, "</select>")
		offered := regexp.MustCompile(`<option[^>]*>(\w+)</option>`).FindAllStringSubmatch(list, -1)
		if len(offered) < 10 {
			t.Errorf("the page offers %q, want ten algorithms", offered)
		}
		for _, option := range append(offered, []string{"", ""}) { // "": that of the API
			form := url.Values{"client": {tt.client}, "audience": {tt.audience}, "algorithm": {option[1]}}
			res, body := ask(t, http.MethodPost, tt.at+"page/mint", nil, form)
			accepted := strings.Contains(body, "Accepted")
			if res.StatusCode != http.StatusOK || accepted != (tt.accepted || option[1] == "") {
				t.Errorf("minting for %s by %q = %d, accepted %v, want 200", tt.audience, option[1], res.StatusCode, accepted)
			}
		}
	}
}

func TestPageLogsTokens(t *testing.T) {
	t.Parallel()

	at, _, errOut, _ := startIssuer(t)
	usual := url.Values{"client": {"demo-client"}, "audience": {mockissuer.DefaultAudience}}
	for _, tt := range []struct {
		name   string
		change url.Values
		want   string // the line's end; "": no line
	}{
		{"a good one", nil, `msg="token issued" grant=page client=demo-client for=https://api.example.com`},
		{"a user's", url.Values{"user": {"auth0|alice"}, "organization": {"org_demo"}},
			`msg="token issued" grant=page client=demo-client for="https://api.example.com as auth0|alice in org_demo"`},
		{"a bad one", url.Values{"bad": {"another issuer"}}, `msg="token issued" grant=page bad="another issuer" for=https://api.example.com`},
		{"none", url.Values{"client": {"nobody"}}, ""},
		{"none, with a token for a client", url.Values{"client": {"eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}}, ""},
		{"scopes and claims that are tokens", url.Values{"scope": {"eyJhbGciOiJSUzI1NiJ9.e30.AAAA\nlevel=ERROR"}, "claims": {`{"t":"eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}`}},
			`msg="token issued" grant=page client=demo-client for=https://api.example.com`},
	} {
		form := url.Values{}
		for _, values := range []url.Values{usual, tt.change} {
			for name, value := range values {
				form[name] = value
			}
		}
		before := errOut.String()
		_, body := ask(t, http.MethodPost, at+"page/mint", nil, form)
		line := strings.TrimPrefix(errOut.String(), before)
		if !strings.HasSuffix(strings.TrimSuffix(line, "\n"), tt.want) || strings.Count(line, "\n") != min(1, len(tt.want)) {
			t.Errorf("minting %s logs %q, want a line that ends %q", tt.name, line, tt.want)
		}
		match := regexp.MustCompile(`<textarea id="minted"[^>]*>([^<]*)<`).FindStringSubmatch(body)
		if (match == nil) != (tt.want == "") {
			t.Errorf("minting %s: there is a token = %v", tt.name, match != nil)
			continue
		}
		if match == nil {
			continue
		}
		token := html.UnescapeString(match[1])
		ask(t, http.MethodPost, at+"page/explain", nil, url.Values{"token": {token}, "audience": {mockissuer.DefaultAudience}})
		for _, segment := range strings.Split(token, ".") {
			if strings.Contains(errOut.String(), segment) {
				t.Errorf("minting %s: the log has a part of the token: %s", tt.name, errOut)
			}
		}
	}
	if log := errOut.String(); strings.Contains(log, "eyJ") {
		t.Errorf("the log has a token in it: %s", log)
	}
}

func TestPageExplainsAnything(t *testing.T) {
	t.Parallel()

	at, _, _, _ := startIssuer(t)
	for name, token := range map[string]string{
		"markup":             `"><script>alert(1)</script>`,
		"the end of a field": `</textarea><script>alert(1)</script>`,
		"markup in claims":   "e30.IjwvcHJlPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD4i.AA",
		"no text":            "\xff\xfe\x00",
		"dots":               strings.Repeat(".", 1000),
		"a template":         "{{.Config}}",
	} {
		res, body := ask(t, http.MethodPost, at+"page/explain", nil, url.Values{"token": {token}, "audience": {mockissuer.DefaultAudience}})
		if res.StatusCode != http.StatusOK || !strings.Contains(body, "token_malformed") || strings.Contains(body, "<script>") {
			t.Errorf("explaining %s = %d, want 200, token_malformed, and no script", name, res.StatusCode)
		}
	}
	for name, form := range map[string]url.Values{
		"a fault of no kind":    {"kind": {"x"}},
		"a status that is none": {"kind": {"status"}, "status": {"99"}},
		"a negative delay":      {"kind": {"delay"}, "delay": {"-1s"}},
		"times that are none":   {"kind": {"delay"}, "times": {"x"}},
	} {
		if res, _ := ask(t, http.MethodPost, at+"page/fail", nil, form); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("adding %s = %d, want 422", name, res.StatusCode)
		}
	}
	if res, _ := ask(t, http.MethodPost, at+"page/rotate", nil, url.Values{"step": {"x"}}); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("rotating by no step = %d, want 422", res.StatusCode)
	}
}

// The button sends signals, which the page then shows.
func TestPageSignsOut(t *testing.T) {
	t.Parallel()

	at, _, _, _ := startIssuer(t)
	if res, _ := ask(t, http.MethodPost, at+"page/signout", nil, nil); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("signing out without a name = %d, want 422", res.StatusCode)
	}
	for name, form := range map[string]url.Values{"a user": {"user": {"auth0|alice"}}, "a session": {"user": {"auth0|alice"}, "session": {"s-1"}}} {
		if res, _ := ask(t, http.MethodPost, at+"page/signout", nil, form); res.StatusCode != http.StatusSeeOther {
			t.Errorf("signing out %s = %d, want 303", name, res.StatusCode)
		}
	}
	if _, body := ask(t, http.MethodGet, at, nil, nil); strings.Count(body, "security event token <span>") != 2 || !strings.Contains(body, "waits") {
		t.Errorf("the page shows no signals that wait: %s", body)
	}
}
