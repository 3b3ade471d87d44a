package vectors_test

import (
	"context"
	"encoding/base64"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/racing"
	"github.com/rsguard/rsguard/internal/vectors/requests"
	"github.com/rsguard/rsguard/middleware"
)

// A hostileToken is made to cost much.
type hostileToken struct {
	name, text string
	dear       bool // as long as a token may be, and read to its end: its cost is bounded by its size alone
}

func hostileTokens() []hostileToken {
	token := func(header, payload string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + strings.Repeat("A", 342)
	}
	const header, names = `{"alg":"RS256","kid":"rsa"}`, 10_000
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"m` + strconv.Itoa(i) + `":0`)
		}
		return b.String()
	}
	claims := func(more string) string {
		return `{"iss":"https://tenant.example.com/","aud":"https://api.example.com"` + more + `}`
	}
	return []hostileToken{
		{name: "1 MB of periods", text: strings.Repeat(".", 1<<20)},
		{name: "1 MB of letters", text: strings.Repeat("A", 1<<20)},
		{name: "1 MB of payload", text: token(header, claims(`,"a":"`+strings.Repeat("a", 700_000)+`"`))},
		{name: "10,000 header members", text: token(`{"alg":"RS256","kid":"rsa"`+members(names)+`}`, claims(""))},
		{name: "header members, as many as fit", text: token(`{"alg":"RS256","kid":"rsa"`+members(280)+`}`, claims("")), dear: true},
		{name: "10,000 claims", text: token(header, claims(members(names)))},
		{name: "kid of 64 kB", text: token(`{"alg":"RS256","kid":"`+strings.Repeat("k", 64<<10)+`"}`, claims(""))},
		{name: "kid as long as it fits", text: token(`{"alg":"RS256","kid":"`+strings.Repeat("k", 3000)+`"}`, claims(`,"exp":1`))},
		{name: "header nested 100,000 deep", text: token(`{"a":`+strings.Repeat("[", 100_000), claims(""))},
		{name: "header nested as deep as it fits", text: token(`{"a":`+strings.Repeat("[", 3000), claims(""))},
		{name: "payload nested as deep as it fits", text: token(header, `{"a":`+strings.Repeat("[", 11_000))},
		{name: "16 KiB of periods", text: strings.Repeat(".", 16<<10)},
		{name: "16 KiB of letters", text: strings.Repeat("A", 16<<10)},

		{name: "claims, as many as are read", text: token(header, claims(members(1020))), dear: true},
		{name: "claims of one name", text: token(header, claims(strings.Repeat(`,"a":0`, 1020))), dear: true},
		{name: "escapes", text: token(header, claims(`,"a":"`+strings.Repeat(`\u0041`, 1900)+`"`)), dear: true},
		{name: "a number of 11,000 digits", text: token(header, claims(`,"exp":1`+strings.Repeat("0", 11_000))), dear: true},
		{name: "an audience of 2,000", text: token(header, `{"iss":"https://tenant.example.com/","aud":["x"`+strings.Repeat(`,"xy"`, 2000)+`]}`), dear: true},
		{name: "brackets side by side", text: token(header, claims(`,"a":[`+strings.TrimSuffix(strings.Repeat("[],", 3500), ",")+`]`)), dear: true},
	}
}

// Garbage is cheaper to reject than a signature is to check. What must be read
// to its end to be known as garbage, many members above all, costs more, but in
// time and memory no more than its size allows.
func TestHostileSizes(t *testing.T) {
	v, signed := hostileValidator(t)
	signature := cost(t, v, signed)
	t.Logf("%-36s %8v %8d bytes", "a signature that is not good", signature.time, signature.bytes)
	for _, h := range hostileTokens() {
		got := cost(t, v, h.text)
		t.Logf("%-36s %8v %8d bytes, for a token of %d", h.name, got.time, got.bytes, len(h.text))
		limit := signature.time
		if h.dear {
			limit *= 20
		}
		// A signature check is slower with the race detector, but less so than
		// the rest.
		if !racing.Enabled && got.time > limit {
			t.Errorf("Validate(%s) takes %v, a token with a signature %v", h.name, got.time, signature.time)
		}
		if memory := uint64(16<<10 + 24*min(len(h.text), 16<<10)); got.bytes > memory {
			t.Errorf("Validate(%s) allocates %d bytes, want %d at most", h.name, got.bytes, memory)
		}
	}
}

func BenchmarkHostileSizes(b *testing.B) {
	v, signed := hostileValidator(b)
	for _, h := range append([]hostileToken{{name: "a signature that is not good", text: signed}}, hostileTokens()...) {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Validate(b.Context(), h.text); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

type costs struct {
	time  time.Duration
	bytes uint64
}

// cost is the least of many runs: what else the machine does can only add to
// it.
func cost(t *testing.T, v middleware.Validator, token string) costs {
	least := costs{time: math.MaxInt64, bytes: math.MaxUint64}
	var before, after runtime.MemStats
	for range 50 {
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := v.Validate(context.Background(), token)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Fatal("a hostile token is accepted")
		}
		least.time = min(least.time, took)
		least.bytes = min(least.bytes, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// hostileValidator has its keys already. The token is good but for its
// signature.
func hostileValidator(tb testing.TB) (middleware.Validator, string) {
	for _, file := range load(tb) {
		for _, v := range file.Vectors {
			if file.Name == "signatures" && v.Name == "RS256 signature: last bit flipped" {
				val := requests.ValidatorOf(tb, v, requests.ServersOf(file, v), true)
				if _, err := val.Validate(context.Background(), v.Token); verdict(err) != v.Want {
					tb.Fatalf("Validate() error = %v, want %s", err, v.Want)
				}
				return val, v.Token
			}
		}
	}
	tb.Fatal("there is no such vector")
	return nil, ""
}
