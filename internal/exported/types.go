package exported

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Types returns the exported types of all packages of the module at root that
// others can import, such as "validator.Config", in order. It skips nested
// modules, programs and examples.
func Types(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && skipped(path, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		found, err := typesIn(path)
		names = append(names, found...)
		return err
	})
	slices.Sort(names)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("exported: no types in %s", root)
	}
	return names, err
}

func skipped(path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	switch name {
	case "internal", "testdata", "cmd", "examples":
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// typesIn returns the exported types that a file declares.
func typesIn(path string) ([]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil || file.Name.Name == "main" {
		return nil, err
	}
	var names []string
	for _, decl := range file.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok || general.Tok != token.TYPE {
			continue
		}
		for _, spec := range general.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok && t.Name.IsExported() {
				names = append(names, file.Name.Name+"."+t.Name.Name)
			}
		}
	}
	return names, nil
}
