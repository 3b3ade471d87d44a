package middleware_test

import (
	"strings"
	"testing"

	"github.com/rsguard/rsguard/middleware"
)

func TestNew(t *testing.T) {
	t.Parallel()

	var (
		typedNil *subjects
		nilFunc  validateFunc
	)
	ok := new(subjects)
	for _, tt := range []struct {
		name string
		cfg  middleware.Config
		want []string // in the error's text, in order; none for no error
	}{
		{name: "a Validator alone", cfg: middleware.Config{Validator: ok}},
		{name: "nothing", want: []string{"Validator is nil"}},
		{name: "a nil pointer", cfg: middleware.Config{Validator: typedNil}, want: []string{"Validator is nil"}},
		{name: "a nil function", cfg: middleware.Config{Validator: nilFunc}, want: []string{"Validator is nil"}},

		{name: "a realm", cfg: middleware.Config{Validator: ok, Realm: ` orders "v2" \ ~`}},
		{name: "a realm of two lines", cfg: middleware.Config{Validator: ok, Realm: "a\r\nSet-Cookie: b"}, want: []string{"Realm"}},
		{name: "a realm with a tab", cfg: middleware.Config{Validator: ok, Realm: "a\tb"}, want: []string{"Realm"}},
		{name: "a realm with DEL", cfg: middleware.Config{Validator: ok, Realm: "a\x7f"}, want: []string{"Realm"}},
		{name: "a realm beyond ASCII", cfg: middleware.Config{Validator: ok, Realm: "é"}, want: []string{"Realm"}},

		{name: "metadata", cfg: metadata(ok, "https://api.example.com/.well-known/oauth-protected-resource/v1?a=b")},
		{name: "metadata on loopback", cfg: metadata(ok, "http://127.0.0.1:8080/x")},
		{name: "metadata on loopback, IPv6", cfg: metadata(ok, "http://[::1]:8080/x")},
		{name: "metadata on localhost", cfg: metadata(ok, "http://localhost/x")},
		{name: "metadata by http", cfg: metadata(ok, "http://api.example.com/x"), want: []string{"neither https nor http"}},
		{name: "metadata on a host like loopback", cfg: metadata(ok, "http://127.0.0.1.example.com/x"), want: []string{"neither"}},
		{name: "metadata by ftp", cfg: metadata(ok, "ftp://api.example.com/x"), want: []string{"neither"}},
		{name: "metadata without scheme", cfg: metadata(ok, "api.example.com/x"), want: []string{"no host"}},
		{name: "metadata without host", cfg: metadata(ok, "https:///x"), want: []string{"no host"}},
		{name: "metadata with a port alone", cfg: metadata(ok, "https://:443/x"), want: []string{"no host"}},
		{name: "metadata with a user", cfg: metadata(ok, "https://u:p@api.example.com/x"), want: []string{"has credentials"}},
		{name: "metadata with a fragment", cfg: metadata(ok, "https://api.example.com/x#y"), want: []string{"fragment"}},
		{name: "metadata with a quote", cfg: metadata(ok, `https://api.example.com/", a="b`), want: []string{"characters"}},
		{name: "metadata with a space", cfg: metadata(ok, "https://api.example.com/a b"), want: []string{"characters"}},
		{name: "metadata of two lines", cfg: metadata(ok, "https://api.example.com/a\nb"), want: []string{"characters"}},
		{name: "metadata with a bad escape", cfg: metadata(ok, "https://api.example.com/%zz"), want: []string{"not a URL"}},

		{
			name: "everything at once",
			cfg:  middleware.Config{Realm: "\n", ResourceMetadata: "x"},
			want: []string{"Validator", "Realm", "ResourceMetadata"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			auth, err := middleware.New(tt.cfg)
			if (auth == nil) != (len(tt.want) > 0) || (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("New() = %v, %v, want errors %q", auth, err, tt.want)
			}
			rest := ""
			if err != nil {
				rest = err.Error()
			}
			for _, want := range tt.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("New() error = %q, want %q in it, in order", err, tt.want)
				}
				rest = after
			}
		})
	}
}

func metadata(v middleware.Validator, url string) middleware.Config {
	return middleware.Config{Validator: v, ResourceMetadata: url}
}
