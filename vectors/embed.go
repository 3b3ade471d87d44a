package vectors

import (
	"embed"
	"io/fs"
)

//go:generate cp ../testutil/mockissuer/shapes.json forge/shapes.json
//go:generate go run ./gen
//go:generate go run ./mutate -table ../docs/attacks.md

//go:embed data/*.json
var data embed.FS

// All returns every file of this module, sorted by name.
func All() ([]File, error) {
	dir, err := fs.Sub(data, "data")
	if err != nil {
		return nil, err
	}
	return Load(dir)
}
