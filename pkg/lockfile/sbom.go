package lockfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// component is a component of CycloneDX 1.2 and later.
type component struct {
	Type       string      `json:"type"`
	Scope      string      `json:"scope"`
	PURL       string      `json:"purl"`
	Components []component `json:"components"`
}

func readCycloneDX(data []byte, into *collector) error {
	var file struct {
		Format     string      `json:"bomFormat"`
		Components []component `json:"components"`
	}
	if err := unmarshal(data, &file); err != nil {
		return err
	}
	if !strings.EqualFold(file.Format, "CycloneDX") {
		return fmt.Errorf("its bomFormat is %s", shown(file.Format))
	}
	into.addComponents(file.Components)
	return nil
}

// addComponents takes what has a package URL. "excluded" is what is there for building or
// testing; files and operating systems are no packages.
func (c *collector) addComponents(all []component) {
	for _, it := range all {
		c.addComponents(it.Components)
		if it.Scope == "excluded" || it.Type == "file" || it.Type == "operating-system" {
			continue
		}
		c.addPURL(it.PURL)
	}
}

func (c *collector) addPURL(purl string) {
	p, ok := parsePURL(purl)
	if !ok {
		c.leftOut++
		return
	}
	c.add(p.Ecosystem, p.Name, p.Version)
}

func readSPDX(data []byte, into *collector) error {
	var file struct {
		Version  string `json:"spdxVersion"`
		Packages []struct {
			References []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := unmarshal(data, &file); err != nil {
		return err
	}
	if !strings.HasPrefix(file.Version, "SPDX-2") {
		return fmt.Errorf("its spdxVersion is %s; SPDX-2.2 and SPDX-2.3 are read", shown(file.Version))
	}
	for _, p := range file.Packages {
		purl := ""
		for _, r := range p.References {
			if r.Type == "purl" || strings.HasSuffix(r.Type, "/purl") {
				purl = r.Locator
			}
		}
		into.addPURL(purl)
	}
	return nil
}

func readSPDX3([]byte, *collector) error {
	return errors.New("it is written in SPDX 3, which is not read; write SPDX 2.3 or CycloneDX")
}

// unmarshal is json.Unmarshal whose errors name a line and repeat nothing.
func unmarshal(data []byte, into any) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return badLine(lineAt(data, syntax.Offset), "is not JSON: %s", syntax.Error())
	case errors.As(err, &kind):
		return badLine(lineAt(data, kind.Offset), "has a %s at %s, which must be another kind of value", kind.Value, shown(kind.Field))
	}
	return err
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:max(0, min(offset, int64(len(data))))], []byte("\n"))
}
