package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Markdown writes the report's tables, and the conditions of the measurement,
// for GitHub.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s, %d cores, %s, %d rounds\n", r.Go, r.System, r.CPU, r.Cores,
		r.Date.Format("2006-01-02"), r.Rounds)

	for _, t := range r.Tables {
		fmt.Fprintf(&b, "\n### %s\n\n", t.Title)
		if t.Note != "" {
			fmt.Fprintf(&b, "%s\n\n", t.Note)
		}
		t.markdown(&b)
	}

	if len(r.Versions) > 0 {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(r.Versions, ", "))
	}
	_, err := io.WriteString(w, b.String())

	return err
}

func (t Table) markdown(b *strings.Builder) {
	b.WriteString("| | × signature | × as fast as the fastest peer | allocations | bytes |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: |\n")
	for _, row := range t.Rows {
		name, speed := row.Name, "–"
		if row.Role == "rsguard" {
			name = "**" + name + "**"
		}
		if row.Speed > 0 && row.Role != "yardstick" {
			speed = figure(row.Speed)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %.0f | %.0f |\n", name, figure(row.Ratio), speed, row.Allocations, row.Bytes)
	}
}

// figure writes a ratio with its significant digits.
func figure(ratio float64) string {
	switch {
	case ratio >= 100:
		return strconv.FormatFloat(ratio, 'f', 0, 64)
	case ratio >= 10:
		return strconv.FormatFloat(ratio, 'f', 1, 64)
	case ratio >= 0.1:
		return strconv.FormatFloat(ratio, 'f', 2, 64)
	}

	return strconv.FormatFloat(ratio, 'f', 4, 64)
}
