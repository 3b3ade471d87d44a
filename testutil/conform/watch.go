package conform

import (
	"bytes"
	"io"
	"os"
	"strings"
)

// A watch looks at every exchange of a run for what no single case is about.
type watch struct {
	id       string // of the current case
	echoes   []string
	faults   []string
	silent   []string
	needles  []string // ends of the tokens that were sent
	sent     int
	logStart int64
}

// maxNeedles bounds the search of the log.
const maxNeedles = 1000

func (w *watch) see(r request, a answer) {
	w.sent++
	var head strings.Builder
	switch {
	case a.err != nil:
		head.WriteString(a.err.Error()) // which quotes what is no HTTP
		// Whether an API speaks HTTP/2, and ends a connection for the client's
		// certificate, is its own affair, and what the client can't write is not
		// the API's.
		if r.client == nil && !strings.Contains(a.err.Error(), "invalid header") {
			w.silent = append(w.silent, w.id)
		}
	default:
		_ = a.header.Write(&head)
		if a.status >= 500 && a.status != 503 {
			w.faults = append(w.faults, w.id)
		}
	}
	for _, needle := range needlesOf(r.token) {
		if len(w.needles) < maxNeedles {
			w.needles = append(w.needles, needle)
		}
		if strings.Contains(head.String(), needle) {
			w.echoes = append(w.echoes, w.id+" (in the header)")
		}
		if strings.Contains(a.body, needle) {
			w.echoes = append(w.echoes, w.id+" (in the body)")
		}
	}
}

// needlesOf returns what tells that a text has the token: the end of its
// signature. A token without one of its own, such as zeros, has none.
func needlesOf(token string) []string {
	const length = 24
	if len(token) < 2*length {
		return nil
	}
	end := strings.TrimRight(token, "=")
	end = end[max(0, len(end)-length):]
	distinct := map[rune]bool{}
	for _, r := range end {
		distinct[r] = true
	}
	if len(distinct) < length/3 || strings.Contains(end, ".") {
		return nil
	}
	return []string{end}
}

// begin notes where the log ends.
func (w *watch) begin(log string) error {
	if log == "" {
		return nil
	}
	info, err := os.Stat(log)
	if err != nil {
		return err
	}
	w.logStart = info.Size()
	return nil
}

// maxLog is how much of the log is read.
const maxLog = 64 << 20

// logged returns how many of the tokens are in the log.
func (w *watch) logged(log string) (found int, read int64, err error) {
	file, err := os.Open(log)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() < w.logStart {
		w.logStart = 0 // it was rotated
	}
	if _, err := file.Seek(w.logStart, io.SeekStart); err != nil {
		return 0, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxLog))
	for _, needle := range w.needles {
		if bytes.Contains(text, []byte(needle)) {
			found++
		}
	}
	return found, int64(len(text)), err
}
