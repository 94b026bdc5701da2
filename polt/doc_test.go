package polt_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverythingExportedIsDocumented(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	set := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(set, files, "github.com/openpolt/polt-mcp/polt")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{"package polt": p.Doc}
	functions := p.Funcs
	groups := append(p.Consts, p.Vars...)
	for _, typ := range p.Types {
		documented[typ.Name] = typ.Doc
		functions = append(append(functions, typ.Funcs...), typ.Methods...)
		groups = append(append(groups, typ.Consts...), typ.Vars...)
	}
	for _, f := range functions {
		documented[f.Recv+"."+f.Name] = f.Doc
	}
	for _, group := range groups {
		for _, spec := range group.Decl.Specs {
			spec := spec.(*ast.ValueSpec)
			own := spec.Doc.Text() + spec.Comment.Text()
			if len(group.Decl.Specs) == 1 || group.Decl.Tok == token.CONST {
				own += group.Doc
			}
			for _, name := range spec.Names {
				if name.IsExported() {
					documented[name.Name] = own
				}
			}
		}
	}
	if len(documented) < 90 {
		t.Errorf("only %d names were found", len(documented))
	}
	for name, text := range documented {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s has no doc comment", name)
		}
	}
}
