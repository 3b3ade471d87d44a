package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rsguard/rsguard/benchmarks/measure"
	"github.com/rsguard/rsguard/benchmarks/rows"
	"github.com/rsguard/rsguard/validator"
)

// maxDecode is how many bare signature checks [validator.Claims.Decode] may
// cost, whatever is in a token of the default size.
const maxDecode = 8 // measured are 4.9 to 6.9: it allocates, and machines differ in what that costs

// BenchmarkDecode has the inputs that Decode takes longest for. It reports the
// ratio to the bare RS256 check of the same token.
func BenchmarkDecode(b *testing.B) {
	issuer := newIssuer(b, "RS256")
	for _, in := range newDecodings(b, issuer) {
		b.Run(in.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := in.decode(); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(in.ratio(b), "RS256/op")
		})
	}
}

// TestGateDecode holds every input below the bound. What disturbs a run makes
// no ratio better, so the best of some counts.
func TestGateDecode(t *testing.T) {
	issuer := newIssuer(t, "RS256")
	for _, in := range newDecodings(t, issuer) {
		best := in.ratio(t)
		for range 7 {
			if best <= maxDecode {
				break
			}
			best = min(best, in.ratio(t))
		}
		t.Logf("%-40s %.1f × the signature", in.name, best)
		if best > maxDecode {
			t.Errorf("Decode of %s / signature = %.1f, want at most %d", in.name, best, maxDecode)
		}
	}
}

// A decoding is of one token into one type.
type decoding struct {
	name          string
	decode, check func() error
}

func (d decoding) ratio(tb testing.TB) float64 {
	tb.Helper()
	results, err := measure.Rounds(10, []measure.Case{{Name: "signature", Run: d.check}, {Name: d.name, Run: d.decode}})
	if err != nil {
		tb.Fatal(err)
	}
	return results[1].Ratio
}

// Types to decode into.
type (
	anything   = map[string]any
	one[T any] struct {
		X    T      `json:"x"`
		Role string `json:"role"`
	}
	item struct {
		ID   int    `json:"i"`
		Name string `json:"name"`
	}
	tree struct {
		X    *tree          `json:"x"`
		Y    map[string]int `json:"y"`
		Role string         `json:"role"`
	}
	roles struct {
		Role   string   `json:"role"`
		Groups []string `json:"groups"`
	}
)

func newDecodings(tb testing.TB, issuer *rows.Issuer) []decoding {
	tb.Helper()
	// A process with nothing but this in its heap collects it every few
	// milliseconds. A service has more, and collects more rarely.
	percent := debug.SetGCPercent(1000)
	tb.Cleanup(func() { debug.SetGCPercent(percent) })

	v := newValidator(tb, issuer, -1)
	yard, err := rows.Yard.Open(tb.Context(), issuer)
	if err != nil {
		tb.Fatal(err)
	}

	var all []decoding
	add := func(name string, claims map[string]any, into ...func() any) {
		token, err := issuer.Sign(claims)
		if err != nil {
			tb.Fatal(err)
		}
		if len(token) > validator.DefaultMaxTokenSize {
			tb.Fatalf("the token of %s has %d bytes", name, len(token))
		}
		got, err := v.Validate(tb.Context(), token)
		if err != nil {
			tb.Fatalf("Validate(%s) error = %v", name, err)
		}
		check := yard(token)
		for _, into := range into {
			all = append(all, decoding{
				name:   fmt.Sprintf("%s into %s", name, typeName(into())),
				decode: func() error { return got.Decode(into()) },
				check:  func() error { _, err := check(); return err },
			})
		}
	}
	raw := func(text string) map[string]any { return map[string]any{"x": json.RawMessage(text)} }
	list := func(element string) map[string]any { return raw(fill("[", element, "]")) }

	add("1,000 members", members(func(int) any { return 1 }),
		to[roles], to[anything], to[map[string]json.RawMessage])
	add("1,000 members of strings", members(func(i int) any { return fmt.Sprint(i % 10) }), to[roles], to[anything])
	add("1,000 members, at depth", raw(strings.Repeat(`{"x":`, 28)+`{"y":`+object(950, "")+`}`+strings.Repeat("}", 28)),
		to[tree], to[roles], to[anything])
	// As many objects and arrays as are stored.
	add("400 objects", raw("["+strings.Repeat(`,{"i":1}`, 400)[1:]+"]"),
		to[one[[]item]], to[one[[]map[string]int]], to[roles], to[anything])
	add("objects of objects", raw("["+strings.Repeat(`,{"x":{"i":{}}}`, 180)[1:]+"]"), to[roles], to[anything])
	add("2,040 empty objects", raw("["+strings.Repeat(",{}", 2040)[1:]+"]"),
		to[one[[]item]], to[one[[]map[string]int]], to[anything])
	add("2,040 empty lists", raw("["+strings.Repeat(",[]", 2040)[1:]+"]"), to[one[[][]string]], to[one[[][]int]], to[anything])
	add("1,020 lists of a string", raw("["+strings.Repeat(`,["a"]`, 1020)[1:]+"]"), to[one[[][]string]], to[anything])
	add("1,020 lists of digits", raw("["+strings.Repeat(`,[1]`, 1020)[1:]+"]"), to[one[[][]int]], to[anything])
	add("1,000 objects", raw("["+strings.Repeat(`,{"i":1}`, 1000)[1:]+"]"), to[one[[]item]], to[one[[]*item]], to[roles])
	add("400 objects by name", raw(objects(400)),
		to[one[map[string]map[string]int]], to[one[map[string]item]], to[one[map[string]*item]], to[anything])
	add("empty objects", list("{}"), to[roles])
	add("empty objects, and spaces", list(`{},"   "`), to[anything], to[one[[]any]])
	add("empty lists", list("[]"), to[roles])
	add("lists of lists", list(strings.Repeat("[", 28)+strings.Repeat("]", 28)), to[roles])
	add("lists of lists, and digits", list(strings.Repeat("[", 28)+strings.Repeat("1,", 40)+"1"+strings.Repeat("]", 28)),
		to[anything], to[one[[]any]])
	add("strings", list(`"a"`), to[one[[]string]], to[roles], to[anything])
	add("strings of escapes", raw(fill(`["`, `\n`, `"]`)), to[one[[]string]], to[roles], to[anything])
	add("digits", list("1"), to[one[[]int]], to[one[[]float64]], to[roles], to[anything])
	add("numbers", list("1234"), to[one[[]int]], to[one[[]float32]], to[roles], to[anything])
	add("fractions", list("0.1"), to[one[[]float64]], to[roles], to[anything])
	add("fractions of 17 digits", list("1.2345678901234567e-9"), to[one[[]float64]], to[one[[]float32]], to[anything])
	add("numbers between two float64", list("9007199254740993"), to[one[[]float64]], to[anything])
	add("numbers near the end of the range", raw("["+strings.Repeat(",8.98846567431158053656668072130502949e307", 2)[1:]+"]"),
		to[one[[]float64]], to[anything])
	add("a long name", map[string]any{strings.Repeat("n", 11000): 1}, to[roles], to[anything])
	add("a long name beyond ASCII", map[string]any{strings.Repeat("\u00e9", 5500): 1}, to[roles], to[anything])
	add("700 names beyond ASCII", raw(object(700, "\u212a\u017f")), to[roles], to[anything])
	add("names of a field, almost", raw("["+strings.Repeat(`,{"rolf":1}`, 900)[1:]+"]"), to[one[[]roles]])
	return all
}

func to[T any]() any { return new(T) }

func typeName(v any) string {
	return strings.NewReplacer("*", "", "main.", "", "interface {}", "any",
		"github.com/rsguard/rsguard/benchmarks.", "").Replace(fmt.Sprintf("%T", v))
}

// room is for claims, once those that each token has are taken off.
const room = 11_300

func fill(open, element, closing string) string {
	separator := ","
	if strings.HasSuffix(open, `"`) {
		separator = ""
	}
	n := (room - len(open) - len(closing)) / len(element+separator)
	return open + strings.TrimPrefix(strings.Repeat(separator+element, n), separator) + closing
}

// members returns as many claims as a token may have, less those that each has.
func members(value func(i int) any) map[string]any {
	claims := map[string]any{}
	for i := range 1000 {
		claims[fmt.Sprintf("%x", i)] = value(i)
	}
	return claims
}

func objects(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%x":{"i":1}`, i)
	}
	return "{" + b.String()[1:] + "}"
}

func object(n int, prefix string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%s%x":%d`, prefix, i, i)
	}
	return "{" + b.String()[1:] + "}"
}
