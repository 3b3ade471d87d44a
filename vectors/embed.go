package vectors

import (
	"embed"
	"io/fs"
)

//go:generate cp ../testutil/mockissuer/shapes.json forge/shapes.json
//go:generate go run ./gen
//go:generate go run ./mutate -table ../docs/attacks.md

//go:embed data/*.json data/idtoken/*.json
var data embed.FS

// All returns every file of this module whose tokens are access tokens, sorted
// by name.
func All() ([]File, error) { return in("data") }

// IDTokens returns the files whose tokens are ID tokens.
func IDTokens() ([]File, error) { return in("data/idtoken") }

func in(name string) ([]File, error) {
	dir, err := fs.Sub(data, name)
	if err != nil {
		return nil, err
	}
	return Load(dir)
}
