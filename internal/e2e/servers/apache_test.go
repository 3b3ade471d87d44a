package servers_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// apacheModules are where Debian has the modules of the Apache HTTP server.
const apacheModules = "/usr/lib/apache2/modules/"

// apacheConfig guards a file by mod_oauth2, with the rules for claims that its
// documentation shows.
const apacheConfig = `
ServerName localhost
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
Listen %[2]s
LoadModule mpm_event_module %[3]smod_mpm_event.so
LoadModule authn_core_module %[3]smod_authn_core.so
LoadModule authz_core_module %[3]smod_authz_core.so
LoadModule alias_module %[3]smod_alias.so
LoadModule oauth2_module %[3]smod_oauth2.so
Alias /orders /usr/share/apache2/default-site/index.html
<Location /orders>
  AuthType oauth2
  OAuth2TokenVerify jwks_uri %[4]s.well-known/jwks.json "verify.exp=required"
  <RequireAll>
    Require oauth2_claim iss:%[4]s
    Require oauth2_claim aud:%[5]s
    Require oauth2_claim scope:%[6]s
  </RequireAll>
</Location>
`

// startApache runs the Apache HTTP server until the test ends, and returns the
// URL of the API. Without the server or the module the test is skipped.
func startApache(t *testing.T, issuer string) (url string) {
	t.Helper()
	program, err := exec.LookPath("apache2")
	if err != nil {
		t.Skip(err)
	}
	if _, err := os.Stat(apacheModules + "mod_oauth2.so"); err != nil {
		t.Skip(err)
	}
	// It can't say which port it has chosen, so a free one is looked for.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	config := fmt.Sprintf(apacheConfig, dir, address, apacheModules, issuer, audience, scope)
	if os.Getuid() == 0 {
		config += "User www-data\nGroup www-data\n"
	}
	file := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-DFOREGROUND", "-f", file)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // which it passes on to its children
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("apache2 says %s\n%.2000s", &said, log)
		}
	})
	return "http://" + address + "/orders"
}
