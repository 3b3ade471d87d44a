package promguard_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A dashboard is the part of Grafana's dashboard JSON model that is used here.
// What is not a member of it is a mistake of the file's, or new here.
type dashboard struct {
	Title, UID, Timezone, Refresh string
	SchemaVersion, Version        int
	Editable                      bool
	Tags                          []string
	Time                          struct{ From, To string }
	Annotations                   struct{ List []any }
	Templating                    struct {
		List []struct {
			Name, Type, Query, Label string
			Hide                     int
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Title, Description, Type string
	Datasource               datasource
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct {
		Defaults  json.RawMessage
		Overrides []any
	}
	Options json.RawMessage
	Targets []struct {
		RefID, Expr, LegendFormat string
		Instant, Range            bool
		Datasource                datasource
	}
}

type datasource struct{ Type, UID string }

// Grafana can import the dashboard: it has a schema version, the data source is
// a variable that is asked for, and the panels have places that don't overlap.
// TestPrometheus evaluates the queries.
func TestDashboard(t *testing.T) {
	t.Parallel()

	var d dashboard
	decoder := json.NewDecoder(strings.NewReader(read(t, "dashboard.json")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	// Version 36 came with data sources that are objects.
	if d.Title == "" || d.UID == "" || len(d.UID) > 40 || d.SchemaVersion < 36 || d.Time.From == "" || d.Time.To == "" {
		t.Errorf("title %q, uid %q, schemaVersion %d, time %v, want all of them, and 36 at least", d.Title, d.UID, d.SchemaVersion, d.Time)
	}
	if len(d.Templating.List) != 1 || d.Templating.List[0].Type != "datasource" || d.Templating.List[0].Query != "prometheus" || d.Templating.List[0].Hide != 0 {
		t.Fatalf("variables = %+v, want one that is shown, of a Prometheus data source", d.Templating.List)
	}
	want := datasource{"prometheus", "${" + d.Templating.List[0].Name + "}"}

	var ids []int
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		if slices.Contains(ids, p.ID) || p.ID <= 0 {
			t.Errorf("%s: id %d, want one of its own", p.Title, p.ID)
		}
		ids = append(ids, p.ID)
		if p.Title == "" || p.Type == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d: title %q, type %q, %d targets, want all of them", p.ID, p.Title, p.Type, len(p.Targets))
		}
		if p.Datasource != want {
			t.Errorf("%s: data source %v, want %v", p.Title, p.Datasource, want)
		}
		if g := p.GridPos; g.X < 0 || g.W <= 0 || g.X+g.W > 24 || g.H <= 0 {
			t.Errorf("%s: place %+v, want one in 24 columns", p.Title, g)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s is in the place of %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		var refs []string
		for _, target := range p.Targets {
			if target.RefID == "" || slices.Contains(refs, target.RefID) || target.Datasource != want || target.Expr == "" {
				t.Errorf("%s: target %+v, want a refId of its own, a query and the data source %v", p.Title, target, want)
			}
			refs = append(refs, target.RefID)
			if strings.Contains(target.Expr, "rate(") && !strings.Contains(target.Expr, "[$__rate_interval]") {
				t.Errorf("%s: %s, want a rate over $__rate_interval", p.Title, target.Expr)
			}
		}
	}
}
