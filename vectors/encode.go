package vectors

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode returns the file in its stored form, with one member per line, so that
// a change is easy to see in a diff.
func Encode(file File) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(file); err != nil {
		return nil, fmt.Errorf("vectors: %s: %w", file.Name, err)
	}
	return b.Bytes(), nil
}
