// Command gen writes the vectors, and the root module's copy of their types.
// Run it by go generate in the folder above.
package main

import (
	"bytes"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/rsguard/rsguard/vectors"
	"github.com/rsguard/rsguard/vectors/forge"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")

	count := write("data", forge.Files()) + write("data/idtoken", forge.IDTokens())

	signals := forge.Signals()
	data, err := vectors.EncodeSignals(signals)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("signals", "signals.json"), data, 0o644); err != nil {
		log.Fatal(err)
	}
	count += len(signals.Vectors)

	source, err := os.ReadFile("vectors.go")
	if err != nil {
		log.Fatal(err)
	}
	const header = "// Code generated from vectors/vectors.go by vectors/gen. DO NOT EDIT.\n"
	_, types, ok := bytes.Cut(source, []byte("\npackage vectors\n"))
	if !ok {
		log.Fatal("vectors.go: no package clause")
	}
	if err := os.WriteFile("../internal/vectors/format.go", slices.Concat([]byte(header+"\npackage vectors\n"), types), 0o644); err != nil {
		log.Fatal(err)
	}
	log.Printf("%d vectors", count)
}

// write writes the files into a folder, and returns how many vectors they have.
func write(dir string, files []vectors.File) (count int) {
	for _, file := range files {
		data, err := vectors.Encode(file)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file.Name+".json"), data, 0o644); err != nil {
			log.Fatal(err)
		}
		count += len(file.Vectors)
	}
	return count
}
