package conform_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/rsguard/rsguard/testutil"
	"github.com/rsguard/rsguard/testutil/conform"
)

var (
	tag = regexp.MustCompile(`<[^>]*>`)
	// active is what a tag loads from elsewhere or runs.
	active = regexp.MustCompile(`(?i)^<(script|img|link|iframe|object|embed|base|form|svg)\b|\b(src|on\w+|style)\s*=|\bhref="[^#]`)
	// loaded is what a style sheet loads.
	loaded = regexp.MustCompile(`(?i)url\(|@import`)
)

// A report of an API that answers with markup, control characters and its own
// tokens is text, JSON, XML and HTML that show them and do nothing.
func TestReport_hostile(t *testing.T) {
	t.Parallel()

	report := reportOf(t, conform.Target{Only: []string{"good", "request", "challenge", "time", "leak"}}, func(*testing.T, *testutil.Issuer) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			if strings.HasPrefix(token, "ey") {
				return
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+"\u009b2J\u202e\xff"+`]]><script>alert(1)</script><img src=x onerror=alert(2)>'", error="`+token+`"`)
			w.Header().Set("Location", `javascript:alert(3)"><svg onload=alert(4)>`)
			w.WriteHeader(http.StatusForbidden)
		})
	})
	report.Compare(&conform.Report{Results: report.Results[:1]})
	if n := len(report.Failures(conform.Levels()...)); n < 10 {
		t.Fatalf("%d failures, want 10 or more: %+v", n, report.Results)
	}
	for name, write := range map[string]func(io.Writer) error{
		"text":  report.WriteText,
		"JSON":  report.WriteJSON,
		"JUnit": report.WriteJUnit,
		"HTML":  func(out io.Writer) error { return report.WriteHTML(out, report) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text := out.String()
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != unicode.ReplacementChar }); i >= 0 {
			t.Errorf("%s has the character %q", name, text[i:min(len(text), i+20)])
		}
		if found := regexp.MustCompile(`ey[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}`).FindString(text); found != "" {
			t.Errorf("%s has a token: %s…", name, found[:20])
		}
		switch name {
		case "text":
			if !strings.Contains(text, "sent     GET /orders\n           Authorization: Bearer {\"alg\":") {
				t.Errorf("the text has no request: %s", text)
			}
		case "JUnit":
			for d := xml.NewDecoder(&out); ; {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("JUnit: %v", err)
				}
			}
		case "HTML":
			for _, found := range tag.FindAllString(text, -1) {
				if active.MatchString(found) {
					t.Errorf("the page has %s", found)
				}
			}
			if style, _, _ := strings.Cut(text, "</style>"); loaded.MatchString(style) {
				t.Error("the style sheet loads something")
			}
		}
	}

	var out bytes.Buffer
	if err := report.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	again, err := conform.ReadReport(&out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(again.Results), len(report.Results); got != want {
		t.Errorf("ReadReport reads %d results, want %d", got, want)
	}
}
