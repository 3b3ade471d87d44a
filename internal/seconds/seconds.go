// Package seconds reads and writes the times of HTTP's header fields, which are
// whole seconds.
package seconds

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Parse reads a delta-seconds (RFC 9111, Section 1.2.2), which a Retry-After may
// be, too. Too many digits mean a very long time. It reports false for any other
// text.
func Parse(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > math.MaxInt32 {
		n = math.MaxInt32
	}
	return time.Duration(n) * time.Second, true
}

// RetryAfter returns how long a server asks to be left alone (RFC 9110, Section
// 10.2.3), from 0 to most. The time may be a date.
func RetryAfter(h http.Header, now time.Time, most time.Duration) time.Duration {
	value := h.Get("Retry-After")
	d, ok := Parse(value)
	if !ok {
		date, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		d = date.Sub(now)
	}
	return min(max(d, 0), most)
}

// Age returns the largest value of Age (RFC 9111, Section 5.1), or 0. There
// should be only one. More come from several caches.
func Age(h http.Header) time.Duration {
	var oldest time.Duration
	for value := range strings.SplitSeq(strings.Join(h.Values("Age"), ","), ",") {
		if age, ok := Parse(strings.TrimSpace(value)); ok {
			oldest = max(oldest, age)
		}
	}
	return oldest
}

// RoundUp writes d for a Retry-After. It is rounded up, since a client that
// comes back before the time would be sent away again.
func RoundUp(d time.Duration) string {
	n := int64(d / time.Second)
	if d%time.Second > 0 {
		n++
	}
	return strconv.FormatInt(n, 10)
}
