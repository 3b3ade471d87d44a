package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/rsguard/rsguard/testutil/mockissuer"
)

// readConfig reads a tenant from a YAML file. Without one it is the demo tenant. A name that it does not know is an
// error: it is more likely a slip than meant to be ignored.
func readConfig(file string) (mockissuer.Config, error) {
	if file == "" {
		return mockissuer.Demo(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return mockissuer.Config{}, err
	}
	defer f.Close()

	var cfg mockissuer.Config
	err = yaml.NewDecoder(f, yaml.DisallowUnknownField()).Decode(&cfg)
	if errors.Is(err, io.EOF) {
		err = nil // an empty file is a tenant of nothing
	}
	if err != nil {
		return mockissuer.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return cfg, nil
}

func writeConfig(out io.Writer, cfg mockissuer.Config) error {
	return yaml.NewEncoder(out, yaml.OmitEmpty(), yaml.IndentSequence(true)).Encode(cfg)
}
