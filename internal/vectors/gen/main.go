// Command gen writes testdata/vectors anew. Run it by go generate in the folder above.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/rsguard/rsguard/internal/vectors"
	"github.com/rsguard/rsguard/internal/vectors/forge"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	dir := flag.String("dir", "../../testdata/vectors", "where the files go")
	flag.Parse()

	if err := os.MkdirAll(*dir, 0o755); err != nil {
		log.Fatal(err)
	}
	count := 0
	for _, file := range forge.Files() {
		data, err := vectors.Encode(file)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*dir, file.Name+".json"), data, 0o644); err != nil {
			log.Fatal(err)
		}
		count += len(file.Vectors)
	}
	log.Printf("%d vectors", count)
}
