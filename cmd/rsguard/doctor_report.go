package main

import (
	"fmt"
	"strings"
	"unicode"
)

// A level says what a finding means to the person who deploys the service.
type level string

const (
	good     level = "good"
	consider level = "consider" // it works, and may not be what is wanted
	change   level = "change"   // tokens would be rejected, or wrong ones accepted
)

// A report is what doctor has found, in sections.
type report struct {
	lines  strings.Builder
	n      map[level]int
	hidden []string // pairs of a secret and what is shown in place of it
}

// hide keeps the credentials and the query of a URL out of what is added from
// now on. A key set's address may have a key of its own in its query.
func (r *report) hide(address string) {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "#")
	place, query, _ := strings.Cut(rest, "?")
	authority, _, _ := strings.Cut(place, "/")
	if at := strings.LastIndexByte(authority, '@'); at > 0 {
		r.hidden = append(r.hidden, authority[:at+1], "…@")
	}
	if query != "" {
		r.hidden = append(r.hidden, "?"+query, "?…")
	}
}

func (r *report) shown(text string) string {
	return printable(strings.NewReplacer(r.hidden...).Replace(text))
}

func (r *report) begin(section string) {
	fmt.Fprintf(&r.lines, "%s\n", r.shown(section))
}

// add adds a finding, and what to do about it, unless all is good.
func (r *report) add(l level, subject, found, remedy string) {
	if r.n == nil {
		r.n = make(map[level]int)
	}
	r.n[l]++
	fmt.Fprintf(&r.lines, "  %-9s %-13s %s\n", l, subject, r.shown(found))
	if remedy != "" {
		fmt.Fprintf(&r.lines, "  %-9s %-13s what to do: %s\n", "", "", r.shown(remedy))
	}
}

func (r *report) count(l level) int { return r.n[l] }

// text returns the report, and its sum.
func (r *report) text() string {
	sum := "nothing must be changed"
	if n := r.n[change]; n > 0 {
		sum = count(n, "thing") + " to change"
	}
	if n := r.n[consider]; n > 0 {
		sum += ", " + fmt.Sprint(n) + " to consider"
	}
	return r.lines.String() + sum + "\n"
}

// printable replaces what a terminal would act on. An issuer has written some of
// the text.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
}
