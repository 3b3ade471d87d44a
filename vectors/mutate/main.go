// Command mutate removes one rule at a time from the source, for tokens, key
// sets, requests, proofs and configurations, and reports which vector or test
// notices. The rules are listed in mutants.go. Run it in the folder vectors of
// a checkout:
//
//	go run ./mutate            # all of them: some minutes
//	go run ./mutate -run crit  # those whose rule this regular expression matches
//	go run ./mutate -w         # and store which vector or test noticed
//	go run ./mutate -w -new    # only those of which that is not stored yet
//	go run ./mutate -n         # is each rule still where it is looked for?
//
// The tree is not changed, since the compiler gets the changed files by its
// -overlay. The command fails if nothing notices that a rule is missing, or if
// a rule is no longer found in the source.
//
// The test that noticed last time runs first. Only if it passes, the vectors
// run, and then all other tests.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// A mutant is one rule, and the edits that remove it.
type mutant struct {
	rule  string
	edits []edit
}

// An edit replaces text that a file has exactly once.
type edit struct{ file, find, replace string }

func main() {
	log.SetFlags(0)
	log.SetPrefix("mutate: ")
	only := flag.String("run", "", "only the rules that this regular expression matches")
	dry := flag.Bool("n", false, "change nothing and run nothing")
	store := flag.Bool("w", false, "store what noticed in "+noticedFile)
	unknown := flag.Bool("new", false, "only the rules of which "+noticedFile+" does not say what noticed")
	workers := flag.Int("p", runtime.NumCPU(), "how many rules are taken out at once")
	page := flag.String("table", "", "only write the table of attacks to this file")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	known, err := readNoticed(noticedFile)
	if err != nil {
		log.Fatal(err)
	}
	tests, err := newSuite()
	if err != nil {
		log.Fatal(err)
	}
	if *page != "" {
		if err := tests.writeTable(*page, known); err != nil {
			log.Fatal(err)
		}
		return
	}

	var chosen []mutant
	for _, m := range mutants {
		if wanted.MatchString(m.rule) && !(*unknown && known[m.rule].Test != "") {
			chosen = append(chosen, m)
		}
	}
	var ask func(mutant, map[string]string) (notice, error)
	if !*dry {
		last := maps.Clone(known) // known changes meanwhile
		ask = func(m mutant, sources map[string]string) (notice, error) {
			return tests.try(context.Background(), sources, last[m.rule], *store)
		}
	}
	missed := 0
	fmt.Println("| rule removed | noticed by |\n|---|---|")
	for m, r := range run(chosen, *workers, ask) {
		fmt.Printf("| %s | %s |\n", m.rule, tests.describe(r))
		switch {
		case r.err != nil:
			missed++
		case *store && !*dry: // at once, for a run may be interrupted
			known[m.rule] = r.notice
			if err := writeNoticed(noticedFile, known); err != nil {
				log.Fatal(err)
			}
		}
	}
	fmt.Printf("\n%d rules, %d of them unnoticed or not found\n", len(chosen), missed)
	if missed > 0 {
		os.Exit(1)
	}
}

type result struct {
	notice notice
	err    error
}

// run tries every mutant, several at once, and yields the results in the order
// of the mutants. If ask is nil, it only looks for the rules.
func run(chosen []mutant, workers int, ask func(mutant, map[string]string) (notice, error)) iter.Seq2[mutant, result] {
	return func(yield func(mutant, result) bool) {
		answers := make([]chan result, len(chosen))
		for i := range answers {
			answers[i] = make(chan result, 1)
		}
		next := make(chan int, len(chosen))
		for i := range chosen {
			next <- i
		}
		close(next)
		for range max(1, workers) {
			go func() {
				for i := range next {
					var r result
					sources, err := chosen[i].apply(root)
					if err == nil && ask != nil {
						r.notice, err = ask(chosen[i], sources)
					}
					r.err = err
					answers[i] <- r
				}
			}()
		}
		for i, m := range chosen {
			if !yield(m, <-answers[i]) {
				return
			}
		}
	}
}

// describe returns the vector or test that noticed, or the error.
func (s *suite) describe(r result) string {
	text := cmp.Or(s.vectorOf(r.notice.Test), r.notice.Test)
	switch {
	case r.err != nil:
		text = "**" + r.err.Error() + "**"
	case text == "":
		text = "-"
	default:
		text = "`" + text + "`"
	}
	return strings.ReplaceAll(text, "|", "¦")
}

// apply returns the files of the folder root that are changed, without the
// rule.
func (m mutant) apply(root string) (map[string]string, error) {
	sources := map[string]string{}
	for _, e := range m.edits {
		source, ok := sources[e.file]
		if !ok {
			data, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			source = string(data)
		}
		if n := strings.Count(source, e.find); n != 1 {
			return nil, fmt.Errorf("%s has %d times `%s`", e.file, n, e.find)
		}
		sources[e.file] = strings.Replace(source, e.find, e.replace, 1)
	}
	return sources, nil
}

// readNoticed reads which test noticed each missing rule.
func readNoticed(path string) (map[string]notice, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known := map[string]notice{}
	if err := json.Unmarshal(data, &known); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return known, nil
}

// writeNoticed writes what is known of the current rules.
func writeNoticed(path string, known map[string]notice) error {
	current := map[string]notice{}
	for _, m := range mutants {
		if n, ok := known[m.rule]; ok {
			current[m.rule] = n
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(current); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
