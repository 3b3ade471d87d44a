package jose_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rsguard/rsguard/internal/jose"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
	}
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"m%d":0`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"empty", `{}`, true},
		{"white space around", " \t\r\n{ } \n", true},
		{"form feed around", "\f{}", false},
		{"nothing", ``, false},
		{"array", `[]`, false},
		{"string", `"{}"`, false},
		{"two objects", `{}{}`, false},
		{"NUL at the end", "{}\x00", false},
		{"byte order mark", "\ufeff{}", false},
		{"comma at the end", `{"a":1,}`, false},
		{"comma at the start", `{,"a":1}`, false},
		{"two commas", `{"a":1,,"b":2}`, false},
		{"no comma", `{"a":1 "b":2}`, false},
		{"no colon", `{"a" 1}`, false},
		{"name not a string", `{a:1}`, false},
		{"single quotes", `{'a':1}`, false},
		{"comment", `{/**/}`, false},
		{"unclosed", `{"a":1`, false},
		{"all kinds", `{"a":[1,-0.5e+3,"x",true,false,null,{},[]]}`, true},
		{"array with comma at the end", `{"a":[1,]}`, false},
		{"number with leading zero", `{"a":01}`, false},
		{"zero", `{"a":0}`, true},
		{"minus zero", `{"a":-0}`, true},
		{"minus alone", `{"a":-}`, false},
		{"plus", `{"a":+1}`, false},
		{"fraction without digits", `{"a":1.}`, false},
		{"fraction without whole", `{"a":.1}`, false},
		{"exponent without digits", `{"a":1e}`, false},
		{"hexadecimal", `{"a":0x1}`, false},
		{"NaN", `{"a":NaN}`, false},
		{"Infinity", `{"a":Infinity}`, false},
		{"word cut short", `{"a":tru}`, false},
		{"word in capitals", `{"a":True}`, false},
		{"duplicate", `{"a":1,"a":1}`, false},
		{"duplicate by escape", `{"a":1,"\u0061":1}`, false},
		{"not a duplicate: other case", `{"a":1,"A":1}`, true},
		{"duplicate inside", `{"x":{"a":1,"a":2}}`, false},
		{"duplicate inside an array", `{"x":[[{"a":1,"a":2}]]}`, false},
		{"same name in two objects", `{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, true},
		{"duplicate far apart", members(1000)[:len(members(1000))-1] + `,"m0":1}`, false},
		{"duplicate far apart, by escape", members(1000)[:len(members(1000))-1] + `,"m\u0030":1}`, false},
		{"not a duplicate far apart", members(1000)[:len(members(1000))-1] + `,"M0":1}`, true},
		{"same names in two large objects", `{"a":` + members(300) + `,"b":` + members(300) + `}`, true},
		{"same names in an object and a large one around it", members(300)[:len(members(300))-1] + `,"a":` + members(300) + `}`, true},
		{"duplicate in the second large object", `{"a":` + members(300) + `,"b":` + members(300)[:len(members(300))-1] + `,"m7":1}}`, false},
		{"duplicate after a large object", `{"a":1,"b":` + members(300) + `,"a":2}`, false},
		{"duplicate at the limit of few", members(25)[:len(members(25))-1] + `,"m24":1}`, false},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", false},
		{"overlong UTF-8", "{\"a\":\"\xc0\x80\"}", false},
		{"surrogate as UTF-8", "{\"a\":\"\xed\xa0\x80\"}", false},
		{"UTF-8", `{"ä":"é…😀"}`, true},
		{"raw newline in a string", "{\"a\":\"\n\"}", false},
		{"raw tab in a string", "{\"a\":\"\t\"}", false},
		{"raw DEL in a string", "{\"a\":\"\x7f\"}", true},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, true},
		{"unknown escape", `{"a":"\x41"}`, false},
		{"short escape", `{"a":"\u00e"}`, false},
		{"high surrogate alone", `{"a":"\ud83d"}`, false},
		{"high surrogate and a letter", `{"a":"\ud83dxxxxxx"}`, false},
		{"low surrogate alone", `{"a":"\ude00"}`, false},
		{"surrogates in the wrong order", `{"a":"\ude00\ud83d"}`, false},
		{"backslash at the end", `{"a":"\`, false},
		{"depth 32", nested(32), true},
		{"depth 33", nested(33), false},
		{"1024 members", members(1024), true},
		{"1025 members", members(1025), false},
		{"256 members with escapes", strings.ReplaceAll(members(256), "m", `\u006d`), true},
		{"257 members with escapes", strings.ReplaceAll(members(257), "m", `\u006d`), false},
		{"1025 members at two depths", `{"x":` + members(1024) + `}`, false},
	} {
		got, err := jose.ParseObject(nil, tt.text, jose.TokenLimits)
		if (err == nil) != tt.ok {
			t.Errorf("ParseObject(%s) error = %v, want ok = %t", tt.name, err, tt.ok)
		}
		if err == nil && !json.Valid([]byte(tt.text)) {
			t.Errorf("ParseObject(%s) accepts what encoding/json doesn't", tt.name)
		}
		if err != nil && got != nil {
			t.Errorf("ParseObject(%s) = %v with an error", tt.name, got)
		}
	}
}

func TestParseObject_values(t *testing.T) {
	t.Parallel()
	text := `{ "s" : "x\u00e9\ud83d\ude00\n" , "n" : -1.5e2, "l":["a","\u0062"], "m":["a",1], "e":[], "b":true, "o":{"a":[1]}, "\u0073s": null}`
	members, err := jose.ParseObject(nil, text, jose.TokenLimits)
	if err != nil {
		t.Fatalf("ParseObject = %v", err)
	}
	get := func(name string) jose.Value {
		v, ok := jose.Lookup(members, name)
		if !ok {
			t.Errorf("Lookup(%q) finds nothing", name)
		}
		return v
	}
	if s, ok := get("s").Text(); s != "xé😀\n" || !ok {
		t.Errorf("Text() = %q, %t", s, ok)
	}
	if raw := get("n").Raw(); raw != "-1.5e2" {
		t.Errorf("Raw() = %q", raw)
	}
	if l, ok := get("l").AppendTexts([]string{"0"}); !ok || strings.Join(l, ",") != "0,a,b" {
		t.Errorf("AppendTexts() = %q, %t", l, ok)
	}
	for _, name := range []string{"m", "s", "o", "ss"} {
		if l, ok := get(name).AppendTexts(nil); ok {
			t.Errorf("AppendTexts() of %s = %q, want none", name, l)
		}
	}
	if l, ok := get("e").AppendTexts(nil); !ok || len(l) != 0 {
		t.Errorf("AppendTexts() of an empty array = %q, %t", l, ok)
	}
	if b, ok := get("b").Bool(); !b || !ok {
		t.Errorf("Bool() = %t, %t", b, ok)
	}
	if elements, ok := get("m").Elements(); !ok || len(elements) != 2 || elements[1].Kind() != jose.KindNumber {
		t.Errorf("Elements() = %v, %t", elements, ok)
	}
	if _, ok := get("ss").Text(); ok || get("ss").Kind() != jose.KindNull {
		t.Errorf("null is taken for a string")
	}
}

func TestValue_Time(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want string // RFC 3339, or "" for none
	}{
		{"0", "1970-01-01T00:00:00Z"},
		{"-1", "1969-12-31T23:59:59Z"},
		{"1700000000", "2023-11-14T22:13:20Z"},
		{"1700000000.5", "2023-11-14T22:13:20.5Z"},
		{"1.7e9", "2023-11-14T22:13:20Z"},
		{"253402300799", "9999-12-31T23:59:59Z"},
		{"253402300800", ""},
		{"1700000000000", ""},
		{"9223372036854775808", ""},
		{"-9223372036854775808", ""},
		{"1e400", ""},
		{`"1700000000"`, ""},
		{"null", ""},
		{"true", ""},
		{"[1700000000]", ""},
	} {
		members, err := jose.ParseObject(nil, `{"t":`+tt.text+`}`, jose.TokenLimits)
		if err != nil {
			t.Fatalf("ParseObject(%s) = %v", tt.text, err)
		}
		got := ""
		if at, ok := members[0].Value.Time(); ok {
			got = at.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("Time() of %s = %q, want %q", tt.text, got, tt.want)
		}
	}
}

const claims = `{"iss":"https://tenant.eu.auth0.com/","sub":"auth0|5f7c8ec7c33c6c004bbafe82","aud":["https://api.example.com","https://tenant.eu.auth0.com/userinfo"],"iat":1700000000,"exp":1700086400,"azp":"my_client_id_of_32_characters_xxx","scope":"openid profile email read:orders write:orders","permissions":["read:orders","write:orders","delete:orders"],"org_id":"org_9ybsU1dN2dKfDkBi","https://example.com/tenant":{"id":"t-1234567890","plan":"enterprise","features":["a","b","c"]},"https://example.com/email":"someone@example.com","https://example.com/roles":["admin","editor"]}`

func BenchmarkParseObject(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(claims)))
	for b.Loop() {
		var few [24]jose.Member
		if _, err := jose.ParseObject(few[:0], claims, jose.TokenLimits); err != nil {
			b.Fatal(err)
		}
	}
}

func TestValue_Is(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value, text string
		want        bool
	}{
		{`"a"`, "a", true},
		{`"a"`, "A", false},
		{`"a"`, "", false},
		{`""`, "", true},
		{`"ab"`, "a", false},
		{`"a"`, "ab", false},
		{`"\u0061b"`, "ab", true},
		{`"\u0061b"`, "ac", false},
		{`"\u0061b"`, "a", false},
		{`"\u0061"`, "ab", false},
		{`"x\n\/"`, "x\n/", true},
		{`"\u00e9\ud83d\ude00"`, "é😀", true},
		{`"\u00e9\ud83d\ude00"`, "é😁", false},
		{`"\u00e9"`, "\xc3", false},
		{`"\u0000"`, "\x00", true},
		{`1`, "1", false},
		{`["a"]`, "a", false},
		{`null`, "", false},
	} {
		members, err := jose.ParseObject(nil, `{"v":`+tt.value+`}`, jose.TokenLimits)
		if err != nil {
			t.Fatalf("ParseObject(%s) = %v", tt.value, err)
		}
		if got := members[0].Value.Is(tt.text); got != tt.want {
			t.Errorf("Is(%q) of %s = %t, want %t", tt.text, tt.value, got, tt.want)
		}
	}
}

func TestValue_Time_long(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 5000)
	for _, tt := range []struct {
		number string
		want   time.Time // zero for none
	}{
		{"1767225600." + zeros + "1", time.Unix(1767225600, 0)},
		{"1767225600.123456789" + zeros, time.Unix(1767225600, 123456789)},
		{"-1.5", time.Unix(-2, 5e8)},
		{"0.17672256005e10", time.Unix(1767225600, 5e8)},
		{"1767225600" + zeros + "e-5000", time.Unix(1767225600, 0)},
		{"0." + zeros + "1767225600e5010", time.Unix(1767225600, 0)},
		{"0e99999999999999999999", time.Unix(0, 0)},
		{"1e-99999999999999999999", time.Unix(0, 0)},
		{"1e400", time.Time{}},
		{"1" + zeros, time.Time{}},
		{"1e99999999999999999999", time.Time{}},
		{"253402300799", time.Unix(253402300799, 0)},
		{"253402300799.000000001", time.Time{}},
		{"-253402300799", time.Unix(-253402300799, 0)},
		{"-253402300799.5", time.Time{}},
		{"2534023007990e-1", time.Unix(253402300799, 0)},
	} {
		members, err := jose.ParseObject(nil, `{"v":`+tt.number+`}`, jose.TokenLimits)
		if err != nil {
			t.Fatalf("ParseObject(%.40s) = %v", tt.number, err)
		}
		got, ok := members[0].Value.Time()
		if !got.Equal(tt.want) || ok == tt.want.IsZero() {
			t.Errorf("Time() of %.40s = %v, %t, want %v", tt.number, got, ok, tt.want)
		}
	}
}
