package lockfile

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// pom is what counts in a pom.xml.
type pom struct {
	XMLName xml.Name `xml:"project"`
	Version string   `xml:"version"`
	GroupID string   `xml:"groupId"`
	Parent  struct {
		GroupID string `xml:"groupId"`
		Version string `xml:"version"`
	} `xml:"parent"`
	Properties   properties   `xml:"properties"`
	Dependencies []dependency `xml:"dependencies>dependency"`
	Managed      []dependency `xml:"dependencyManagement>dependencies>dependency"`
}

type dependency struct {
	GroupID    string `xml:"groupId"`
	ArtifactID string `xml:"artifactId"`
	Version    string `xml:"version"`
	Scope      string `xml:"scope"`
}

// properties are elements of any name.
type properties map[string]string

// UnmarshalXML implements xml.Unmarshaler.
func (p *properties) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	*p = properties{}
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch it := token.(type) {
		case xml.StartElement:
			var value string
			if err := d.DecodeElement(&value, &it); err != nil {
				return err
			}
			(*p)[it.Name.Local] = strings.TrimSpace(value)
		case xml.EndElement:
			return nil
		}
	}
}

// readPOM reads the direct dependencies, with versions that stand in the file itself. What
// a parent or a bill of materials decides is counted: `mvn dependency:list` says all.
func readPOM(data []byte, into *collector) error {
	var it pom
	decoder := xml.NewDecoder(bytes.NewReader(data))
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // names and versions are ASCII
	if err := decoder.Decode(&it); err != nil {
		var syntax *xml.SyntaxError
		if errors.As(err, &syntax) {
			return badLine(syntax.Line, "is not XML: %s", syntax.Msg)
		}
		return err
	}
	managed := map[string]string{}
	for _, d := range it.Managed {
		managed[d.GroupID+":"+d.ArtifactID] = d.Version
	}
	for _, d := range it.Dependencies {
		if !deployed(d.Scope) {
			continue
		}
		version := cmp.Or(d.Version, managed[d.GroupID+":"+d.ArtifactID])
		group, artifact, version := it.resolve(d.GroupID), it.resolve(d.ArtifactID), it.resolve(version)
		if group == "" || artifact == "" || strings.ContainsAny(version, "[]() ,") { // a range of versions
			into.leftOut++
			continue
		}
		into.add(Maven, group+":"+artifact, version)
	}
	return nil
}

// deployed tells whether what has a scope of Maven's is part of what runs.
func deployed(scope string) bool { return scope != "test" && scope != "provided" && scope != "system" }

// maxResolve bounds how often a property may name another one.
const maxResolve = 5

// resolve writes out ${...}; "" if that is not possible here.
func (it *pom) resolve(text string) string {
	text = strings.TrimSpace(text)
	for range maxResolve {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found {
			return text
		}
		value, known := it.Properties[name]
		switch name {
		case "project.version", "pom.version", "version":
			value, known = cmp.Or(it.Version, it.Parent.Version), true
		case "project.groupId", "pom.groupId", "groupId":
			value, known = cmp.Or(it.GroupID, it.Parent.GroupID), true
		case "project.parent.version":
			value, known = it.Parent.Version, true
		}
		if !closed || !known || value == "" || len(value) > maxWord {
			return ""
		}
		text = before + value + after
	}
	return ""
}

// readGradle reads group:artifact:version=configurations. What only tests use is left out.
func readGradle(data []byte, into *collector) error {
	for n, line := range lines(data) {
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		it, configurations, ok := strings.Cut(text, "=")
		if it == "empty" && ok {
			continue
		}
		parts := strings.Split(it, ":")
		if len(parts) != 3 {
			return badLine(n, "is %s, not GROUP:ARTIFACT:VERSION=CONFIGURATIONS", shown(line))
		}
		if ok && onlyTests(configurations) {
			continue
		}
		into.add(Maven, parts[0]+":"+parts[1], parts[2])
	}
	return nil
}

func onlyTests(configurations string) bool {
	for _, c := range strings.Split(configurations, ",") {
		if !strings.HasPrefix(c, "test") && !strings.HasPrefix(c, "androidTest") {
			return false
		}
	}
	return true
}

// readMavenList reads what `mvn dependency:list` prints:
// group:artifact:type[:classifier]:version:scope, on a line each.
func readMavenList(data []byte, into *collector) error {
	found := false
	for _, line := range lines(data) {
		text := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "[INFO]"))
		found = found || strings.Contains(text, "files have been resolved:")
		text, _, _ = strings.Cut(text, " ") // -- module of Java 9 and later
		parts := strings.Split(text, ":")
		if !found || len(parts) < 5 || len(parts) > 6 {
			continue
		}
		if !deployed(parts[len(parts)-1]) {
			continue
		}
		into.add(Maven, parts[0]+":"+parts[1], parts[len(parts)-2])
	}
	if !found {
		return errors.New("it has no line \"The following files have been resolved:\"")
	}
	return nil
}
