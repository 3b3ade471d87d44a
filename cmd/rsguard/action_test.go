package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// An action is what action.yml says.
type action struct {
	Name, Description string
	Branding          map[string]string
	Inputs            map[string]struct {
		Description string
		Required    bool
		Default     *string
	}
	Runs struct {
		Using string
		Steps []struct {
			Uses  string
			With  map[string]string
			Shell string
			Env   map[string]string
			Run   string
		}
	}
}

// readAction returns action.yml, its script, and the script's variables.
func readAction(t *testing.T) (a action, script string, env map[string]string) {
	t.Helper()
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, &a, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for _, step := range a.Runs.Steps {
		if step.Run != "" {
			if step.Shell != "bash" || script != "" {
				t.Fatalf("action.yml has a second script, or one for %q, want one for bash", step.Shell)
			}
			script, env = step.Run, step.Env
		}
	}
	return a, script, env
}

var variable = regexp.MustCompile(`\$\{?([A-Z_]+)`)

func TestAction_form(t *testing.T) {
	t.Parallel()

	a, script, env := readAction(t)
	if a.Runs.Using != "composite" || a.Name == "" || a.Description == "" {
		t.Errorf("action.yml = %+v, want a composite action with a name and a description", a)
	}
	if strings.Contains(script, "${{") {
		t.Error("the script of action.yml has an expression: an input could change what it does")
	}
	var used []string
	for _, found := range variable.FindAllStringSubmatch(script, -1) {
		used = append(used, found[1])
		if env[found[1]] == "" {
			t.Errorf("the script of action.yml uses $%s, which no env sets", found[1])
		}
	}
	for name, value := range env {
		if !slices.Contains(used, name) {
			t.Errorf("the script of action.yml does not use $%s", name)
		}
		input, ok := strings.CutPrefix(value, "${{ inputs.")
		if _, known := a.Inputs[strings.TrimSuffix(input, " }}")]; ok && !known {
			t.Errorf("$%s = %q, which is no input", name, value)
		}
	}
	for name, input := range a.Inputs {
		if input.Description == "" || input.Required == (input.Default != nil) {
			t.Errorf("the input %s = %+v, want a description and, unless it is required, a default", name, input)
		}
		if !slices.Contains(slices.Collect(maps.Values(env)), "${{ inputs."+name+" }}") {
			t.Errorf("the input %s is not given to the script", name)
		}
	}
}

// The script of the action starts the API, sees it pass, and stops it.
func TestAction(t *testing.T) {
	t.Parallel()

	if runtime.GOOS == "windows" {
		t.Skip("the API of this test is started by a shell of Unix")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	_, script, env := readAction(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	api, issuer := freeAddr(t), freeAddr(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}

	run := func(audience string, more ...string) (status int, out string) {
		cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)
		cmd.Dir = folder
		// A process between the shell and the API, as "npm start" has one.
		start := fmt.Sprintf("env ACTION_API=%s ACTION_ISSUER=http://%s/ ACTION_AUDIENCE=%s %s -test.run=^TestActionAPI$; true", api, issuer, audience, self)
		given := map[string]string{
			"ACTION": root, "TEMPORARY": folder, "URL": "http://" + api + "/orders", "START": start,
			"FLAGS": "-only=form,leak\n" + strings.Join(more, "\n"), "ISSUER_ADDR": issuer, "BASELINE": "", "REPORTS": "the reports",
		}
		cmd.Env = os.Environ()
		for name := range env {
			value, ok := given[name]
			if !ok {
				t.Fatalf("this test has no value for $%s", name)
			}
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		text, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatalf("bash: %v", err)
		}
		return cmd.ProcessState.ExitCode(), string(text)
	}

	if status, out := run(mockissuer.DefaultAudience); status != 0 {
		t.Fatalf("the action for a good API = %d, want 0\n%s", status, out)
	}
	file, err := os.Open(filepath.Join(folder, "the reports", "conform.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	report, err := conform.ReadReport(file)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(report.Results, func(r conform.Result) bool { return r.ID == "leak/log" }); i < 0 || report.Results[i].Outcome != conform.Passed {
		t.Errorf("the action's report has %d results, want leak/log among those that passed", len(report.Results))
	}
	for _, name := range []string{"conform.html", "conform.xml", "api.log"} {
		if info, err := os.Stat(filepath.Join(folder, "the reports", name)); err != nil || info.Size() == 0 {
			t.Errorf("%s = %v, want what it is for", name, err)
		}
	}
	// Its port is free again, or the next API could not have it.
	status, out := run("https://other.example.com", "-wait=5s")
	if status != exitNotTried || !strings.Contains(out, "did not accept a good token: 401") || !strings.Contains(out, "the API of the test listens") {
		t.Errorf("the action for an API with another audience = %d, %q, want %d, why, and the log", status, out, exitNotTried)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestActionAPI is the API of TestAction, in a process of its own.
func TestActionAPI(t *testing.T) {
	addr := os.Getenv("ACTION_API")
	if addr == "" {
		t.Skip("it is a part of TestAction")
	}
	a := &api{t: t, audience: os.Getenv("ACTION_AUDIENCE")}
	handler := a.guarded(os.Getenv("ACTION_ISSUER"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("the API of the test listens")
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	_ = server.Serve(listener)
}
