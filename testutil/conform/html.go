package conform

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

//go:embed report.html
var htmlText string

var htmlTemplate = template.Must(template.New("report.html").Funcs(template.FuncMap{
	"upper": upper,
	"date":  func(t time.Time) string { return t.Format("2006-01-02 15:04 MST") },
	"took":  func(d time.Duration) string { return d.Round(time.Second / 10).String() },
}).Parse(htmlText))

// A page is what the template shows.
type page struct {
	*Report

	Levels    []pageLevel
	Standards []pageStandard
	Failures  []Result
	Earlier   *Report
	New       []Result // failures that the earlier report does not have
	Still     []Result
}

type pageLevel struct {
	Level Level
	Counts
}

// A pageStandard is one document and the cases that it asks for.
type pageStandard struct {
	Name     string
	Total    Counts
	Sections []pageSection
}

// A pageSection is a section of a document, with no name if there is none.
type pageSection struct {
	Name    string
	Total   Counts
	Results []Result
}

func (s *pageStandard) add(r Result) {
	s.Total.add(r)
	_, name, _ := strings.Cut(r.Section, ", ")
	n := slices.IndexFunc(s.Sections, func(s pageSection) bool { return s.Name == name })
	if n < 0 {
		n = len(s.Sections)
		s.Sections = append(s.Sections, pageSection{Name: name})
	}
	s.Sections[n].Total.add(r)
	s.Sections[n].Results = append(s.Sections[n].Results, r)
}

// bySection compares names such as "Section 4.1.4" by their numbers.
func bySection(a, b pageSection) int {
	return slices.CompareFunc(strings.FieldsFunc(a.Name, separates), strings.FieldsFunc(b.Name, separates), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

func separates(r rune) bool { return r == ' ' || r == '.' }

// WriteHTML writes the report as one HTML page that needs nothing from
// elsewhere. If earlier is not nil, it is compared with that.
func (r *Report) WriteHTML(out io.Writer, earlier *Report) error {
	p := page{Report: r, Earlier: earlier}
	for _, level := range Levels() {
		p.Levels = append(p.Levels, pageLevel{level, r.Count(level)})
		for _, result := range r.Results {
			if result.Level == level && result.Outcome == Failed {
				p.Failures = append(p.Failures, result)
			}
		}
	}
	for _, result := range p.Failures {
		if result.Known {
			p.Still = append(p.Still, result)
		} else {
			p.New = append(p.New, result)
		}
	}
	for _, result := range r.Results {
		n := slices.IndexFunc(p.Standards, func(s pageStandard) bool { return s.Name == result.Standard() })
		if n < 0 {
			n = len(p.Standards)
			p.Standards = append(p.Standards, pageStandard{Name: result.Standard()})
		}
		p.Standards[n].add(result)
	}
	slices.SortStableFunc(p.Standards, func(a, b pageStandard) int { return b.Total.all() - a.Total.all() })
	for _, standard := range p.Standards {
		slices.SortStableFunc(standard.Sections, bySection)
	}
	if err := htmlTemplate.Execute(out, p); err != nil {
		return fmt.Errorf("conform: %w", err)
	}
	return nil
}
