package conform

import (
	"strings"
)

// A Level says how much a case matters.
type Level string

// The levels. They are those of RFC 2119. What no standard asks for, but a
// careful server does, is at most Should.
const (
	Must   Level = "must"
	Should Level = "should"
	May    Level = "may"
)

// Levels returns the levels, the strictest first.
func Levels() []Level { return []Level{Must, Should, May} }

// A Case is one thing that a resource server has to do.
type Case struct {
	// ID is the name of the case, such as "time/expired". It does not change
	// between versions. What comes before the slash is its group.
	ID    string `json:"id"`
	Level Level  `json:"level"`
	// Title says what has to happen.
	Title string `json:"title"`
	// Why says which rule is broken otherwise, or which attack works.
	Why string `json:"why,omitempty"`
	// Section is the section of the standard that asks for it. It is empty if no
	// standard does.
	Section string `json:"section,omitempty"`
	// Fix says what to change if the case fails.
	Fix string `json:"fix,omitempty"`
	// Slow cases wait for the API's cache of keys. They run if Target.Slow is
	// set.
	Slow bool `json:"slow,omitempty"`
}

// Group returns the part of the ID before the slash.
func (c Case) Group() string {
	group, _, _ := strings.Cut(c.ID, "/")
	return group
}

// Standard returns the document of Section without the section, such as "RFC
// 6750", or "no standard".
func (c Case) Standard() string {
	if c.Section == "" {
		return "no standard"
	}
	document, _, _ := strings.Cut(c.Section, ", ")
	return document
}

// A check is a case and how it is tried.
type check struct {
	Case

	run func(*session) verdict
}

// A verdict is what came of a check.
type verdict struct {
	outcome   Outcome
	got, want string
}

func pass(got string) verdict       { return verdict{outcome: Passed, got: got} }
func fail(got, want string) verdict { return verdict{Failed, got, want} }
func skip(reason string) verdict    { return verdict{outcome: Skipped, got: reason} }
func broken(err error) verdict      { return skip("the case could not be tried: " + err.Error()) }
func (c check) only(prefixes []string) bool {
	for _, prefix := range prefixes {
		if c.ID == prefix || strings.HasPrefix(c.ID, strings.TrimSuffix(prefix, "/")+"/") {
			return true
		}
	}
	return len(prefixes) == 0
}
