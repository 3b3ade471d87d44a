// Package report writes what was measured, as Markdown, as a chart and as JSON.
package report

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// A Report is the result of one run of the benchmarks.
type Report struct {
	Go     string    `json:"go"`
	System string    `json:"system"` // as in "linux/amd64"
	CPU    string    `json:"cpu"`
	Cores  int       `json:"cores"`
	Date   time.Time `json:"date"`
	Rounds int       `json:"rounds"`

	Versions []string `json:"versions"` // of the peers, as in "example.com/m/v5 v5.3.1"
	Tables   []Table  `json:"tables"`
}

// A Table holds rows that were measured together.
type Table struct {
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Rows  []Row  `json:"rows"`
}

// A Row is one measurement. If the allocations are negligible, they are zero.
type Row struct {
	Name        string  `json:"name"`
	Role        string  `json:"role"`
	Nanoseconds float64 `json:"nanoseconds"`
	Ratio       float64 `json:"ratio"`           // to the bare signature
	Speed       float64 `json:"speed,omitempty"` // the fastest peer's time divided by this row's; zero without a peer
	Allocations float64 `json:"allocations"`
	Bytes       float64 `json:"bytes"`
}

// New returns a report on this machine and this binary, without tables. It
// names the versions of these modules.
func New(rounds int, modules []string) Report {
	return Report{
		Go:       runtime.Version(),
		System:   runtime.GOOS + "/" + runtime.GOARCH,
		CPU:      cpu(),
		Cores:    runtime.GOMAXPROCS(0),
		Date:     time.Now().UTC().Truncate(time.Second),
		Rounds:   rounds,
		Versions: versions(modules),
	}
}

// Compare sets the Speed of every row in the table. The rows with the role peer
// are the peers.
func (t Table) Compare(peer string) {
	var fastest float64
	for _, r := range t.Rows {
		if r.Role == peer && (fastest == 0 || r.Ratio < fastest) {
			fastest = r.Ratio
		}
	}
	for i := range t.Rows {
		t.Rows[i].Speed = fastest / t.Rows[i].Ratio
	}
}

// cpu returns the processor's name, or "unknown processor" if the system
// doesn't tell it.
func cpu() string {
	const unknown = "unknown processor"
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return unknown
	}
	defer file.Close()

	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}

	return unknown
}

func versions(modules []string) []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	built := make(map[string]string)
	for _, m := range info.Deps {
		built[m.Path] = m.Version
	}

	var result []string
	for _, path := range modules {
		if version, ok := built[path]; ok {
			result = append(result, path+" "+version)
		}
	}

	return result
}
