package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rsguard/rsguard/internal/secureurl"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// issuer runs the command of that name.
func issuer(ctx context.Context, args []string, _ io.Reader, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("issuer", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:9650", "listen on this `address`")
	configFile := flags.String("config", "", "read clients, APIs, organizations and users from this YAML `file`")
	keysFile := flags.String("keys", "", "keep the keys in this `file` over restarts")
	url := flags.String("url", "", "the issuer's `URL`, if it is not http and the address: https by a proxy, or http on a loopback host")
	profile := flags.String("profile", "", "write the access tokens of all APIs as this issuer does, or in this `form`: "+profileNames())
	printConfig := flags.Bool("print-config", false, "print the configuration as YAML and exit: a file to start from")
	anywhere := flags.Bool("insecure-listen-anywhere", false, "listen on other addresses than loopback, where everyone can get any token")
	if err := parse(flags, args, errOut, 0); err != nil {
		return err
	}

	cfg, err := readConfig(*configFile)
	if err != nil {
		return err
	}
	if *url != "" {
		cfg.URL = *url
	}
	if err := setProfile(&cfg, *profile); err != nil {
		return err
	}
	if *printConfig {
		return writeConfig(out, cfg)
	}
	if _, _, err := net.SplitHostPort(*addr); err != nil {
		return misuse("-addr %s is not an address with a port, such as 127.0.0.1:9650", *addr)
	}
	if !*anywhere && !loopback(*addr) {
		return misuse("%s is not a loopback address: everyone who reaches it could get any token (-insecure-listen-anywhere allows it)", *addr)
	}
	if err := keepKeys(&cfg, *keysFile); err != nil {
		return err
	}
	cfg.Logger = slog.New(slog.NewTextHandler(errOut, nil))

	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := nameAfter(&cfg, listener.Addr()); err != nil {
		return err
	}
	iss, err := mockissuer.New(cfg)
	if err != nil {
		return err
	}
	defer iss.Close()
	if err := trustable(iss.Domains()); err != nil {
		return err
	}
	if _, err := iss.KeyIDs(); err != nil { // makes the keys now, so that the first request does not wait for them
		return err
	}
	mountPage(iss)
	if err := sayWhere(out, iss, *configFile); err != nil {
		return err
	}
	sayPreset(out, iss)
	return serve(ctx, listener, iss)
}

func profileNames() string {
	var names []string
	for _, p := range mockissuer.Profiles() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// setProfile gives all APIs this profile, if there is one.
func setProfile(cfg *mockissuer.Config, profile string) error {
	if profile == "" {
		return nil
	}
	known := mockissuer.Profiles()
	n := slices.IndexFunc(known, func(p mockissuer.Profile) bool { return strings.EqualFold(string(p), profile) })
	if n < 0 {
		return misuse("-profile %s is none of %s", quoted(profile), profileNames())
	}
	for i := range cfg.APIs {
		api := &cfg.APIs[i]
		api.Profile = known[n]
		if shape, ok := mockissuer.ShapeOf(profile); ok && shape.Secret != "" {
			api.Algorithm, api.Secret = shape.Algorithm, cmp.Or(api.Secret, shape.Secret)
		}
	}
	return nil
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// loopback reports whether addr can be reached from this machine alone.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	return secureurl.IsLoopback(host)
}

// nameAfter names the issuer after the address on which it listens, if it has
// no name.
func nameAfter(cfg *mockissuer.Config, addr net.Addr) error {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil || cfg.URL != "" {
		return err
	}
	if !at.Addr().IsLoopback() {
		return misuse("listening on %s, the issuer needs a name by which it is reached, and a proxy with TLS there: -url https://issuer.internal/", at)
	}
	cfg.URL = fmt.Sprintf("http://%s/", at)
	cfg.Domains = append(cfg.Domains, fmt.Sprintf("http://localhost:%d/", at.Port()))
	return nil
}

// trustable rejects URLs that no validator accepts as an issuer, because an
// attacker on the network could change the keys.
func trustable(urls []string) error {
	for _, u := range urls {
		if _, err := secureurl.Parse(u); err != nil {
			return misuse("the issuer's URL %s %w: validators refuse such an issuer", u, err)
		}
	}
	return nil
}

// sayWhere prints what a person needs to begin.
func sayWhere(out io.Writer, iss *mockissuer.Issuer, configFile string) error {
	base := strings.TrimSuffix(iss.URL, "/")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "issuer\t%s\n", iss.URL)
	fmt.Fprintf(table, "page\t%s/\n", base)
	for _, row := range []struct {
		name string
		at   mockissuer.Endpoint
	}{
		{"discovery", mockissuer.EndpointDiscovery},
		{"key set", mockissuer.EndpointKeySet},
		{"token", mockissuer.EndpointToken},
		{"authorization", mockissuer.EndpointAuthorize},
		{"user info", mockissuer.EndpointUserInfo},
		{"introspection", mockissuer.EndpointIntrospection},
		{"revocation", mockissuer.EndpointRevocation},
	} {
		fmt.Fprintf(table, "%s\t%s%s\n", row.name, base, row.at)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if configFile == "" {
		fmt.Fprintln(out, "\nThis is the demo tenant. For one of your own: rsguard issuer -print-config > issuer.yaml")
	}
	if line := curlForToken(iss); line != "" {
		fmt.Fprintf(out, "\nA token:\n\n  %s\n\n", line)
	}
	return nil
}

// sayPreset prints the configuration of each API whose profile is that of a
// real issuer.
func sayPreset(out io.Writer, iss *mockissuer.Issuer) {
	for _, api := range iss.Config().APIs {
		shape, ok := mockissuer.ShapeOf(string(api.Profile))
		if !ok || api.Profile == mockissuer.ProfileAuth0 {
			continue
		}
		note := ""
		if shape.Preset == "UAA" {
			// Its audience is the beginning of the API's scopes.
			shape.Args[1] = shape.AudienceOf(api.Identifier)
			of := func(scope string) bool { return strings.HasPrefix(scope, shape.Args[1]+".") }
			if !slices.ContainsFunc(scopesOf(iss, api), of) {
				note = fmt.Sprintf("No scope of this API begins with %q, as UAA's do, so these tokens are rejected.\n"+
					"Use a file with another API, such as orders with the scope orders.read.\n\n", shape.Args[1]+".")
			}
		}
		var args []string
		for _, arg := range shape.Args {
			args = append(args, fmt.Sprintf("%q", arg))
		}
		fields := []string{fmt.Sprintf("Issuers:   []string{%q}", iss.URL), fmt.Sprintf("Audiences: []string{%q}", shape.AudienceOf(api.Identifier))}
		switch {
		case shape.Secret != "":
			fields = append(fields, "Secret:    that of the API")
		case shape.Claims["iss"] == nil:
			fields[0] = fmt.Sprintf("Keys:      those of jwks.NewCache(jwks.Config{Issuer: %q})", iss.URL)
		default:
			fields = append(fields, "Keys:      nil")
		}
		fmt.Fprintf(out, "\nTokens for %s are as %s writes them. They are accepted by the Config of\n\n  issuers.%s(%s)\n\n"+
			"with these fields changed:\n\n  %s\n\n%s",
			api.Identifier, shape.Name, shape.Preset, strings.Join(args, ", "), strings.Join(fields, "\n  "), note)
	}
}

// scopesOf returns the scopes that tokens for an API can have.
func scopesOf(iss *mockissuer.Issuer, api mockissuer.API) []string {
	scopes := slices.Clone(api.Scopes)
	for _, client := range iss.Config().Clients {
		for _, grant := range client.Grants {
			if grant.API == api.Identifier {
				scopes = append(scopes, grant.Scopes...)
			}
		}
	}
	return scopes
}

// curlForToken returns a command line that gets a token, if there is a client
// with client credentials.
func curlForToken(iss *mockissuer.Issuer) string {
	for _, c := range iss.Config().Clients {
		if c.Secret == "" || len(c.Grants) == 0 {
			continue
		}
		line := []string{"curl -s " + shell(strings.TrimSuffix(iss.URL, "/")+string(mockissuer.EndpointToken))}
		for _, p := range [][2]string{
			{"grant_type", "client_credentials"}, {"client_id", c.ID}, {"client_secret", c.Secret}, {"audience", c.Grants[0].API},
		} {
			line = append(line, "--data-urlencode "+shell(p[0]+"="+p[1]))
		}
		return strings.Join(line, " \\\n    ")
	}
	return ""
}

// shell quotes s for a POSIX shell if necessary.
func shell(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// keepKeys makes the issuer begin with the keys in file, and write changed keys
// to it.
func keepKeys(cfg *mockissuer.Config, file string) error {
	if file == "" {
		return nil
	}
	keys, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if info, statErr := os.Stat(file); statErr == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others: chmod 600 %s", file, shell(file))
	}
	cfg.Keys = keys
	cfg.KeysChanged = func(keys []byte) error { return replaceFile(file, keys) }
	return nil
}

// replaceFile writes a new file beside file and renames it. A reader, even
// after an interruption, sees either the old file or the new one.
func replaceFile(file string, content []byte) error {
	// CreateTemp makes a file of mode 0600.
	temporary, err := os.CreateTemp(filepath.Dir(file), ".rsguard-keys-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(content); err != nil {
		return errors.Join(err, temporary.Close())
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
