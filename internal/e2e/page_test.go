package e2e_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rsguard/rsguard/jwks"
	"github.com/rsguard/rsguard/validator"
)

// startIssuer runs the program until the test ends, and returns where it is.
func startIssuer(t *testing.T) (url string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rsguard")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/rsguard")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "issuer", "-addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 2 {
		t.Fatalf("rsguard issuer said %q, %v, want where it is", line, err)
	}
	return fields[1]
}

// openBrowser returns a context for chromedp whose page reports what the
// console says as failures of the test, but for what is expected.
func openBrowser(t *testing.T, javaScript bool, expected string) context.Context {
	t.Helper()
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		t.Skip("the page is not tried: there is no chromium")
	}

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("blink-settings", map[bool]string{true: "", false: "scriptEnabled=false"}[javaScript]),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw %s (%s)", event.ExceptionDetails.Text, event.ExceptionDetails.URL)
		case *log.EventEntryAdded: // a breach of the Content-Security-Policy is one of these
			if !strings.Contains(event.Entry.Text, expected) {
				t.Errorf("the browser says: %s: %s (%s)", event.Entry.Level, event.Entry.Text, event.Entry.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func act(t *testing.T, ctx context.Context, what string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// into returns an action that runs a and stores its value in dst.
func into[T any](dst *T, a chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) (err error) {
		*dst, err = a(ctx, target)
		return err
	})
}

func TestPage(t *testing.T) {
	for _, javaScript := range []bool{true, false} {
		t.Run(map[bool]string{true: "with JavaScript", false: "without JavaScript"}[javaScript], func(t *testing.T) {
			ctx := openBrowser(t, javaScript, "status of 422") // a mistake in a form
			url := startIssuer(t)
			v := remoteValidator(t, url)
			var token, verdict, text string

			act(t, ctx, "open", chromedp.Navigate(url), chromedp.WaitVisible("#mint"))
			act(t, ctx, "mint",
				chromedp.SetValue("#mint [name=organization]", "org_demo"),
				chromedp.SetValue("#mint [name=scope]", "orders:read orders:write"),
				chromedp.SetValue("#mint [name=lifetime]", "5m"),
				chromedp.SetValue("#mint [name=claims]", `{"https://example.com/tenant": 7}`),
				chromedp.Click("#mint form button"),
				chromedp.WaitVisible("#minted"),
				into(&token, chromedp.Value("#minted")),
				into(&verdict, chromedp.Text("#explain .verdict")),
			)
			claims, err := v.Validate(t.Context(), token)
			if err != nil || claims.OrgID != "org_demo" || !claims.HasScope("orders:write") || time.Until(claims.ExpiresAt) > 5*time.Minute {
				t.Errorf("Validate(the minted token) = %+v, %v, want what the form asked for", claims, err)
			}
			if verdict != "Accepted" {
				t.Errorf("the minted token is explained as %q, want accepted", verdict)
			}
			if javaScript {
				act(t, ctx, "copy", chromedp.WaitVisible("button.copy"))
			}
			screenshot(t, ctx, map[bool]string{true: "minted.png", false: "minted-without-javascript.png"}[javaScript])

			act(t, ctx, "mint a bad one",
				chromedp.SetValue("#mint [name=bad]", "another audience"),
				chromedp.Click("#mint form button"),
				chromedp.WaitVisible("#explain .verdict.failed"),
				into(&verdict, chromedp.Text("#explain .verdict")),
				into(&text, chromedp.Text("#mint .result p")),
			)
			if !strings.Contains(verdict, "wrong_audience") || !strings.Contains(text, "RFC 7519") {
				t.Errorf("a bad token is explained as %q, %q, want wrong_audience and its reason", verdict, text)
			}
			screenshot(t, ctx, map[bool]string{true: "refused.png", false: "refused-without-javascript.png"}[javaScript])

			const hostile = `"><script>document.title="scripted"</script><img src=x onerror='document.title="scripted"'>`
			act(t, ctx, "explain what is no token",
				chromedp.SetValue("#explain textarea", hostile),
				chromedp.Click("#explain form button"),
				chromedp.WaitVisible("#mistake-token"),
				into(&verdict, chromedp.Text("#mistake-token")),
				into(&text, chromedp.Title()),
				into(&token, chromedp.Value("#explain textarea")),
			)
			if token != hostile || text == "scripted" || verdict == "" {
				t.Errorf("a hostile token is shown as %q under the title %q and answered by %q, want it as it was and what it is", token, text, verdict)
			}

			act(t, ctx, "a mistake in the form",
				chromedp.SetValue("#mint [name=bad]", ""),
				chromedp.SetValue("#mint [name=claims]", `{"broken`),
				chromedp.Click("#mint form button"),
				chromedp.WaitVisible("#mistake-claims"),
				into(&text, chromedp.Text("#mistake-claims")),
			)
			if !strings.Contains(text, "JSON") {
				t.Errorf("a mistake is answered by %q, want that the claims are no JSON", text)
			}

			var before, after string
			act(t, ctx, "rotate",
				into(&before, chromedp.Text("#keys li code")),
				chromedp.Click("#keys form button"),
			)
			act(t, ctx, "see the new key",
				chromedp.WaitVisible("//*[@id='keys']//code[not(.='"+before+"')]"),
				into(&after, chromedp.Text("#keys li code")),
			)
			if before == after || after == "" {
				t.Errorf("the key before rotating is %q and after it %q, want another", before, after)
			}

			act(t, ctx, "fail",
				chromedp.SetValue("#faults [name=kind]", "status"),
				chromedp.SetValue("#faults [name=status]", "503"),
				chromedp.SetValue("#faults [name=times]", "1"),
				chromedp.Click("#faults form button"),
				chromedp.WaitVisible("//*[@id='faults']//li[contains(.,'status 503')]"),
			)
			if status := get(t, url+".well-known/jwks.json"); status != http.StatusServiceUnavailable {
				t.Errorf("the key set with a fault = %d, want 503", status)
			}
			act(t, ctx, "take it down",
				chromedp.Click("//button[.='Take it off the net']"),
				chromedp.WaitVisible("#faults .failed"),
			)
			if javaScript {
				act(t, ctx, "see where the keyboard is", into(&text, chromedp.Evaluate[string](`document.activeElement.textContent`)))
				if text != "Put it back" {
					t.Errorf("the keyboard is at %q after the button, want it at Put it back", text)
				}
			}
			if status := get(t, url+".well-known/jwks.json"); status != 0 {
				t.Errorf("the key set while down = %d, want no answer", status)
			}
			act(t, ctx, "put it back, and no more than that",
				chromedp.SetValue("#faults [name=kind]", "empty set"),
				chromedp.Click("#fail-button"),
				chromedp.WaitVisible("//*[@id='faults']//li[contains(.,'empty set')]"),
				chromedp.Click("//button[.='Put it back']"),
				chromedp.WaitVisible("//button[.='Take it off the net']"),
				into(&text, chromedp.Text("#faults li")),
			)
			if !strings.Contains(text, "empty set") {
				t.Errorf("the faults when it is back on the net are %q, want the empty set still", text)
			}
			act(t, ctx, "explain what is too long, and keep it",
				chromedp.SetValue("#explain textarea", strings.Repeat("x", 70_000)),
				chromedp.Click("#explain-button"),
				chromedp.WaitVisible("#mistake-token"),
				into(&token, chromedp.Value("#explain textarea")),
			)
			if len(token) != 70_000 {
				t.Errorf("what was too long to explain has %d bytes afterwards, want 70000", len(token))
			}
			act(t, ctx, "heal",
				chromedp.Click("//button[.='Undo all']"),
				chromedp.WaitVisible("//*[@id='faults']//li[.='none']"),
			)
			if status := get(t, url+".well-known/jwks.json"); status != http.StatusOK {
				t.Errorf("the key set when all is undone = %d, want 200", status)
			}
			if javaScript {
				act(t, ctx, "see the last requests without a reload",
					chromedp.WaitVisible("//*[@id='requests']//td[.='200']"))
			}
		})
	}
}

// TestPageFromElsewhere posts to the page from another site, as its visitor's
// browser would.
func TestPageFromElsewhere(t *testing.T) {
	ctx := openBrowser(t, true, "status of 40") // the refusal
	url := startIssuer(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!DOCTYPE html><link rel="icon" href="data:,"><form method="post" action="` + url + `page/down"><button>Win</button></form>`))
	}))
	t.Cleanup(elsewhere.Close)

	var text string
	act(t, ctx, "post", chromedp.Navigate(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)),
		chromedp.Evaluate[chromedp.Void](`document.querySelector("form").submit()`),
		chromedp.WaitVisible("//pre[contains(.,'cross-origin')]"),
		into(&text, chromedp.Text("pre")))
	if status := get(t, url+".well-known/jwks.json"); status != http.StatusOK {
		t.Errorf("the key set after a post from elsewhere = %d, want 200; the post was answered by %q", status, text)
	}
}

func remoteValidator(t *testing.T, url string) *validator.Validator {
	t.Helper()
	keys, err := jwks.NewCache(jwks.Config{Issuer: url})
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.New(validator.Config{Issuers: []string{url}, Audiences: []string{audience}, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// get returns the status, or 0 if there is no answer.
func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// screenshot writes a picture into the folder that SCREENSHOTS names.
func screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	var picture []byte
	act(t, ctx, "screenshot", into(&picture, chromedp.CaptureScreenshot()))
	if err := os.WriteFile(filepath.Join(folder, name), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
