package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	docLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// codeText is a code span, or a line of a block.
	codeText = regexp.MustCompile("`[^`\n]+`|(?m)^    .+$")
	// code between fences is for the compiler, not for this check.
	fenced      = regexp.MustCompile("(?ms)^```.*?^```$")
	makeCall    = regexp.MustCompile(`\bmake ([a-z][a-z0-9/-]*)`)
	pathInCode  = regexp.MustCompile(`(?:^|[\s=("']|\./)((?:pkg|infra|functions|statemachine|tools|docs|cmd)(?:/[A-Za-z0-9._*-]+)*/?)`)
	settingName = regexp.MustCompile(`\b(?:OPSGUARD|GEMINI|DISCORD|EMULATOR)_[A-Z_]+\b`)
	camelCase   = regexp.MustCompile("`([A-Z][a-z]+[A-Z][A-Za-z]*)`")
	identifier  = regexp.MustCompile("`([a-z]+)\\.([A-Z][A-Za-z]*)`")
	namedTest   = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z][A-Za-z0-9]*`)
	citation    = regexp.MustCompile(`ARCHITECTURE\.md, ([A-Z][A-Za-z ]*?)(?:[,.;:)]|$)`)
	reasonWord  = regexp.MustCompile(`\bReason\w+\s+Reason = "([a-z_]+)"`)
	slugWord    = regexp.MustCompile(`\bslug\w+\s+= "([a-z-]+)"`)
)

// docCheck collects what is wrong with the documents.
type docCheck struct {
	repository
	names, tests, settings map[string]bool
	prefixes               []string
	bad                    []string
}

func (c *docCheck) report(format string, args ...any) {
	c.bad = append(c.bad, fmt.Sprintf(format, args...))
}

// check returns a sentence for everything that the documents name and that is not
// there, and for what they must name and leave out.
func (r repository) check() []string {
	c := &docCheck{repository: r, names: map[string]bool{}, tests: map[string]bool{}, settings: map[string]bool{}}
	c.learn()
	for _, doc := range slices.Sorted(maps.Keys(r.documents)) {
		text := r.documents[doc]
		c.links(doc, text)
		c.code(doc, fenced.ReplaceAllString(text, ""))
	}
	if n := strings.Count(r.documents["README.md"], "\n"); n >= maxReadme {
		c.report("README.md has %d lines; keep it under %d and move what is for fewer readers to docs", n, maxReadme)
	}
	for _, l := range r.layers {
		if !strings.Contains(r.documents["ARCHITECTURE.md"], "`"+l.prefix+"`") {
			c.report("ARCHITECTURE.md does not name the layer %s", l.prefix)
		}
	}
	c.citations()
	return c.bad
}

// learn collects what the code declares.
func (c *docCheck) learn() {
	for _, f := range c.sources {
		for _, name := range settingName.FindAllString(f.text, -1) {
			switch {
			case !strings.Contains(f.text, `"`+name+`"`) && !strings.Contains(f.text, `env:"`+name+`"`):
			case strings.HasSuffix(name, "_"):
				c.prefixes = append(c.prefixes, name)
			default:
				c.settings[name] = true
			}
		}
		if strings.HasSuffix(f.path, "_test.go") {
			for _, name := range namedTest.FindAllString(f.text, -1) {
				c.tests[name] = c.tests[name] || strings.Contains(f.text, "\nfunc "+name+"(")
			}
			continue
		}
		if strings.HasPrefix(f.path, "pkg/") || strings.HasPrefix(f.path, "infra/") {
			c.declarations(f)
		}
	}
}

// declarations notes a file's exported names as package.Name.
func (c *docCheck) declarations(f source) {
	parsed, err := parser.ParseFile(token.NewFileSet(), f.path, f.text, parser.SkipObjectResolution)
	if err != nil {
		c.report("%s cannot be read: %v", f.path, err)
		return
	}
	note := func(id *ast.Ident) { c.names[parsed.Name.Name+"."+id.Name] = true }
	for _, decl := range parsed.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				note(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					note(s.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						note(name)
					}
				}
			}
		}
	}
}

func (c *docCheck) links(doc, text string) {
	for _, m := range docLink.FindAllStringSubmatch(text, -1) {
		to, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(to, "://") {
			continue
		}
		target := doc
		if to != "" {
			target = path.Join(path.Dir(doc), to)
		}
		other, isDocument := c.documents[target]
		switch {
		case !isDocument && !c.exists(target):
			c.report("%s links to %s, which is not there", doc, target)
		case anchor != "" && isDocument && !slices.Contains(headings(other), anchor):
			c.report("%s links to %s, which has no heading #%s", doc, target, anchor)
		}
	}
}

// headings are a document's, as GitHub makes anchors of them.
func headings(text string) []string {
	var all []string
	for line := range strings.Lines(fenced.ReplaceAllString(text, "")) {
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			kept := strings.Map(func(r rune) rune {
				if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-_ ", r) {
					return r
				}
				return -1
			}, strings.ToLower(strings.TrimSpace(title)))
			all = append(all, strings.ReplaceAll(kept, " ", "-"))
		}
	}
	return all
}

// code looks at code spans and blocks: targets of make, paths, settings, names.
func (c *docCheck) code(doc, text string) {
	for _, code := range codeText.FindAllString(text, -1) {
		code = strings.Trim(code, "` ")
		for _, m := range makeCall.FindAllStringSubmatch(code, -1) {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(m[1]) + `:`).MatchString(c.makefile) {
				c.report("%s says make %s, which the Makefile does not have", doc, m[1])
			}
		}
		for _, m := range pathInCode.FindAllStringSubmatch(code, -1) {
			if p := strings.TrimSuffix(strings.TrimSuffix(m[1], "..."), "/"); !c.exists(p) {
				c.report("%s names %s, which is not there", doc, p)
			}
		}
	}
	for _, name := range settingName.FindAllString(text, -1) {
		isPrefixed := slices.ContainsFunc(c.prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		if !c.settings[name] && !isPrefixed && !strings.Contains(c.scripts, name) {
			c.report("%s names the setting %s, which nothing reads", doc, name)
		}
	}
	for _, m := range identifier.FindAllStringSubmatch(text, -1) {
		isOurs := slices.ContainsFunc(c.sources, func(f source) bool { return path.Base(path.Dir(f.path)) == m[1] })
		if isOurs && !c.names[m[1]+"."+m[2]] {
			c.report("%s names %s.%s, which is not declared", doc, m[1], m[2])
		}
	}
	for _, name := range namedTest.FindAllString(text, -1) {
		if !c.tests[name] {
			c.report("%s names the test %s, which is not there", doc, name)
		}
	}
	if doc == "docs/deploying.md" || doc == "docs/operating.md" {
		for _, m := range camelCase.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(c.template, m[1]) {
				c.report("%s names %s, which template.yaml does not have", doc, m[1])
			}
		}
	}
}

// citations holds comments to headings of ARCHITECTURE.md, and docs/api.md to the
// words that callers meet.
func (c *docCheck) citations() {
	known := headings(c.documents["ARCHITECTURE.md"])
	api := c.documents["docs/api.md"]
	for _, f := range c.sources {
		if strings.Contains(f.text, "design "+"§") {
			c.report("%s cites a design that the repository does not hold; cite a section of ARCHITECTURE.md", f.path)
		}
		for line := range strings.Lines(f.text) {
			_, comment, _ := strings.Cut(line, "//")
			for _, m := range citation.FindAllStringSubmatch(strings.TrimSpace(comment), -1) {
				if !slices.Contains(known, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")) && !within(f.path, "tools/archtest") {
					c.report("%s cites ARCHITECTURE.md, %s, which is no section of it", f.path, m[1])
				}
			}
		}
		words := map[string]*regexp.Regexp{"pkg/incident/words.go": reasonWord, "pkg/web/problem.go": slugWord}[f.path]
		if words == nil {
			continue
		}
		for _, m := range words.FindAllStringSubmatch(f.text, -1) {
			if !strings.Contains(api, "`"+m[1]+"`") {
				c.report("docs/api.md does not explain %s of %s", m[1], f.path)
			}
		}
	}
}
