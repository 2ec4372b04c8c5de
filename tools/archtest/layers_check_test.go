package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// checkLayers returns a sentence for everything in the tree that
// ARCHITECTURE.md, Layers, does not allow.
func checkLayers(tree []goPackage) []string {
	var bad []string
	for _, p := range tree {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			bad = append(bad, p.path()+": no package comment; say in a few sentences what a newcomer can start from")
		}
		if p.path() == "" {
			bad = append(bad, "the root: holds no Go files; give them a package")
			continue
		}
		here, ok := layerOf(p.path())
		if !ok {
			bad = append(bad, p.path()+": has no layer; ARCHITECTURE.md, Layers, says where packages belong")
			continue
		}
		for _, imported := range p.Imports {
			if why := mayImport(p.path(), here, imported); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", p.path(), imported, why))
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := mayTest(here, imported); why != "" {
				bad = append(bad, fmt.Sprintf("%s's tests import %s: %s", p.path(), imported, why))
			}
		}
		for client, owners := range linked() {
			if within(p.path(), owners...) {
				continue
			}
			for _, dep := range p.Deps {
				if within(dep, client) {
					bad = append(bad, fmt.Sprintf("%s links %s: only %v may", p.path(), dep, owners))
					break
				}
			}
		}
	}
	slices.Sort(bad)
	return bad
}

// within reports whether path is one of the prefixes or lies below one.
func within(path string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

func layerOf(path string) (layer, bool) {
	var found layer
	for _, l := range layers() {
		if within(path, l.prefix) && len(l.prefix) > len(found.prefix) {
			found = l
		}
	}
	return found, found.prefix != ""
}

// standard reports whether an import path is the standard library's: those have
// no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// mayImport says why a package of that layer may not import that path; "" if it
// may.
func mayImport(path string, here layer, imported string) string {
	if standard(imported) {
		return ""
	}
	inside, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		if within(imported, here.modules...) {
			return ""
		}
		return "this layer may not; each outside module has one place in the table"
	}
	there, ok := layerOf(inside)
	switch {
	case !ok:
		return "which has no layer"
	case there.rank == program:
		return "nothing imports a program"
	case there.rank > here.rank:
		return "a layer imports only those above it"
	case there.rank < here.rank && there.rank != support:
		return ""
	case there.rank == support && here.rank != support:
		return "that is for tests"
	case here.rank == adapter && !within(inside, path):
		return "an adapter imports no other adapter, but a parent its children"
	case here.rank == words && inside != path:
		return "the words import the standard library only"
	}
	return ""
}

// mayTest is about what a package's tests import. Words and rules are tested
// with nothing below them but the shared helpers of tests; the others also against the real stores. What only
// tests link need not stand in the table.
func mayTest(here layer, imported string) string {
	inside, ours := strings.CutPrefix(imported, module+"/")
	if !ours {
		return ""
	}
	there, ok := layerOf(inside)
	switch {
	case !ok:
		return "which has no layer"
	case there.rank == program && here.rank != program:
		return "nothing imports a program"
	case here.rank <= pure && there.rank > support:
		return "words and rules are tested with nothing below them"
	}
	return ""
}
