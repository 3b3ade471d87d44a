package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// TestReport opens the HTML report of a real run, of an API that accepts all
// that looks like a token, compared with an earlier run.
func TestReport(t *testing.T) {
	axe := needAxe(t)
	iss := testutil.NewIssuer(t, mockissuer.Demo())
	const hostile = `<img src=x onerror='document.title="scripted"'><script>document.title="scripted"</script>`
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+hostile+`"`)
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(api.Close)
	runner, err := conform.New(conform.Target{URL: api.URL + "/orders", Only: []string{"good", "request", "challenge", "form", "time"}}, iss.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	report, err := runner.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	earlier := *report
	earlier.Results = nil
	for i, result := range report.Results {
		switch {
		case result.Outcome == conform.Passed: // mended since
			result.Outcome = conform.Failed
		case result.Outcome == conform.Failed && i%2 == 0: // new
			result.Outcome = conform.Passed
		}
		earlier.Results = append(earlier.Results, result)
	}
	report.Compare(&earlier)

	name := filepath.Join(t.TempDir(), "report.html")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.WriteHTML(file, &earlier); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	ctx := openBrowser(t, true, "")
	for _, look := range looks {
		look.emulate(t, ctx)
		var title, background string
		var failures, wide, high int
		act(t, ctx, "open",
			chromedp.Navigate("file://"+name), chromedp.WaitVisible("article.failure"),
			into(&title, chromedp.Title()),
			into(&failures, chromedp.Evaluate[int](`document.querySelectorAll("article.failure").length`)),
			into(&wide, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)),
			into(&high, chromedp.Evaluate[int](`Math.max(...[...document.querySelectorAll("thead th")].map((th) => th.offsetHeight))`)),
			into(&background, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`)))
		if want := "Conformance of " + api.URL + "/orders"; title != want {
			t.Errorf("%s: the title = %q, want %q", look, title, want)
		}
		if want := len(report.Failures(conform.Levels()...)) + report.Count(conform.Must).Known + report.Count(conform.Should).Known + report.Count(conform.May).Known; failures != want || failures < 10 {
			t.Errorf("%s: the page shows %d failures, want %d", look, failures, want)
		}
		if int64(wide) > look.width {
			t.Errorf("%s: the page is %d px wide, want %d", look, wide, look.width)
		}
		if high > 40 { // two lines
			t.Errorf("%s: a heading of a table is %d px high, so its words are broken", look, high)
		}
		if dark := background != "rgb(255, 255, 255)"; dark != (look.scheme == "dark") {
			t.Errorf("%s: the background is %s", look, background)
		}
		screenshot(t, ctx, "report-"+look.String()+".png")
		act(t, ctx, "see all cases", chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => { d.open = true }); document.querySelector("details").scrollIntoView()`))
		screenshot(t, ctx, "report-cases-"+look.String()+".png")
		axe.run(t, ctx, "the report, "+look.String())
	}
}
