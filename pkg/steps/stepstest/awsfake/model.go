// Package awsfake plays AWS for tests. Start at Cloud. What a request may hold and what an
// answer looks like on the wire come from botocore's service models, excerpts of which are
// in models/: a request with a member that the model does not know, or with a value of
// another type, is answered as an error and kept as a problem, and an answer that does not
// fit the model is a problem of the test's own.
//
// It checks what AWS checks of a caller: that a key was given out by AssumeRole, with the
// role's external id, and that the session policy of that key allows the action on the
// resource. It does not check signatures; awsapi's tests compare those with the SDK's.
package awsfake

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed models/*.json
var models embed.FS

// model is a service-2.json of botocore.
type model struct {
	Metadata struct {
		Version      string `json:"apiVersion"`
		Protocol     string `json:"protocol"`
		TargetPrefix string `json:"targetPrefix"`
		SigningName  string `json:"signingName"`
		Namespace    string `json:"xmlNamespace"`
	} `json:"metadata"`
	Operations map[string]operation `json:"operations"`
	Shapes     map[string]shape     `json:"shapes"`
}

type operation struct {
	Name   string         `json:"name"`
	Errors map[string]int `json:"errors"` // code to status
	HTTP   struct {
		Method string `json:"method"`
		URI    string `json:"requestUri"`
	} `json:"http"`
	Input  member `json:"input"`
	Output member `json:"output"`
}

type shape struct {
	Type         string            `json:"type"`
	Required     []string          `json:"required"`
	Enum         []string          `json:"enum"`
	Members      map[string]member `json:"members"`
	Member       *member           `json:"member"`
	Key          *member           `json:"key"`
	Value        *member           `json:"value"`
	LocationName string            `json:"locationName"`
}

type member struct {
	Shape        string `json:"shape"`
	Location     string `json:"location"`
	LocationName string `json:"locationName"`
	QueryName    string `json:"queryName"`
	Wrapper      string `json:"resultWrapper"`
}

func load() (map[string]model, error) {
	all := map[string]model{}
	files, err := models.ReadDir("models")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := models.ReadFile("models/" + f.Name())
		if err != nil {
			return nil, err
		}
		var m model
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all[strings.TrimSuffix(f.Name(), ".json")] = m
	}
	return all, nil
}

// check reports where a value does not fit a shape; "" where it does.
func (m model) check(name, at string, value any) string {
	s := m.Shapes[name]
	switch v := value.(type) {
	case map[string]any:
		return m.checkMap(s, at, v)
	case []any:
		if s.Type != "list" {
			return at + " must not be a list"
		}
		for _, one := range v {
			if why := m.check(s.Member.Shape, at+"[]", one); why != "" {
				return why
			}
		}
		return ""
	case string:
		if s.Type != "string" && s.Type != "timestamp" || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			return at + " must not be the text " + v
		}
		return ""
	case bool:
		if s.Type == "boolean" {
			return ""
		}
	case float64, int:
		if slices.Contains([]string{"integer", "long", "double", "float", "timestamp"}, s.Type) {
			return ""
		}
	}
	return fmt.Sprintf("%s must be of the type %s and not %T", at, s.Type, value)
}

func (m model) checkMap(s shape, at string, v map[string]any) string {
	if s.Type != "structure" && s.Type != "map" {
		return at + " must not be a structure"
	}
	for name, one := range v {
		inner, known := s.Members[name]
		if s.Type == "map" {
			inner, known = *s.Value, true
		}
		if !known {
			return at + " has no member " + name
		}
		if why := m.check(inner.Shape, at+"."+name, one); why != "" {
			return why
		}
	}
	for _, name := range s.Required {
		if _, there := v[name]; !there {
			return at + " needs the member " + name
		}
	}
	return ""
}
