package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// checkout skips the test where only the vectors' module is, without the code
// that the rules are in.
func checkout(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("../../validator"); err != nil {
		t.Skip("a downloaded module comes without the library")
	}
	return "../.."
}

// Every rule is still where it is looked for.
func TestRulesAreFound(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	seen := map[string]bool{}
	for _, m := range mutants {
		if seen[m.rule] {
			t.Errorf("there are two rules %q", m.rule)
		}
		seen[m.rule] = true
		if _, err := m.apply(root); err != nil {
			t.Errorf("%s: %v", m.rule, err)
		}
	}
}

// Every rule is of one attack, and every attack names rules and vectors that
// there are.
func TestAttacks(t *testing.T) {
	t.Parallel()
	s := newTestSuite(t)
	names := map[string]bool{}
	for _, f := range s.byTest {
		names[f.file+": "+f.vector.Name] = true
	}
	count := map[string]int{}
	for _, a := range attacks {
		for _, rule := range a.rules {
			count[rule]++
			if !slices.ContainsFunc(mutants, func(m mutant) bool { return m.rule == rule }) {
				t.Errorf("attack %q: there is no rule %q", a.name, rule)
			}
		}
		for _, v := range a.vectors {
			if !names[v] {
				t.Errorf("attack %q: there is no vector %q", a.name, v)
			}
		}
	}
	for _, m := range mutants {
		if n := count[m.rule]; n != 1 {
			t.Errorf("rule %q is of %d attacks, want 1: see attacks.go", m.rule, n)
		}
	}
}

// What noticed is stored for each rule, and each vector still exists.
func TestNoticed(t *testing.T) {
	t.Parallel()
	s, known := newTestSuite(t), newTestKnown(t)
	for _, m := range mutants {
		n := known[m.rule]
		if n.Test == "" {
			t.Errorf("it is not known what notices the rule %q: run go run ./mutate -w -new", m.rule)
		}
		if strings.HasPrefix(n.Test, "TestVectors/") && s.vectorOf(n.Test) == "" {
			t.Errorf("rule %q: there is no vector of the test %q", m.rule, n.Test)
		}
	}
	for rule := range known {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return m.rule == rule }) {
			t.Errorf("noticed.json: there is no rule %q", rule)
		}
	}
}

// The page of attacks is what the generator makes.
func TestTableIsGenerated(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	got, err := os.ReadFile(root + "/docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := newTestSuite(t).table(newTestKnown(t)); string(got) != want {
		t.Error("docs/attacks.md is not what the generator makes: run go generate in vectors")
	}
}

func TestTestName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a b", "tab\there", "rsa\u202e", "é|/#", "a\u0000b"} {
		t.Run(name, func(t *testing.T) {
			if want := "TestTestName/" + testName(name); t.Name() != want {
				t.Errorf("testName(%q) = %q, want %q", name, want, t.Name())
			}
		})
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	s := newTestSuite(t)
	for _, tt := range []struct {
		name   string
		failed []string
		want   string
	}{
		{"nothing", nil, ""},
		{"a test and its parent", []string{"TestA", "TestA/b", "TestC"}, "TestA/b"},
		{"an accepted one, and a refused one after it", []string{"TestVectors/all/times/exp_now", "TestVectors/all/times/no_exp"}, "TestVectors/all/times/no_exp"},
		{"two files", []string{
			"TestVectors/all/bindings/two_cnf", "TestVectors/all/json/two_claims_iss,_the_same", "TestVectors/all/json/two_claims_exp,_the_same",
		}, "TestVectors/all/json/two_claims_iss,_the_same"},
	} {
		if got := s.best(tt.failed); got != tt.want {
			t.Errorf("%s: best(%q) = %q, want %q", tt.name, tt.failed, got, tt.want)
		}
	}
}

func newTestSuite(t *testing.T) *suite {
	t.Helper()
	s, err := newSuite()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newTestKnown(t *testing.T) map[string]notice {
	t.Helper()
	known, err := readNoticed("noticed.json")
	if err != nil {
		t.Fatal(err)
	}
	return known
}
