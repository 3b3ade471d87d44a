package main

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rsguard/rsguard/vectors"
)

// A found is a vector and its file.
type found struct {
	file   string
	vector vectors.Vector
}

// A suite knows the vector that each test of the runner runs.
type suite struct {
	tests   []string // in the order of the files
	byTest  map[string]found
	folders map[string]string // of each file
}

func newSuite() (*suite, error) {
	files, err := vectors.All()
	if err != nil {
		return nil, err
	}
	ids, err := vectors.IDTokens()
	if err != nil {
		return nil, err
	}
	s := &suite{byTest: map[string]found{}, folders: map[string]string{}}
	for i, file := range append(files, ids...) {
		if s.folders[file.Name] = "data"; i >= len(files) {
			s.folders[file.Name] = "data/idtoken"
		}
		for _, v := range file.Vectors {
			test := "TestVectors/all/" + file.Name + "/" + testName(v.Name)
			if _, ok := s.byTest[test]; !ok {
				s.tests = append(s.tests, test)
				s.byTest[test] = found{file.Name, v}
			}
		}
	}
	return s, nil
}

// vectorOf returns the file and the name of the vector that a test runs, or "".
func (s *suite) vectorOf(test string) string {
	f, ok := s.byTest[test]
	if !ok {
		return ""
	}
	return f.file + ": " + f.vector.Name
}

// best returns the vector that shows a missing rule best: the first that is
// refused, in the file of which most failed. Where no vector failed, it is the
// first test that failed by itself, not by a test within it.
func (s *suite) best(failed []string) string {
	refused := map[string]int{}
	for _, test := range failed {
		if f, ok := s.byTest[test]; ok && f.vector.Want != vectors.Accept {
			refused[f.file]++
		}
	}
	best := ""
	for _, test := range s.tests {
		if !slices.Contains(failed, test) {
			continue
		}
		f, old := s.byTest[test], s.byTest[best]
		if f.vector.Want == vectors.Accept && best == "" || f.vector.Want != vectors.Accept && (best == "" || old.vector.Want == vectors.Accept || refused[f.file] > refused[old.file]) {
			best = test
		}
	}
	if best != "" {
		return best
	}
	for i, test := range failed {
		if i+1 == len(failed) || !strings.HasPrefix(failed[i+1], test+"/") {
			return test
		}
	}
	return ""
}

// testName returns the name that package testing gives a subtest.
func testName(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte('_')
		case !strconv.IsPrint(r):
			q := strconv.QuoteRune(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
