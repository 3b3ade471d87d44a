package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

func TestIssuerSaysWhatWorks(t *testing.T) {
	t.Parallel()

	if _, err := exec.LookPath("curl"); err != nil {
		t.Skipf("the curl line is not tried: %v", err)
	}
	at, out, errOut, _ := startIssuer(t)
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		if len(fields) != 2 || !strings.HasPrefix(fields[1], at) || fields[0] == "token" || fields[0] == "introspection" || fields[0] == "revocation" {
			continue
		}
		if res, _ := ask(t, http.MethodGet, fields[1], nil, nil); res.StatusCode == http.StatusNotFound {
			t.Errorf("it says that %s is at %s, where nothing is", fields[0], fields[1])
		}
	}

	_, line, _ := strings.Cut(out.String(), "A token:")
	answer, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatalf("%s: %s", line, answer)
	}
	v, err := validator.New(validator.Config{Issuers: []string{at}, Audiences: []string{mockissuer.DefaultAudience}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), got.AccessToken); err != nil {
		t.Errorf("Validate(the token by curl) = %v, want no error", err)
	}
	if log := errOut.String(); !strings.Contains(log, "token issued") || strings.Contains(log, got.AccessToken[len(got.AccessToken)-16:]) {
		t.Errorf("log = %q, want a line for the token, without it", log)
	}
}

// TestIssuerProfile runs the issuer with a real issuer's profile, and an API as
// the program tells it to be.
func TestIssuerProfile(t *testing.T) {
	t.Parallel()

	at, out, _, _ := startIssuer(t, "-profile", "Keycloak")
	res, body := ask(t, http.MethodPost, at+"oauth/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"}, "audience": {mockissuer.DefaultAudience},
	})
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.AccessToken == "" {
		t.Fatalf("POST to the token endpoint = %d %s", res.StatusCode, body)
	}
	for _, want := range []string{
		`issuers.Keycloak("https://sso.example.com/realms/shop", "orders-api")`,
		`Issuers:   []string{"` + at + `"}`, `Audiences: []string{"` + mockissuer.DefaultAudience + `"}`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("rsguard issuer -profile Keycloak says %s, want %s in it", out, want)
		}
	}
	cfg := issuers.Keycloak(at, mockissuer.DefaultAudience)
	cfg.Checks = append(cfg.Checks, validator.Roles([]string{"realm_access", "roles"}, "buyer"), validator.Scopes("orders:read"), validator.Clients("demo-client"))
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(t.Context(), got.AccessToken); err != nil {
		t.Errorf("Validate(the token) = %v, want it accepted by Keycloak's preset", err)
	}
}

// UAA's audiences are the beginnings of scopes. The program says so where an API
// is named otherwise, and in any case which function accepts its tokens.
func TestIssuerProfile_uaa(t *testing.T) {
	t.Parallel()

	const note = "so these tokens are rejected"
	at, out, _, _ := startIssuer(t, "-profile", "uaa")
	ask(t, http.MethodGet, at, nil, nil) // it serves when it has said all
	if want := `No scope of this API begins with "` + mockissuer.DefaultAudience + `."`; !strings.Contains(out.String(), want) || !strings.Contains(out.String(), note) {
		t.Errorf("rsguard issuer -profile uaa says %s, want %s in it", out, want)
	}

	file := filepath.Join(t.TempDir(), "issuer.yaml")
	text := "apis: [{identifier: orders}]\nclients: [{id: machine, secret: s3cret, grants: [{api: orders, scopes: [orders.read]}]}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at, out, _, _ = startIssuer(t, "-profile", "uaa", "-config", file)
	_, body := ask(t, http.MethodPost, at+"oauth/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"s3cret"}, "audience": {"orders"},
	})
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("the token endpoint answers %s", body)
	}
	if want := `issuers.UAA("uaa.example.com", "orders")`; !strings.Contains(out.String(), want) || strings.Contains(out.String(), note) {
		t.Errorf("rsguard issuer -profile uaa with a file says %s, want %s in it, and no note", out, want)
	}
	cfg, err := issuers.UAA("uaa.example.com", "orders")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Issuers, cfg.Keys = []string{at}, nil // as the program says
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := v.Validate(t.Context(), got.AccessToken); err != nil || !claims.HasScope("orders.read") {
		t.Errorf("Validate(the token) = %v, %v, want the scope orders.read", claims, err)
	}
}

// TestIssuerNames holds the promise that a validator accepts an issuer of any
// name that the program takes.
func TestIssuerNames(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		url  string
		want bool
	}{
		{"https://tenant.example.com/", true},
		{"http://localhost:9650/", true},
		{"http://127.1.2.3/", true},
		{"http://[::1]:9650/", true},
		{"http://tenant.example.com/", false},
		{"http://192.0.2.1/", false},
		{"http://[2001:db8::1]/", false},
		{"http://0.0.0.0/", false},
	} {
		_, err := validator.New(validator.Config{Issuers: []string{tt.url}, Audiences: []string{"a"}})
		if takes := trustable([]string{"https://first.example.com/", tt.url}) == nil; takes != tt.want || takes != (err == nil) {
			t.Errorf("trustable(%s) = %v, and a validator accepts it %v, want %v", tt.url, takes, err == nil, tt.want)
		}
	}

	for addr, want := range map[string]string{
		"127.0.0.1:9650": "http://127.0.0.1:9650/", "[::1]:9650": "http://[::1]:9650/", "0.0.0.0:9650": "", "192.0.2.1:9650": "", "[2001:db8::1]:9650": "",
	} {
		var cfg mockissuer.Config
		err := nameAfter(&cfg, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		if cfg.URL != want || (err == nil) != (want != "") {
			t.Errorf("nameAfter(%s) = %q, %v, want %q", addr, cfg.URL, err, want)
		}
	}
}

func TestIssuerKeepsKeys(t *testing.T) {
	t.Parallel()

	file := filepath.Join(t.TempDir(), "keys.json")
	keySet := func() string {
		at, _, _, stop := startIssuer(t, "-keys", file)
		defer stop()
		_, body := ask(t, http.MethodGet, at+".well-known/jwks.json", nil, nil)
		return body
	}
	first := keySet()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the file's mode = %o, want 600", got)
	}
	if second := keySet(); second != first {
		t.Errorf("the key set after a restart = %s, want %s", second, first)
	}

	at, _, _, stop := startIssuer(t, "-keys", file)
	if res, _ := ask(t, http.MethodPost, at+"page/rotate", nil, url.Values{"step": {"publish"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("rotating = %d, want 303", res.StatusCode)
	}
	stop()
	if got := strings.Count(keySet(), `"kid"`); got != 2 {
		t.Errorf("the key set after a rotation and a restart has %d keys, want 2", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); err != nil || len(left) != 1 {
		t.Errorf("beside the file are %v, %v, want nothing", left, err)
	}

	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if code, _, says := command(t, "", "issuer", "-addr", "127.0.0.1:0", "-keys", file); code != 1 || !strings.Contains(says, "chmod 600") {
		t.Errorf("with keys that others can read = %d, %q, want a refusal", code, says)
	}
}

// TestPrintedConfigHasEveryField holds that -print-config shows and explains
// all that can be written into a file.
func TestPrintedConfigHasEveryField(t *testing.T) {
	t.Parallel()

	_, printed, _ := command(t, "", "issuer", "-print-config")
	var fields func(reflect.Type, string)
	fields = func(typ reflect.Type, path string) {
		for field := range typ.Fields() {
			name := field.Tag.Get("yaml")
			if name == "-" {
				continue
			}
			comment := fieldComments[path+name]
			want := regexp.MustCompile(`# ` + regexp.QuoteMeta(comment) + `\n[ ]*(- )?` + name + `:`)
			if comment == "" || !want.MatchString(printed) {
				t.Errorf("-print-config has no %s with the comment %q", path+name, comment)
			}
			if element := field.Type; element.Kind() == reflect.Slice && element.Elem().Kind() == reflect.Struct {
				fields(element.Elem(), path+name+".")
			}
		}
	}
	fields(reflect.TypeFor[mockissuer.Config](), "")
}

func TestConfigFile(t *testing.T) {
	t.Parallel()

	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "issuer.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}

	code, printed, errOut := command(t, "", "issuer", "-print-config")
	if code != 0 {
		t.Fatalf("-print-config = %d, %s", code, errOut)
	}
	got, err := readConfig(write(printed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mockissuer.Demo(), got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the demo tenant, printed and read (-want +got):\n%s\n%s", diff, printed)
	}

	at, _, _, _ := startIssuer(t, "-config", write(`
apis:
  - identifier: https://orders.example.com
    profile: rfc9068
    lifetime: 2m
clients:
  - id: machine
    secret: s3cret with 'quotes'
    grants:
      - api: https://orders.example.com
        scopes: [orders:read]
`))
	res, body := ask(t, http.MethodPost, at+"oauth/token", nil, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"s3cret with 'quotes'"}, "audience": {"https://orders.example.com"},
	})
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"expires_in":120`) || !strings.Contains(body, `"scope":"orders:read"`) {
		t.Errorf("a token of the tenant in the file = %d %s, want 200 and two minutes to read orders", res.StatusCode, body)
	}

	for _, tt := range []struct{ name, text, says string }{
		{"a name that is not known", "client:\n  - id: x\n", "client"},
		{"no YAML", "clients: [", "yaml"},
		{"an API twice", "apis: [{identifier: a}, {identifier: a}]", "there twice"},
		{"a domain without TLS", "url: https://tenant.example.com/\ndomains: [http://tenant.example.com:8080/]\n", "neither https nor http on a loopback host"},
		{"a grant for no API", "clients: [{id: x, secret: y, grants: [{api: z}]}]", "no API"},
		{"a secret that is a number", "clients:\n  - id: x\n    secret: 0123\n", "line 3: clients.secret is 0123, which is not text in YAML: put it in quotes"},
		{"an id that is a boolean", "clients: [{id: true}]", "line 1: clients.id is true"},
		{"a scope that is a number", "apis:\n  - identifier: a\n    scopes:\n      - 7\n", "line 4: apis.scopes is 7"},
		{"a lifetime without a unit", "apis:\n  - identifier: a\n    lifetime: 10\n", "line 3: apis.lifetime is 10, want a duration with its unit, such as 10m"},
		{"a lifetime in words", "apis:\n  - identifier: a\n    lifetime: ten minutes\n", "line 3: apis.lifetime is ten minutes, want a duration"},
		{"a second document", "apis: []\n---\napis: []\n", "line 3: a second YAML document"},
		{"a client of an unknown organization", "clients: [{id: x, organizations: [org_1]}]", `client x: there is no organization "org_1"`},
		{"a client without an id", "clients: [{secret: y}]", "client 1 is empty"},
		{"HS256 with a short secret", "apis: [{identifier: a, algorithm: HS256, secret: short}]", "5 bytes, want 32 or more"},
	} {
		if code, _, errOut := command(t, "", "issuer", "-addr", "127.0.0.1:0", "-config", write(tt.text)); code == 0 || !strings.Contains(errOut, tt.says) {
			t.Errorf("a configuration with %s = %d, %q, want a refusal and %q", tt.name, code, errOut, tt.says)
		}
	}
}
