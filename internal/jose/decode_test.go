package jose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rsguard/rsguard/internal/jose"
)

// Types of every kind that encoding/json knows.
type (
	person struct {
		Name    string `json:"name"`
		Age     int    `json:"age,omitempty"`
		Role    string // without a tag
		Friends []person
		Best    *person        `json:"best"`
		ByID    map[int]person `json:"by_id"`
		Not     string         `json:"-"`
		Dash    string         `json:"-,"` //nolint:staticcheck // SA5008: a name of "-" is meant
		private string         //nolint:unused // that it is left alone is tested
	}
	scalars struct {
		B   bool
		I8  int8
		U8  uint8
		I   int64
		U   uint64
		F32 float32
		F   float64
		S   string
		N   json.Number
		P   **int
		A   any
		E   error
		C   chan int
	}
	quoted struct {
		I int      `json:",string"`
		F *float64 `json:"QF,string"`
		B bool     `json:"QB,string"`
		S string   `json:"QS,string"`
		X []int    `json:"QX,string"` //nolint:staticcheck // SA5008: the option is for scalars alone
	}
	arrays struct {
		S  []string
		I  []int
		F  []float64
		B  []byte
		BB [][]byte
		A  []any
		R  [2]int
		RR [][1]string
		P  []*int
		M  []map[string]person
		L  []list
	}
	list  []list
	keyed struct {
		S map[string]string
		A map[string]any
		I map[int8]bool
		U map[uint]any
		T map[netip.Addr]int
		P map[string]*person
		M map[string]map[word]person
	}
	word   string
	custom struct {
		T time.Time
		R json.RawMessage
		P *json.RawMessage
		A netip.Addr
		Q *netip.Addr
		L []time.Time
		B *big.Int
		M map[string]json.RawMessage
	}
	inner struct{ X, Y int }
	Deep  struct {
		X int `json:"deep"`
		Z int
	}
	Also     struct{ Z, W int }
	embedded struct {
		inner
		*Deep
		Also   // Z is in both, so in neither
		W      string
		Tagged inner `json:"tagged"`
		word         //nolint:unused // that it is left alone is tested
	}
	rivals struct {
		inner
		Other
		Lower string `json:"kind"`
	}
	Other struct {
		X    int    `json:"X"` // its tag wins
		Kind string `json:"KIND"`
	}
	recursive struct {
		*recursive //nolint:unused // encoding/json knows it
		Next       *recursive
		All        map[string]recursive
		V          any
	}
)

var decodeTypes = []func() any{
	func() any { return new(any) },
	func() any { return new(map[string]any) },
	func() any { return &map[string]any{"old": 1.5} },
	func() any { return new(person) },
	func() any { p := new(person); return &p },
	func() any { return &person{Name: "old", Best: &person{Name: "older"}} },
	func() any { return new(scalars) },
	func() any { return &scalars{A: &person{Name: "old"}} },
	func() any { return new(quoted) },
	func() any { return new(arrays) },
	func() any { return new(keyed) },
	func() any { return &keyed{A: map[string]any{"old": true}, P: map[string]*person{"a": {Age: 1}}} },
	func() any { return new(custom) },
	func() any { return new(embedded) },
	func() any { return new(rivals) },
	func() any { return new(recursive) },
	func() any { return new(json.RawMessage) },
	func() any { return new(map[word]json.Number) },
	func() any { return new([]string) },
	func() any { return new(int) },
	func() any { return new(struct{ A struct{ B struct{ C []any } } }) },
}

// decodeInputs are texts in which all names are exact for all of the types.
var decodeInputs = []string{
	`{}`,
	`{"name":"n","age":3,"Role":"r","Friends":[{"name":"a"},{},null],"best":{"best":{"age":1}},"by_id":{"1":{"name":"x"},"-2":null}}`,
	`{"Not":"x","-":"dash","private":"p"}`,
	`{"name":null,"best":null,"Friends":null,"by_id":null,"age":null}`,
	`{"name":1}`, `{"age":"1"}`, `{"age":1.5}`, `{"Friends":{}}`, `{"best":[]}`, `{"by_id":{"x":{}}}`,
	`{"B":true,"I8":-128,"U8":255,"I":9223372036854775807,"U":18446744073709551615,"F32":1.5,"F":1e10,"S":"\u00e9\n","N":12,"P":7,"A":{"a":[1,"b",null,true,{}]}}`,
	`{"B":false,"N":"12","A":null,"P":null,"E":null,"C":null}`,
	`{"I8":128}`, `{"U8":-1}`, `{"F32":1e39}`, `{"F":1e309}`, `{"N":"x"}`, `{"N":""}`, `{"N":true}`, `{"E":1}`, `{"C":1}`, `{"B":0}`, `{"S":true}`,
	`{"I":"5","QF":"1.5","QB":"true","QS":"\"x\"","QX":[1]}`, `{"I":"null","QF":"null","QB":"null"}`, `{"I":null,"QF":null,"QS":null}`,
	`{"I":5}`, `{"I":"x"}`, `{"I":""}`, `{"QF":"true"}`, `{"QS":"x"}`, `{"QB":true}`, `{"QX":"[1]"}`,
	`{"S":["a",null,"\u0041"],"I":[1,2,3],"F":[0.1,-0,1e-5],"B":"AQI=","BB":["","AQ==",null],"A":[[],{},[[1]]],"R":[1],"RR":[["a","b"],[]],"P":[1,null],"M":[{"x":{"name":"n"}}],"L":[[],[[]]]}`,
	`{"S":[],"I":[],"B":[1,2],"A":[],"R":[1,2,3]}`, `{"S":[1]}`, `{"B":"!"}`, `{"B":[256]}`, `{"I":[1,"2,3",4]}`, `{"R":{}}`, `{"I":[1,[2],3]}`, `{"S":null,"I":null}`,
	`{"S":{"a":"b"},"A":{"x":1,"y":{"z":[]}},"I":{"-1":true},"U":{"7":"x"},"T":{"::1":1},"P":{"a":{"name":"n"},"b":null},"M":{"x":{"y":{"age":1}}}}`,
	`{"I":{"128":true}}`, `{"U":{"-1":1}}`, `{"T":{"x":1}}`, `{"A":{}}`, `{"S":{}}`,
	`{"T":"2026-01-02T03:04:05Z","R":{"a":[1 , 2]},"P":"x","A":"10.0.0.1","Q":"::1","L":["2026-01-02T03:04:05Z"],"B":123,"M":{"a":1}}`,
	`{"T":null,"R":null,"P":null,"A":null,"Q":null,"B":null,"M":null}`, `{"T":1}`, `{"A":1}`, `{"A":{}}`, `{"Q":[]}`,
	`{"X":1,"Y":2,"deep":3,"Z":4,"W":"w","tagged":{"X":5}}`, `{"W":1}`, `{"deep":"x"}`, `{"kind":"a","X":1}`, `{"KIND":"b"}`,
	`{"Next":{"Next":{"V":[1]},"V":2},"All":{"a":{"All":{}}},"V":{"x":{}}}`,
	`{"A":{"B":{"C":[1,{"a":"b"}]}}}`, `{"A":{"B":[]}}`, `{"A":{"B":{"C":1}}}`,
	` { "name" : "n" , "Friends" : [ { "age" : 1 } , { } ] } `,
	`{"any":[0,1,255,256,-1,0.5,1e2,100,12345678901234567890,1.7976931348623157e308]}`,
	`{"":1,"old":2,"é":"é","\u0061ny":"escaped"}`,
}

// What Decode stores is what encoding/json stores, and they fail together.
func TestDecode_asEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range decodeInputs {
		for _, into := range decodeTypes {
			got, want := into(), into()
			err, wantErr := jose.Decode(text, got, nil), json.Unmarshal([]byte(text), want)
			if (err == nil) != (wantErr == nil) || errors.As(err, new(*jose.NameError)) {
				t.Errorf("Decode(%s) into %T error = %v, and encoding/json's is %v", text, got, err, wantErr)
			}
			if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); err == nil && diff != "" {
				t.Errorf("Decode(%s) into %T (-encoding/json +Decode):\n%s", text, got, diff)
			}
		}
	}
}

func TestDecode_names(t *testing.T) {
	t.Parallel()
	type role struct {
		Role string `json:"role"`
	}
	for _, tt := range []struct {
		name, text string
		into       any
		want       string // the name, with where it is
	}{
		{"exact", `{"role":"a"}`, new(role), ""},
		{"another", `{"rol":"a","roles":"b","ro_le":"c"}`, new(role), ""},
		{"other case", `{"Role":"a"}`, new(role), "Role"},
		{"other case of the last letter", `{"rolE":"a"}`, new(role), "rolE"},
		{"other case beside it", `{"role":"a","ROLE":"b"}`, new(role), "ROLE"},
		{"other case before it", `{"ROLE":"b","role":"a"}`, new(role), "ROLE"},
		{"other case by an escape", `{"\u0052ole":"a"}`, new(role), "Role"},
		{"other case and null", `{"Role":null}`, new(role), "Role"},
		{"no tag", `{"name":"a"}`, new(struct{ Name string }), "name"},
		{"no tag, exact", `{"Name":"a"}`, new(struct{ Name string }), ""},
		{"long s", `{"\u017fub":"a"}`, new(struct {
			Sub string `json:"sub"`
		}), "\u017fub"},
		{"Kelvin sign", `{"\u212aid":"a"}`, new(struct {
			Kid string `json:"kid"`
		}), "\u212aid"},
		{"not in ASCII", `{"É":"a"}`, new(struct {
			E string `json:"é"`
		}), "É"},
		{"not in ASCII, exact", `{"é":"a"}`, new(struct {
			E string `json:"é"`
		}), ""},
		{"nested", `{"a":{"b":{"Role":"x"}}}`, new(struct {
			A struct {
				B role `json:"b"`
			} `json:"a"`
		}), "a.b.Role"},
		{"in an array", `{"a":[{"role":"x"},{"Role":"x"}]}`, new(struct {
			A []role `json:"a"`
		}), "a.Role"},
		{"in a fixed array", `{"a":[{"Role":"x"}]}`, new(struct {
			A [1]role `json:"a"`
		}), "a.Role"},
		{"in a map", `{"X":{"Role":"x"}}`, new(map[string]role), "Role"},
		{"in a map of numbers", `{"1":{"Role":"x"}}`, new(map[int]*role), "Role"},
		{"behind pointers", `{"a":{"Role":"x"}}`, new(struct {
			A ***role `json:"a"`
		}), "a.Role"},
		{"behind an interface", `{"a":{"Role":"x"}}`, &struct {
			A any `json:"a"`
		}{new(role)}, "a.Role"},
		{"embedded", `{"Role":"x"}`, new(struct{ role }), "Role"},
		{"embedded by pointer", `{"X":1,"x":2}`, new(struct{ *Deep }), "x"},
		{"embedded, of a tag", `{"Deep":1}`, new(struct{ *Deep }), "Deep"},
		{"recursive", `{"Next":{"Next":{"v":1}}}`, new(recursive), "Next.Next.v"},
		{"two fields by case", `{"kind":"a","KIND":"b"}`, new(rivals), "KIND"},
		{"one of two fields by case", `{"KIND":"b"}`, new(rivals), ""},
		{"neither of two fields by case", `{"Kind":"b"}`, new(rivals), "Kind"},
		{"a hidden field of the other case", `{"Role":"a"}`, new(struct {
			A struct{ Role string } `json:"-"`
			role
		}), "Role"},
		{"fields that hide each other", `{"z":1,"Z":1}`, new(embedded), "Z"},
		{"an unexported field", `{"PRIVATE":1}`, new(person), ""},
		{"a field that is left out", `{"not":1,"Not":2}`, new(person), "Not"},
		{"with omitempty", `{"Age":1}`, new(person), "Age"},
		{"a map's names", `{"Role":1,"NAME":2}`, new(map[string]any), ""},
		{"an interface's names", `{"Role":1,"x":{"Name":1}}`, new(any), ""},
		{"raw", `{"R":{"NAME":1}}`, new(custom), ""},
		{"skipped", `{"x":{"Role":1,"ROLES":1}}`, new(role), ""},

		{"two by case in a map", `{"a":1,"A":2}`, new(map[string]any), "A"},
		{"two by case, skipped", `{"x":[{"y":{"a":1,"A":2}}]}`, new(role), "A"},
		{"two by case, raw", `{"R":{"a":1,"A":2}}`, new(custom), "R.A"},
		{"two by the long s", `{"s":1,"\u017f":2}`, new(any), "\u017f"},
		{"two by case in two objects", `{"x":{"a":1},"y":{"A":2}}`, new(any), ""},
		{"two by case in two elements", `{"x":[{"a":1},{"A":2}]}`, new(any), ""},
		{"two by case, one inside the other", `{"a":{"A":1}}`, new(any), ""},

		{"of a reserved one", `{"SUB":1}`, new(role), "SUB"},
		{"of a reserved one, inside", `{"x":{"SUB":1}}`, new(any), ""},
		{"a reserved one", `{"sub":1}`, new(any), ""},
	} {
		err := jose.Decode(tt.text, tt.into, jose.NewNames("sub", "iss"))
		var name *jose.NameError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("Decode(%s) of %s error = %v, want none", tt.name, tt.text, err)
		case tt.want != "" && (!errors.As(err, &name) || name.Field() != tt.want):
			t.Errorf("Decode(%s) of %s error = %v, want one for %s", tt.name, tt.text, err, tt.want)
		case tt.want != "" && (name.Name == name.Want || !strings.EqualFold(name.Name, name.Want)):
			t.Errorf("Decode(%s) of %s error = %v, want two names that are equal but for their case", tt.name, tt.text, err)
		}
	}
}

// Objects of any size are looked through for names that differ by case.
func TestDecode_namesByCase(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 12, 13, 14, 100, 1000} {
		for _, twin := range []int{0, 1, n / 2, n - 1} {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `,"name%d":%d`, i, i)
			}
			good := "{" + b.String()[1:] + "}"
			bad := fmt.Sprintf(`{"NAME%d":0%s}`, twin, b.String())
			if err := jose.Decode(good, new(any), nil); err != nil {
				t.Errorf("Decode() of %d names error = %v", n, err)
			}
			if err := jose.Decode(bad, new(any), nil); !errors.As(err, new(*jose.NameError)) {
				t.Errorf("Decode() of %d names and NAME%d error = %v, want a NameError", n, twin, err)
			}
		}
	}
}

// Lists that share an allocation don't share elements.
func TestDecode_listsAreApart(t *testing.T) {
	t.Parallel()
	var got []any
	if err := json.Unmarshal([]byte(`[]`), &got); err != nil {
		t.Fatal(err)
	}
	var v struct{ A []any }
	if err := jose.Decode(`{"A":[[],[1],[2,3],[]]}`, &v, nil); err != nil {
		t.Fatal(err)
	}
	for i := range v.A {
		v.A[i] = append(v.A[i].([]any), "more")
	}
	want := []any{[]any{"more"}, []any{1.0, "more"}, []any{2.0, 3.0, "more"}, []any{"more"}}
	if diff := cmp.Diff(want, v.A); diff != "" {
		t.Errorf("lists that were appended to (-want +got):\n%s", diff)
	}
}

// What encoding/json does depends on its version, or is a mistake in it.
func TestDecode_oddTypes(t *testing.T) {
	t.Parallel()
	type odd struct {
		T struct{ time.Time }
		M map[float64]int
		*deep
		*stamp `json:"tagged"`
		other  `json:"other"` // so that neither's UnmarshalJSON is of odd too
	}
	for _, tt := range []struct {
		text string
		ok   bool
	}{
		{`{"T":"2026-01-02T03:04:05Z"}`, true},
		{`{"T":{}}`, false},
		{`{"M":null}`, true},
		{`{"M":{}}`, false},
		{`{"x":1}`, false}, // the pointer can't be set
		{`{"tagged":"2026-01-02T03:04:05Z"}`, false},
		{`{"tagged":null}`, false},
		{`{"other":"2026-01-02T03:04:05Z"}`, false},
	} {
		var got odd
		if err := jose.Decode(tt.text, &got, nil); (err == nil) != tt.ok {
			t.Errorf("Decode(%s) error = %v, want ok = %t", tt.text, err, tt.ok)
		}
	}
}

type (
	deep struct {
		X int `json:"x"`
	}
	stamp struct{ time.Time }
	other struct{ time.Time }
)

func TestDecode_target(t *testing.T) {
	t.Parallel()
	for _, into := range []any{nil, person{}, (*person)(nil), map[string]any{}} {
		var invalid *json.InvalidUnmarshalError
		if err := jose.Decode(`{}`, into, nil); !errors.As(err, &invalid) {
			t.Errorf("Decode() into %T error = %v, want %T", into, err, invalid)
		}
	}
}

// Objects and arrays are bounded where they need memory.
func TestDecode_manyObjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		element string
		n       int
		ok      bool
	}{
		{`{}`, 2000, true}, {`[]`, 2000, true}, {`{"":[]}`, 330, true}, {`[[]]`, 1000, true}, {`[1]`, 2000, true},
		{`{}`, 2100, false}, {`[]`, 2100, false}, {`{"":[]}`, 345, false}, {`[[]]`, 1100, false}, {`[1]`, 2100, false},
		{`{"a":1}`, 405, true}, {`{"a":1}`, 411, false}, // five each
		// As many as a longer text has room for.
		{`[100]`, 3000, true}, {`[100]`, 100_000, true}, {`[1]`, 3000, false}, {`{"abc":"0123456789012345"}`, 3000, true},
		{`{"abc":"0123456789012"}`, 3000, false},
	} {
		text := `{"A":[` + strings.Repeat(tt.element+",", tt.n-1) + tt.element + `],"b":"bytes"}`
		for _, into := range []any{new(any), new(struct{ A any }), new(struct{ A []any }), new(map[string]any)} {
			if err := jose.Decode(text, into, nil); (err == nil) != tt.ok {
				t.Errorf("Decode() of %d of %s into %T error = %v, want ok = %t", tt.n, tt.element, into, err, tt.ok)
			}
		}
		for _, into := range []any{new(struct{}), new(struct{ A json.RawMessage })} {
			if err := jose.Decode(text, into, nil); err != nil {
				t.Errorf("Decode() of %d of %s into %T error = %v, want none", tt.n, tt.element, into, err)
			}
		}
	}
}

// So they are in types that are known.
func TestDecode_manyTypedObjects(t *testing.T) {
	t.Parallel()
	type item struct{ I int }
	for _, tt := range []struct {
		element string
		n       int
		into    any
		ok      bool
	}{
		{`{}`, 2045, new(struct{ A []item }), true}, // the outer ones count too
		{`{}`, 2046, new(struct{ A []item }), false},
		{`{}`, 2046, new(struct{ A [3]item }), true},
		{`[]`, 2045, new(struct{ A [][]string }), true},
		{`[]`, 2046, new(struct{ A [][]string }), false},
		{`["a"]`, 2045, new(struct{ A [][]string }), true},
		{`[1]`, 1022, new(struct{ A [][]int }), true},
		{`[1]`, 1023, new(struct{ A [][]int }), false},
		{`[1]`, 2045, new(struct{ A [][1]int }), true},
		{`[1]`, 2046, new(struct{ A [][1]int }), false},
		{`{"a":1}`, 409, new(struct{ A []map[string]int }), true},
		{`{"a":1}`, 410, new(struct{ A []map[string]int }), false},
		{`{"a":1}`, 1200, new(struct{ A []struct{} }), true},
	} {
		text := `{"A":[` + strings.Repeat(tt.element+",", tt.n-1) + tt.element + `]}`
		if err := jose.Decode(text, tt.into, nil); (err == nil) != tt.ok {
			t.Errorf("Decode() of %d of %s into %T error = %v, want ok = %t", tt.n, tt.element, tt.into, err, tt.ok)
		}
	}
}

// Parts of the text are their owners'.
func TestDecode_rawMessagesAreApart(t *testing.T) {
	t.Parallel()
	const text = `{"a":[1,2],"b":"x","c":{"d":null}}`
	var got map[string]json.RawMessage
	if err := jose.Decode(text, &got, nil); err != nil {
		t.Fatal(err)
	}
	got["a"] = append(got["a"], "more and more"...)
	got["b"][1] = 'y'
	want := map[string]json.RawMessage{
		"a": json.RawMessage("[1,2]more and more"), "b": json.RawMessage(`"y"`), "c": json.RawMessage(`{"d":null}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("raw messages that were changed (-want +got):\n%s", diff)
	}
}

// Numbers are the nearest float64 and float32, as strconv has it.
func TestDecode_floats(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []string{
		"0", "-0", "0.0", "0e5", "-0.000", "1", "10", "1.50", "0.1", "0.30000000000000004", "1e19", "1E-19", "1e+2", "1e02",
		"9007199254740993", "9007199254740992", "9007199254740991", "4503599627370497.5", "4503599627370496.5", "16777217", "16777219", "33554433.0",
		"18446744073709551609", "18446744073709551610", "18446744073709551615", "1844674407370955160.9", "9223372036854775808", "1000000000000000000000",
		"0.000000000000000000123", "123456789012345678e-19", "1e22", "1e23", "2e23", "1e21", "18014398509481985e20", "9007199254740993e22", "1e24", "123e-25", "5e-324", "1.7976931348623157e308", "3.4028235e38", "1e-45", "100e-2", "1e-20", "1e20",
	}
	for range 20000 {
		digits := strconv.FormatUint(random.Uint64()>>random.IntN(64), 10)
		switch random.IntN(4) {
		case 0:
			point := random.IntN(len(digits))
			if digits = digits[:point] + "." + digits[point:]; point == 0 {
				digits = "0" + digits
			}
		case 1:
			digits += fmt.Sprintf("e%d", random.IntN(80)-40)
		case 2: // exactly between two
			digits = fmt.Sprintf("%d.5", 1<<52|random.Uint64()>>12)
		case 3:
			digits = strconv.FormatUint(1<<53|random.Uint64()>>10, 10)
		}
		numbers = append(numbers, digits)
	}
	for _, number := range numbers {
		var got struct {
			F float64
			G float32
			A any
		}
		if err := jose.Decode(`{"F":`+number+`,"A":`+number+`}`, &got, nil); err != nil {
			t.Errorf("Decode(%s) error = %v", number, err)
		}
		want, _ := strconv.ParseFloat(number, 64)
		if math.Float64bits(got.F) != math.Float64bits(want) || math.Float64bits(got.A.(float64)) != math.Float64bits(want) {
			t.Errorf("Decode(%s) = %v and %v, want %v", number, got.F, got.A, want)
		}
		single, err := strconv.ParseFloat(number, 32)
		if gotErr := jose.Decode(`{"G":`+number+`}`, &got, nil); (gotErr == nil) != (err == nil) {
			t.Errorf("Decode(%s) into a float32 error = %v, want %v", number, gotErr, err)
		}
		if err == nil && math.Float32bits(got.G) != math.Float32bits(float32(single)) {
			t.Errorf("Decode(%s) = %v, want %v", number, got.G, float32(single))
		}
	}
}

// Numbers that take long to read are few.
func TestDecode_farFloats(t *testing.T) {
	t.Parallel()
	const far = "2.4703282292062327208e-324"
	repeat := func(number string, n int) string { return strings.Repeat(","+number, n)[1:] }
	for _, tt := range []struct {
		numbers string
		ok      bool
	}{
		{repeat(far, 2), true},
		{repeat(far, 3), false},
		{repeat("1.234567890123456789012e300", 3), false},
		{repeat("12345678901234567890123", 48), true},
		{repeat("12345678901234567890123", 49), false},
		{repeat("1e23", 24), true},
		{repeat("1e23", 25), false},
		{strings.Repeat("9", 64), true},
		{strings.Repeat("9", 65), false},
		{far + "," + repeat("1e19,1e-19,1.5,0.1234567890123456,12345678901234567890,1.2345678901234567e-9,1e30,1e-299", 50), true},
	} {
		for _, into := range []any{new(any), new(struct{ A []float64 }), new(struct{ A []any })} {
			if err := jose.Decode(`{"A":[`+tt.numbers+`]}`, into, nil); (err == nil) != tt.ok {
				t.Errorf("Decode() of %.80s into %T error = %v, want ok = %t", tt.numbers, into, err, tt.ok)
			}
		}
	}
	if err := jose.Decode(`{"A":[`+repeat("1.00000005960464477539062500000000001", 49)+`]}`, new(struct{ A []float32 }), nil); err == nil {
		t.Errorf("Decode() of 49 numbers that are nearly between two float32 error = nil, want one")
	}
	type text struct {
		F float64 `json:",string"`
	}
	if err := jose.Decode(`{"A":[`+repeat(`{"F":"`+far+`"}`, 3)+`]}`, new(struct{ A []text }), nil); err == nil {
		t.Errorf("Decode() of %s in strings error = nil, want one", far)
	}
	// Where a number's text will do, it is no number that has to be read.
	var texts struct {
		A []json.Number
		B []json.RawMessage
	}
	many := strings.Repeat(far+",", 100) + "1"
	if err := jose.Decode(`{"A":[`+many+`],"B":[`+many+`],"C":[`+many+`]}`, &texts, nil); err != nil || len(texts.A) != 101 {
		t.Errorf("Decode() of 300 numbers into texts error = %v, and it stored %d", err, len(texts.A))
	}
}
