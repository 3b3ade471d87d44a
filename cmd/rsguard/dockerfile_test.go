package main

import (
	"encoding/json"
	goversion "go/version"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDockerfile checks what can be checked without an engine.
func TestDockerfile(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(module)

	var build, user, copied string
	var entry []string
	stages := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		instruction, rest, _ := strings.Cut(line, " ")
		args := strings.Fields(rest)
		switch instruction {
		case "FROM":
			stages++
			user, entry = "", nil
			if image, release, _ := strings.Cut(args[0], ":"); image == "golang" && goversion.Compare("go"+release, goversion.Lang("go"+string(required[1]))) < 0 {
				t.Errorf("the image has Go %s, go.mod requires %s", release, required[1])
			} else if release == "" || release == "latest" {
				t.Errorf("FROM %s, want a release", args[0])
			}
		case "COPY":
			if from, ok := strings.CutPrefix(args[0], "--from="); ok {
				if from != "build" || stages < 2 {
					t.Errorf("COPY --from=%s in stage %d, want from build in a later one", from, stages)
				}
				copied = args[1]
				break
			}
			for _, source := range args[:len(args)-1] {
				if _, err := os.Stat(filepath.Join("../..", source)); err != nil {
					t.Errorf("COPY %s: %v", source, err)
				}
			}
		case "RUN":
			if strings.Contains(rest, "go build") {
				build = args[slices.Index(args, "-o")+1]
				if _, err := os.Stat(filepath.Join("../..", args[len(args)-1], "main.go")); err != nil {
					t.Errorf("RUN %s: %v", rest, err)
				}
			}
		case "USER":
			user = rest
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(rest), &entry); err != nil {
				t.Errorf("ENTRYPOINT %s: %v", rest, err)
			}
		case "WORKDIR":
		default:
			t.Errorf("the Dockerfile has %s, which this test does not know", instruction)
		}
	}
	if build == "" || copied != build || len(entry) != 1 || entry[0] != build {
		t.Errorf("the program is built as %q, copied from %q and run as %q, want the same", build, copied, entry)
	}
	if user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("the last stage runs as %q, want a user without rights", user)
	}
}
