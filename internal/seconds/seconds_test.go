package seconds_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/seconds"
)

const long = math.MaxInt32 * time.Second

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, "007": 7 * time.Second,
		"2147483647": long, "2147483648": long, "9223372036854775807": long, "9223372036854775808": long, strings.Repeat("9", 1000): long,
		"": -1, "-7": -1, "+7": -1, " 7": -1, "7 ": -1, "7.5": -1, "7e3": -1, "0x7": -1, "1_0": -1, "7,8": -1, "٧": -1, "soon": -1,
	} {
		if got, ok := seconds.Parse(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("Parse(%.40q) = %v, %t, want %v", text, got, ok, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "300": 5 * time.Minute, "301": 5 * time.Minute, "soon": 0,
		"99999999999999999999":                            5 * time.Minute, // a long time, and not none
		now.Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
		now.Add(9 * time.Second).Format(time.RFC850):      9 * time.Second,
		now.Add(9 * time.Second).Format(time.ANSIC):       9 * time.Second,
		now.Add(-9 * time.Second).Format(http.TimeFormat): 0,
		now.AddDate(7000, 0, 0).Format(http.TimeFormat):   5 * time.Minute,
		"Fri, 31 Dec 9999 23:59:59 GMT":                   5 * time.Minute,
		"Fri, 31 Dec 99999 23:59:59 GMT":                  0,
	} {
		h := http.Header{"Retry-After": {value}}
		if got := seconds.RetryAfter(h, now, 5*time.Minute); got != want {
			t.Errorf("RetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []string
		want   time.Duration
	}{
		{nil, 0}, {[]string{""}, 0}, {[]string{"7"}, 7 * time.Second}, {[]string{"old"}, 0}, {[]string{"-1"}, 0},
		{[]string{"7, 9 ,8"}, 9 * time.Second}, {[]string{"7", "9", "x"}, 9 * time.Second}, {[]string{"99999999999999999999"}, long},
	} {
		if got := seconds.Age(http.Header{"Age": tt.values}); got != tt.want {
			t.Errorf("Age(%q) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestRoundUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0", 1: "1", time.Second - 1: "1", time.Second: "1", time.Second + 1: "2", 5 * time.Minute: "300",
		-1: "0", -time.Second: "-1", math.MaxInt64: "9223372037",
	} {
		if got := seconds.RoundUp(d); got != want {
			t.Errorf("RoundUp(%v) = %q, want %q", d, got, want)
		}
	}
}

// Whatever a server sends, the wait is from nothing to the most.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"7", "-7", "99999999999999999999", "Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02-Jan-26 03:04:05 GMT"} {
		f.Add(value)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		got := seconds.RetryAfter(http.Header{"Retry-After": {value}}, now, time.Minute)
		if got < 0 || got > time.Minute {
			t.Errorf("RetryAfter(%q) = %v, want 0 to 1m", value, got)
		}
		d, ok := seconds.Parse(value)
		if again, fine := seconds.Parse(seconds.RoundUp(d)); ok && (!fine || again != d) {
			t.Errorf("Parse(RoundUp(%v)) = %v, %t, want it", d, again, fine)
		}
	})
}
