package validator_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

func TestNew(t *testing.T) {
	t.Parallel()
	testKeys := config().Keys
	for _, tt := range []struct {
		name   string
		change func(*validator.Config)
		want   string // in the error; "" for none
	}{
		{"good", func(*validator.Config) {}, ""},
		{"no issuer", func(c *validator.Config) { c.Issuers = nil }, "Issuers is empty"},
		{"empty issuer", func(c *validator.Config) { c.Issuers = []string{""} }, `Issuers[0] has no host`},
		{"issuer without scheme", func(c *validator.Config) { c.Issuers = []string{"tenant.eu.auth0.com"} },
			"has no host: keys are discovered by the issuer, which is a URL such as https://tenant.eu.auth0.com/; if Config.Keys is set, any text can be an issuer"},
		{"issuer by http", func(c *validator.Config) { c.Issuers = []string{"http://tenant.eu.auth0.com/"} }, "https"},
		{"issuer by http in a cluster, unsaid", func(c *validator.Config) { c.Issuers = []string{"http://keycloak:8080/realms/shop"} },
			`is neither https nor http on a loopback host, but http on "keycloak": an issuer is a URL such as https://tenant.eu.auth0.com/; Config.InsecureHTTP accepts http inside of a cluster`},
		{"issuer by http in a cluster", func(c *validator.Config) {
			c.Issuers, c.InsecureHTTP = []string{"http://keycloak:8080/realms/shop"}, true
		}, ""},
		{"http and keys", func(c *validator.Config) { c.Keys, c.InsecureHTTP = testKeys, true }, "InsecureHTTP is for keys that are discovered"},
		{"http and a secret", func(c *validator.Config) {
			c.Algorithms, c.Secret, c.InsecureHTTP = nil, make([]byte, 32), true
		}, "InsecureHTTP is for keys that are discovered"},
		{"an issuer that is a word, and keys", func(c *validator.Config) { c.Issuers, c.Keys = []string{"acme"}, testKeys }, ""},
		{"an issuer that is a word, and a secret", func(c *validator.Config) {
			c.Issuers, c.Algorithms, c.Secret = []string{"acme"}, nil, make([]byte, 32)
		}, ""},
		{"an issuer with a password, and keys", func(c *validator.Config) { c.Issuers, c.Keys = []string{"https://u:p@t/"}, testKeys }, "Issuers[0] has credentials"},
		{"an issuer that is an address, and keys", func(c *validator.Config) { c.Issuers, c.Keys = []string{"u@t"}, testKeys }, ""},
		{"an issuer with a tab, and keys", func(c *validator.Config) { c.Issuers, c.Keys = []string{"ac\tme"}, testKeys }, "Issuers[0] is empty, has space"},
		{"no name of an issuer, and keys", func(c *validator.Config) { c.Issuers, c.Keys = []string{""}, testKeys }, "Issuers[0] is empty, has space"},
		{"a claim for aud", func(c *validator.Config) { c.AudienceClaim = "https://example.com/for" }, ""},
		{"iss for aud", func(c *validator.Config) { c.AudienceClaim = "iss" }, `AudienceClaim is "iss", which doesn't say what a token is for`},
		{"a claim for aud, with space", func(c *validator.Config) { c.AudienceClaim = "azp " }, `AudienceClaim is "azp ", with space`},
		{"a claim for aud, and RFC 9068", func(c *validator.Config) { c.AudienceClaim, c.RequireRFC9068 = "azp", true }, "AudienceClaim and Config.RequireRFC9068 exclude each other"},
		{"issuer by http on 127.0.0.1", func(c *validator.Config) { c.Issuers = []string{"http://127.0.0.1:9650/"} }, ""},
		{"issuer by http on [::1]", func(c *validator.Config) { c.Issuers = []string{"http://[::1]:9650/"} }, ""},
		{"issuer by http on localhost", func(c *validator.Config) { c.Issuers = []string{"http://localhost:9650/"} }, ""},
		{"issuer by http on localhost.evil", func(c *validator.Config) { c.Issuers = []string{"http://localhost.evil/"} }, "https"},
		{"issuer by http on 127.evil", func(c *validator.Config) { c.Issuers = []string{"http://127.0.0.1.evil/"} }, "https"},
		{"issuer by ftp", func(c *validator.Config) { c.Issuers = []string{"ftp://tenant.eu.auth0.com/"} }, "https"},
		{"issuer with query", func(c *validator.Config) { c.Issuers = []string{"https://t/?a=b"} }, "query"},
		{"issuer with fragment", func(c *validator.Config) { c.Issuers = []string{"https://t/#"} }, "fragment"},
		{"issuer with user", func(c *validator.Config) { c.Issuers = []string{"https://u:p@t/"} }, "credentials"},
		{"issuer with space", func(c *validator.Config) { c.Issuers = []string{" https://t/"} }, "Issuers"},
		{"second issuer bad", func(c *validator.Config) { c.Issuers = []string{issuer, "x"} }, `Issuers[1]`},
		{"no audience", func(c *validator.Config) { c.Audiences = nil }, "Audiences is empty"},
		{"empty audience", func(c *validator.Config) { c.Audiences = []string{"a", ""} }, `Audiences: ""`},
		{"audience with space", func(c *validator.Config) { c.Audiences = []string{"a "} }, `Audiences: "a "`},
		{"alg none", func(c *validator.Config) { c.Algorithms = []validator.Algorithm{"none"} }, `"none" is not known`},
		{"alg empty", func(c *validator.Config) { c.Algorithms = []validator.Algorithm{""} }, `"" is not known`},
		{"alg in other case", func(c *validator.Config) { c.Algorithms = []validator.Algorithm{"rs256"} }, "not known"},
		{"alg HS256 with keys", func(c *validator.Config) { c.Algorithms = []validator.Algorithm{"HS256"} }, "needs Config.Secret"},
		{"leeway at the limit", func(c *validator.Config) { c.Leeway = 5 * time.Minute }, ""},
		{"leeway over the limit", func(c *validator.Config) { c.Leeway = 5*time.Minute + 1 }, "Leeway"},
		{"no leeway", func(c *validator.Config) { c.Leeway = -1 }, ""},
		{"negative size", func(c *validator.Config) { c.MaxTokenSize = -1 }, "MaxTokenSize"},
		{"size at the limit", func(c *validator.Config) { c.MaxTokenSize = 1 << 20 }, ""},
		{"size over the limit", func(c *validator.Config) { c.MaxTokenSize = 1<<20 + 1 }, "MaxTokenSize"},
		{"nil check", func(c *validator.Config) { c.Checks = []validator.Check{nil} }, "Checks"},
		{"nil cache", func(c *validator.Config) { c.Keys = (*jwks.Cache)(nil) }, "nil *jwks.Cache"},
		{"no keys", func(c *validator.Config) { c.Keys = jwks.Set{} }, "empty Set"},
		{"both kinds of strictness", func(c *validator.Config) { c.RequireRFC9068, c.InsecureSkipTypeCheck = true, true }, "exclude"},
		{"secret", func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret = nil, nil, make([]byte, 32) }, ""},
		{"secret and keys", func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret = testKeys, nil, make([]byte, 32) }, "exclude"},
		{"secret and RS256", func(c *validator.Config) {
			c.Keys, c.Algorithms, c.Secret = nil, []validator.Algorithm{"RS256"}, make([]byte, 32)
		}, "can't be used with Config.Secret"},
		{"secret too short", func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret = nil, nil, make([]byte, 31) }, "at least 32"},
		{"empty secret", func(c *validator.Config) { c.Keys, c.Algorithms, c.Secret = nil, nil, []byte{} }, "at least 32"},
		{"secret too short for HS512", func(c *validator.Config) {
			c.Keys, c.Algorithms, c.Secret = nil, []validator.Algorithm{"HS256", "HS512"}, make([]byte, 63)
		}, "at least 64"},
	} {
		cfg := config()
		cfg.Keys = nil // so that they are discovered
		tt.change(&cfg)
		v, err := validator.New(cfg)
		if (v == nil) != (err != nil) {
			t.Errorf("New(%s) = %v, %v", tt.name, v, err)
		}
		if got := ""; err != nil {
			got = err.Error()
			if tt.want == "" || !strings.Contains(got, tt.want) {
				t.Errorf("New(%s) error = %v, want %q in it", tt.name, err, tt.want)
			}
			for line := range strings.Lines(got) {
				if !strings.HasPrefix(line, "validator: Config.") {
					t.Errorf("New(%s) error has the line %q, want it to begin with \"validator: Config.\"", tt.name, line)
				}
			}
		} else if tt.want != "" {
			t.Errorf("New(%s) error = nil, want %q in it", tt.name, tt.want)
		}
	}
}

// The constants are the algorithms that there are, and New takes each.
func TestAlgorithm_constants(t *testing.T) {
	t.Parallel()
	constants := algorithmConstants(t)
	for _, alg := range jose.Algorithms() {
		i := slices.Index(constants, alg.Name)
		if i < 0 {
			t.Errorf("there is no constant for %s", alg.Name)
			continue
		}
		constants = slices.Delete(constants, i, i+1)
		cfg := validator.Config{
			Issuers: []string{issuer}, Audiences: []string{audience}, Algorithms: []validator.Algorithm{validator.Algorithm(alg.Name)},
		}
		if alg.Family == jose.HMAC {
			cfg.Secret = make([]byte, alg.Hash.Size())
		}
		if _, err := validator.New(cfg); err != nil {
			t.Errorf("New() with %s error = %v", alg.Name, err)
		}
	}
	if len(constants) > 0 {
		t.Errorf("constants of no algorithm: %q", constants)
	}
}

func algorithmConstants(t *testing.T) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), "config.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range ast.Preorder(file) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			continue
		}
		name, isName := spec.Type.(*ast.Ident)
		value, isLiteral := spec.Values[0].(*ast.BasicLit)
		if isName && isLiteral && name.Name == "Algorithm" {
			text, err := strconv.Unquote(value.Value)
			if err != nil || text != spec.Names[0].Name {
				t.Errorf("%s = %s, want its own name", spec.Names[0].Name, value.Value)
			}
			values = append(values, text)
		}
	}
	return values
}

func TestNew_allMistakes(t *testing.T) {
	t.Parallel()
	_, err := validator.New(validator.Config{
		Issuers: []string{"http://x/"}, Algorithms: []validator.Algorithm{"none", "HS256"}, Leeway: time.Hour,
	})
	if err == nil {
		t.Fatal("New() error = nil")
	}
	for _, want := range []string{"Issuers", "Audiences", "none", "HS256", "Leeway"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("New() error = %v, want %s in it", err, want)
		}
	}
}

// What the caller does to its slices later must not change the decision.
func TestNew_keepsItsOwn(t *testing.T) {
	t.Parallel()
	cfg := config()
	v, err := validator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Issuers[0], cfg.Audiences[0], cfg.Algorithms[0] = "https://evil/", "evil", "ES256"
	if _, err := v.Validate(t.Context(), token(nil, nil)); err != nil {
		t.Errorf("Validate() error = %v after the Config was changed", err)
	}
}

func TestAuth0(t *testing.T) {
	t.Parallel()
	for _, domain := range []string{
		"tenant.eu.auth0.com", "tenant.eu.auth0.com/", " Tenant.EU.auth0.com\n", "https://tenant.eu.auth0.com",
		"HTTPS://tenant.eu.auth0.com/", "http://tenant.eu.auth0.com//",
	} {
		cfg := validator.Auth0(domain, audience)
		if len(cfg.Issuers) != 1 || cfg.Issuers[0] != issuer || len(cfg.Audiences) != 1 || cfg.Audiences[0] != audience {
			t.Errorf("Auth0(%q) = %v, %v", domain, cfg.Issuers, cfg.Audiences)
		}
		if _, err := validator.New(cfg); err != nil {
			t.Errorf("New(Auth0(%q)) error = %v", domain, err)
		}
	}
	for _, domain := range []string{"", "tenant.eu.auth0.com/api/v2", "https://tenant.eu.auth0.com/.well-known/x", "tenant eu", "a?b", "u@h", "*.auth0.com"} {
		if _, err := validator.New(validator.Auth0(domain, audience)); err == nil {
			t.Errorf("New(Auth0(%q)): no error", domain)
		}
	}
}
