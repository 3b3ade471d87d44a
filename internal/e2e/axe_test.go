package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestPageIsAccessible looks for barriers by the rules of WCAG 2.2, levels A
// and AA, that a program can check, in every state of the page.
func TestPageIsAccessible(t *testing.T) {
	axe := needAxe(t)

	type actions = []chromedp.Action[chromedp.Void]
	states := []struct {
		name    string
		actions actions
	}{
		{"new", actions{chromedp.WaitVisible("#mint")}},
		{"a mistake", actions{
			chromedp.SetValue("#mint [name=lifetime]", "long"),
			chromedp.Click("#mint-button"), chromedp.WaitVisible("#mistake-lifetime"),
		}},
		{"minted", actions{
			chromedp.SetValue("#mint [name=lifetime]", "5m"),
			chromedp.Click("#mint-button"), chromedp.WaitVisible("#explain .verdict.passed"),
		}},
		{"rejected", actions{
			chromedp.SetValue("#mint [name=bad]", "another audience"),
			chromedp.Click("#mint-button"), chromedp.WaitVisible("#explain .verdict.failed"),
		}},
		{"several keys", actions{
			chromedp.SetValue("#keys [name=step]", "publish"),
			chromedp.Click("#rotate-button"), chromedp.WaitVisible("#keys li:nth-child(2)"),
		}},
		{"faults", actions{
			chromedp.SetValue("#faults [name=times]", "2"),
			chromedp.Click("#fail-button"),
			chromedp.WaitVisible("//*[@id='faults']//li[contains(.,'for 2 more answers')]"),
			chromedp.Click("#net-button"), chromedp.WaitVisible("//button[.='Put it back']"),
		}},
		{"a mistake in a fault", actions{
			chromedp.SetValue("#faults [name=status]", "99"),
			chromedp.Click("#fail-button"), chromedp.WaitVisible("#mistake-status"),
		}},
	}
	for _, look := range looks {
		ctx := openBrowser(t, true, "status of 422")
		look.emulate(t, ctx)
		act(t, ctx, "open", chromedp.Navigate(startIssuer(t)))
		for _, state := range states {
			act(t, ctx, state.name, state.actions...)
			screenshot(t, ctx, strings.ReplaceAll(state.name, " ", "-")+"-"+look.String()+".png")
			axe.run(t, ctx, state.name+", "+look.String())
		}
	}
}

// A look is how a page is seen.
type look struct {
	scheme string
	width  int64
}

var looks = []look{{"light", 1440}, {"dark", 1440}, {"light", 360}, {"dark", 360}}

func (l look) String() string { return l.scheme + map[bool]string{true: "-phone"}[l.width < 500] }

func (l look) emulate(t *testing.T, ctx context.Context) {
	t.Helper()
	act(t, ctx, "look",
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
			})
			return err
		}),
		chromedp.EmulateViewport(l.width, 900))
}

// An axe is the text of axe-core.
type axe string

func needAxe(t *testing.T) axe {
	t.Helper()
	text, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("axe-core is not installed: npm ci in internal/e2e/axe")
	}
	if err != nil {
		t.Fatal(err)
	}
	return axe(text)
}

// run looks for barriers in the page that the browser shows.
func (a axe) run(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	var found string
	act(t, ctx, "axe", into(&found, chromedp.Evaluate[string](string(a)+`;axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
	}).then((result) => JSON.stringify({
		checked: result.passes.length,
		violations: result.violations.map((v) => [v.id, v.help, ...v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary)]),
	}))`, chromedp.EvalAwaitPromise)))
	var result struct {
		Checked    int        `json:"checked"`
		Violations [][]string `json:"violations"`
	}
	if err := json.Unmarshal([]byte(found), &result); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d rules pass, %d do not", what, result.Checked, len(result.Violations))
	if result.Checked < 10 || len(result.Violations) > 0 {
		t.Errorf("%s: %d rules pass, want 10 or more; violations: %q", what, result.Checked, result.Violations)
	}
}
