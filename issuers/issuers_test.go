package issuers_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/internal/presets"
	"github.com/rsguard/rsguard/issuers"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/testutil/mockissuer"
	"github.com/rsguard/rsguard/validator"
)

type config = func() (validator.Config, error)

func configOf(s *mockissuer.Shape) (validator.Config, error) { return presets.Call(s.Preset, s.Args) }

// served holds the documents of all issuers by URL.
var served = map[string]string{}

func TestMain(m *testing.M) {
	// The presets fetch keys by clients of their own, which are copies of this
	// transport. Everything goes to one server, whatever the name.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := served["https://"+r.Host+r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text))
	}))
	t := http.DefaultTransport.(*http.Transport)
	t.Proxy = nil
	t.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func signer(t *testing.T) (*mockissuer.Issuer, string) {
	t.Helper()
	iss, err := mockissuer.New(mockissuer.Config{URL: "https://signer.example.com/", Algorithms: []string{"RS256", "ES256", "ES384"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = iss.Close() })
	w := httptest.NewRecorder()
	iss.ServeHTTP(w, httptest.NewRequest("GET", iss.URL[:len(iss.URL)-1]+string(mockissuer.EndpointKeySet), nil))
	return iss, w.Body.String()
}

func sign(t *testing.T, iss *mockissuer.Issuer, token mockissuer.Token) string {
	t.Helper()
	text, err := iss.Sign(token)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// serve makes the issuer's documents those of a shape.
func serve(s *mockissuer.Shape, keySet string) {
	clear(served)
	keys, issuer := s.KeySet, strings.TrimSuffix(s.Issuer, "/")
	if keys == "" {
		keys = issuer + "/keys"
		served[issuer+"/.well-known/openid-configuration"] = fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, s.Issuer, keys)
	}
	served[keys] = keySet
}

// Each preset accepts the access token of its issuer, and rejects the other
// tokens for the reason and with the log line that the shape has.
func TestPresets(t *testing.T) {
	iss, keySet := signer(t)
	used := map[string]bool{}
	for _, s := range mockissuer.Shapes() {
		used[s.Preset] = true
		t.Run(s.Name, func(t *testing.T) {
			serve(&s, keySet)
			cfg, err := configOf(&s)
			if err != nil {
				t.Fatalf("%s(%q) error = %v", s.Preset, s.Args, err)
			}
			if !slices.Contains(cfg.Issuers, s.Issuer) || !slices.Contains(cfg.Audiences, s.Audience) {
				t.Errorf("%s(%q) = %q, %q, want the shape's %q and %q in them", s.Preset, s.Args, cfg.Issuers, cfg.Audiences, s.Issuer, s.Audience)
			}
			v, err := validator.New(cfg)
			if err != nil {
				t.Fatalf("New(%s) error = %v", s.Name, err)
			}
			claims, err := v.Validate(t.Context(), sign(t, iss, s.AccessToken(iss.Now())))
			if err != nil {
				t.Fatalf("Validate(access token) = %v, want it accepted", err)
			}
			if _, scopes := s.Claims["scope"]; (scopes || s.Claims["scp"] != nil) && strings.Join(claims.Scopes, " ") != strings.ReplaceAll(s.Scope, "{audience}", s.Audience) {
				t.Errorf("Validate(access token) scopes = %q, want %q", claims.Scopes, s.Scope)
			}
			for _, o := range s.Others {
				_, err := v.Validate(t.Context(), sign(t, iss, s.Other(o, iss.Now())))
				code := string(validator.CodeOf(err))
				if err == nil {
					code = "accept"
				}
				if code != o.Code {
					t.Errorf("Validate(%s) = %s (%v), want %s", o.What, code, err, o.Code)
				}
				if mistake := o.Kind == mockissuer.KindMistake; (o.Log != "") != mistake || (o.Remedy != "") != mistake {
					t.Errorf("%s: log = %q, remedy = %q, want both for a mistake alone", o.What, o.Log, o.Remedy)
				}
				if err != nil && !strings.Contains(err.Error(), o.Log) {
					t.Errorf("Validate(%s) = %v, want %q in it", o.What, err, o.Log)
				}
			}
		})
	}
	for _, name := range presets.Names() {
		if !used[name] {
			t.Errorf("there is no shape for issuers.%s", name)
		}
	}
}

// The mock issuer writes tokens in the form of each profile, which the preset
// accepts with the mock issuer's name and keys, and the name of its API.
func TestProfiles(t *testing.T) {
	const api, client = "https://stock.example.com", "shop"
	tenant := mockissuer.Config{
		Clients:    []mockissuer.Client{{ID: client, Secret: "s"}},
		APIs:       []mockissuer.API{{Identifier: api}},
		Algorithms: []string{"RS256", "ES256", "ES384"},
	}
	for _, s := range mockissuer.Shapes() {
		t.Run(s.Name, func(t *testing.T) {
			tenant.APIs[0].Profile = mockissuer.Profile(strings.ToLower(s.Name))
			tenant.APIs[0].Algorithm, tenant.APIs[0].Secret = "", s.Secret
			if s.Secret != "" {
				tenant.APIs[0].Algorithm = s.Algorithm
			}
			if !slices.Contains(mockissuer.Profiles(), tenant.APIs[0].Profile) {
				t.Errorf("Profiles() has no %q", tenant.APIs[0].Profile)
			}
			iss, err := mockissuer.Start(tenant)
			if err != nil {
				t.Fatal(err)
			}
			defer iss.Close()
			scopes := []string{"stock:read"}
			if s.Preset == "UAA" { // whose audiences are the beginnings of scopes
				s.Args[1] = s.AudienceOf(api)
				scopes = append(scopes, s.Args[1]+".read")
			}
			cfg, err := configOf(&s)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Audiences = []string{s.AudienceOf(api)}
			switch {
			case s.Secret != "":
				cfg.Issuers = []string{iss.URL}
			case s.Claims["iss"] == nil:
				if cfg.Keys, err = jwks.NewCache(jwks.Config{Issuer: iss.URL}); err != nil {
					t.Fatal(err)
				}
			default:
				cfg.Issuers, cfg.Keys = []string{iss.URL}, nil
			}
			v, err := validator.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			token, err := iss.Issue(mockissuer.Access{Client: client, Audience: api, Scopes: scopes})
			if err != nil {
				t.Fatal(err)
			}
			claims, err := v.Validate(t.Context(), token)
			if err != nil {
				t.Fatalf("Validate(token of the profile) = %v, want it accepted", err)
			}
			if s.Scope != "" && !claims.HasScope("stock:read") {
				t.Errorf("Validate(token of the profile) scopes = %q, want stock:read", claims.Scopes)
			}
			if strings.Contains(fmt.Sprint(s.Claims), "{client}") && s.Client != "{audience}" && s.Preset != "Google" && claims.ClientID != client {
				t.Errorf("Validate(token of the profile) client = %q, want %q", claims.ClientID, client)
			}
		})
	}
}

func TestWrongArguments(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config config
		want   string
	}{
		{"Okta's org server", func() (validator.Config, error) { return issuers.Okta("https://acme.okta.com", "api") }, "org authorization server"},
		{"Entra common", func() (validator.Config, error) { return issuers.Entra("common", "api") }, "not a tenant"},
		{"Entra slash", func() (validator.Config, error) { return issuers.Entra("a/b", "api") }, "tenant"},
		{"EntraTenants none", func() (validator.Config, error) { return issuers.EntraTenants("api") }, "tenant"},
		{"Cognito none", func() (validator.Config, error) { return issuers.Cognito("eu-central-1", "p") }, "app client"},
		{"Google none", func() (validator.Config, error) { return issuers.Google("https://run.example.com") }, "service account"},
		{"GitHub at none", func() (validator.Config, error) {
			return issuers.GitHubActionsAt("https://token.actions.githubusercontent.com/acme", "https://a.example.com")
		}, "repository"},
		{"Entra's public cloud", func() (validator.Config, error) {
			return issuers.EntraCloud("login.microsoftonline.com", "3c1f0e52-7a4b-4d19-9f2e-6b8d5a0c4e71", "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27")
		}, "login.microsoftonline.us"},
		{"Entra's national cloud, common", func() (validator.Config, error) {
			return issuers.EntraCloud("login.microsoftonline.us", "common", "5e2b9c14-d07f-46a3-b1c8-83f4e6a90d27")
		}, "not a tenant"},
		{"GitHub none", func() (validator.Config, error) { return issuers.GitHubActions("https://a.example.com") }, "repository"},
		{"GitLab none", func() (validator.Config, error) { return issuers.GitLabCI("https://gitlab.com", "a") }, "project"},
		{"Kubernetes none", func() (validator.Config, error) { return issuers.KubernetesIssuer("https://k.example.com", "a") }, "service account"},
		{"Kubernetes no name", func() (validator.Config, error) {
			return issuers.KubernetesIssuer("https://k.example.com", "a", "shop")
		}, "NAMESPACE:NAME"},
		{"Kubernetes no pod", func() (validator.Config, error) {
			return issuers.Kubernetes(issuers.Pod{Dir: t.TempDir()}, "a", "shop:web")
		}, "own token"},
		{"Clerk none", func() (validator.Config, error) { return issuers.Clerk("clerk.example.com") }, "origin"},
		{"Supabase path", func() (validator.Config, error) { return issuers.Supabase("a/b") }, "project"},
		{"SPIFFE none", func() (validator.Config, error) {
			return issuers.SPIFFE("example.org", "https://spire.example.org/bundle", "a")
		}, "workload"},
		{"SPIFFE another trust domain", func() (validator.Config, error) {
			return issuers.SPIFFE("example.org", "https://spire.example.org/bundle", "a", "spiffe://example.org.attacker.example/web")
		}, "none of spiffe://example.org"},
		{"SPIFFE plain http", func() (validator.Config, error) {
			return issuers.SPIFFE("example.org", "http://spire.example.org/bundle", "a", "spiffe://example.org/web")
		}, "http"},
		{"Supabase no secret", func() (validator.Config, error) { return issuers.SupabaseSecret("abcd", "") }, "secret"},
		{"B2C empty", func() (validator.Config, error) { return issuers.AzureB2C("", "", "", "") }, "policy"},
	} {
		cfg, err := tt.config()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s error = %v, want %q in it", tt.name, err, tt.want)
		}
		if _, err := validator.New(cfg); err == nil {
			t.Errorf("New of the Config that came with the error of %s succeeds, want an error", tt.name)
		}
	}
}

// While a Supabase project's keys are being changed, tokens of the secret and
// of the key pair are accepted, each by its own Validator. A token that is
// signed with the public key as the secret is not.
func TestSupabaseChangesKeys(t *testing.T) {
	iss, keySet := signer(t)
	byKeys, _ := mockissuer.ShapeOf("Supabase")
	bySecret, _ := mockissuer.ShapeOf("SupabaseSecret")
	serve(&byKeys, keySet)
	var both []*validator.Validator
	for _, s := range []*mockissuer.Shape{&byKeys, &bySecret} {
		cfg, err := configOf(s)
		if err != nil {
			t.Fatal(err)
		}
		v, err := validator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, v)
	}
	mux, err := validator.NewMux(both...)
	if err != nil {
		t.Fatal(err)
	}
	forged := bySecret
	forged.Secret = keySet
	for _, tt := range []struct {
		name  string
		shape mockissuer.Shape
		want  validator.Code
	}{
		{"of the key pair", byKeys, ""},
		{"of the secret", bySecret, ""},
		{"of the key set as the secret", forged, validator.CodeSignature},
	} {
		if _, err := mux.Validate(t.Context(), sign(t, iss, tt.shape.AccessToken(iss.Now()))); validator.CodeOf(err) != tt.want {
			t.Errorf("Validate(token %s) = %v, want %q", tt.name, err, tt.want)
		}
	}
	for i, want := range []string{`alg is "HS256"`, `alg is "ES256"`} {
		s := []mockissuer.Shape{bySecret, byKeys}[i]
		if _, err := both[i].Validate(t.Context(), sign(t, iss, s.AccessToken(iss.Now()))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(token of the other kind of key) = %v, want %q in it", err, want)
		}
	}
}

// What calls functions by name knows all of them, but the one that reads files.
func TestPresets_all(t *testing.T) {
	known := presets.Names()
	for name := range documented(t) {
		if !slices.Contains(known, name) && name != "Kubernetes" {
			t.Errorf("internal/presets can't call issuers.%s", name)
		}
	}
}
