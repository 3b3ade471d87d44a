package report

import (
	_ "embed"
	"io"
	"text/template"
)

//go:embed chart.svg.tmpl
var chartText string

var chart = template.Must(template.New("chart").Parse(chartText))

// Measures of the chart, in pixels.
const (
	chartWidth  = 860
	barsLeft    = 330 // where the bars begin, right of the names
	barsWidth   = 440
	lineHeight  = 26
	titleHeight = 34
	chartTop    = 62
	chartBottom = 34
)

type chartPanel struct {
	Title string
	Y     int
	Bars  []chartBar
}

type chartBar struct {
	Name, Class, Figure  string
	Y                    int
	Signature, Rest, End float64 // widths of the bar's two parts, and where the figure goes
}

// SVG draws the report's first algorithm as bars, for light and dark pages.
// Each bar has two parts, the signature and the rest.
func (r Report) SVG(w io.Writer) error {
	tables := r.Tables[:min(2, len(r.Tables))]
	var longest float64
	for _, t := range tables {
		for _, row := range t.Rows {
			longest = max(longest, row.Ratio)
		}
	}
	scale := barsWidth / max(longest, 1)

	y := chartTop
	var panels []chartPanel
	for _, t := range tables {
		panel := chartPanel{Title: t.Title, Y: y + 20}
		y += titleHeight
		for _, row := range t.Rows {
			signature := min(row.Ratio, 1)
			panel.Bars = append(panel.Bars, chartBar{
				Name:      row.Name,
				Class:     row.Role,
				Figure:    figure(row.Ratio),
				Y:         y,
				Signature: signature * scale,
				Rest:      (row.Ratio - signature) * scale,
				End:       barsLeft + row.Ratio*scale + 8,
			})
			y += lineHeight
		}
		panels = append(panels, panel)
	}

	return chart.Execute(w, map[string]any{
		"Width":  chartWidth,
		"Height": y + chartBottom,
		"Left":   barsLeft,
		"Top":    chartTop,
		"Bottom": y,
		"One":    barsLeft + scale,
		"Panels": panels,
		"Report": r,
	})
}
