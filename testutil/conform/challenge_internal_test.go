package conform

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseChallenges(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		fields []string
		want   []challenge
		ok     bool
	}{
		{nil, nil, true},
		{[]string{"Bearer"}, []challenge{{scheme: "Bearer"}}, true},
		{[]string{`Bearer realm="a \"b\"", error=invalid_token`}, []challenge{{scheme: "Bearer", params: [][2]string{{"realm", `a "b"`}, {"error", "invalid_token"}}}}, true},
		{[]string{`Bearer error="x", DPoP algs="ES256"`}, []challenge{
			{scheme: "Bearer", params: [][2]string{{"error", "x"}}}, {scheme: "DPoP", params: [][2]string{{"algs", "ES256"}}},
		}, true},
		{[]string{"Bearer", "Negotiate abc=="}, []challenge{{scheme: "Bearer"}, {scheme: "Negotiate", token: "abc=="}}, true},
		{[]string{`, Bearer , Basic realm = "x" ,`}, []challenge{{scheme: "Bearer"}, {scheme: "Basic", params: [][2]string{{"realm", "x"}}}}, true},
		{[]string{`Bearer error="x`}, nil, false},
		{[]string{`Bearer error="x" scope="y"`}, nil, false},
		{[]string{`Bearer error=`}, []challenge{{scheme: "Bearer", token: "error="}}, true}, // by the grammar
		{[]string{`Bearer realm="x", error=`}, nil, false},
		{[]string{`"Bearer"`}, nil, false},
		{[]string{"Bearer error=\"a\x01\""}, nil, false},
	} {
		got, err := parseChallenges(tt.fields)
		if (err == nil) != tt.ok {
			t.Errorf("parseChallenges(%q) error = %v, want none: %v", tt.fields, err, tt.ok)
		}
		if tt.ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseChallenges(%q) = %q, want %q", tt.fields, got, tt.want)
		}
	}
}

// What is parsed, written again and parsed again is the same.
func FuzzParseChallenges(f *testing.F) {
	f.Add(`Bearer realm="a", error="b", DPoP algs="ES256 \"x\""`)
	f.Add(`Negotiate abc==, Bearer`)
	f.Add(`Bearer error=`)
	f.Add("DPoP algs=\"ES256 \\\bx\"")
	f.Fuzz(func(t *testing.T, field string) {
		list, err := parseChallenges([]string{field})
		if err != nil {
			return
		}
		var written []string
		for _, c := range list {
			text := c.scheme
			if c.token != "" {
				text += " " + c.token
			}
			for i, p := range c.params {
				text += map[bool]string{true: " ", false: ", "}[i == 0] + p[0] + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p[1]) + `"`
			}
			written = append(written, text)
		}
		again, err := parseChallenges(written)
		if err != nil || !reflect.DeepEqual(again, list) {
			t.Errorf("parseChallenges(%q) = %q, %v, want %q as parsed from %q", written, again, err, list, field)
		}
	})
}

// Every token of the catalogue has a row, and every row a token.
func TestBadCases(t *testing.T) {
	t.Parallel()

	why, rows, ids := reasons(), map[string]bool{}, map[string]bool{}
	for _, row := range badCases {
		if rows[row.name] || ids[row.id] || why[row.name] == "" {
			t.Errorf("the row %q, %q is there twice, or is of no token", row.name, row.id)
		}
		rows[row.name], ids[row.id] = true, true
	}
	for name := range why {
		if !rows[name] {
			t.Errorf("badCases has no row for the token %q", name)
		}
	}
}

// Ids are unique and stable in form, and every case says what to do.
func TestCases(t *testing.T) {
	t.Parallel()

	for _, profile := range Profiles() {
		target := Target{URL: "https://api.example.com/", Scope: "a:b", Profile: profile, DPoP: true, MTLS: true, Metadata: true, Log: "x", Slow: true}
		ids := map[string]bool{}
		for _, c := range Cases(target) {
			if ids[c.ID] || c.Group() == c.ID || strings.ContainsAny(c.ID, " '\"") {
				t.Errorf("%s: the id %q is there twice, or is none", profile, c.ID)
			}
			ids[c.ID] = true
			if c.Title == "" || c.Fix == "" || c.Level != Must && c.Level != Should && c.Level != May {
				t.Errorf("%s: %s = %+v, want a title, a fix and a level", profile, c.ID, c)
			}
			if c.Section == "" && c.Level == Must {
				t.Errorf("%s: %s is a must without a section", profile, c.ID)
			}
		}
		if len(ids) < 250 {
			t.Errorf("%s: %d cases, want 250 or more", profile, len(ids))
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()

	const header, payload, signature = "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJhIn0", "c2lnbmF0dXJlLW9mLXNvbWV0aGluZw"
	for _, tt := range []struct{ field, want string }{
		{"Bearer " + header + "." + payload + "." + signature, `Bearer {"alg":"RS256"} . {"sub":"a"} . ⟨30 bytes⟩`},
		{"Bearer " + strings.Repeat("x", 40), "Bearer ⟨40 bytes⟩"},
		{"Bearer short", "Bearer short"},
		{"Basic dTpw", "Basic dTpw"},
		{header + "." + payload + "." + signature, `{"alg":"RS256"} . {"sub":"a"} . ⟨30 bytes⟩`},
	} {
		if got := redactField(tt.field); got != tt.want {
			t.Errorf("redactField(%q) = %q, want %q", tt.field, got, tt.want)
		}
	}
}
