package catalog

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// maxQuoted bounds, in bytes, what a refusal repeats of text from outside.
const maxQuoted = 64

// Propose turns what a model answered into a proposal, or refuses it as Invalid,
// naming what is wrong. allowed are the fixes that services.yaml lists for the
// service. Only whole numbers within a parameter's range pass, as a number or as
// the text that Propose itself writes (the built-in rules keep theirs so); a
// parameter that is not given gets its default. What it returns holds known names and decimal
// digits and nothing else, whatever raw is.
func Propose(allowed []string, fixID string, raw map[string]any) (incident.Proposal, error) {
	fix, err := pick(allowed, fixID)
	if err != nil {
		return incident.Proposal{}, err
	}
	if err := onlyKnown(fix, slices.Sorted(maps.Keys(raw))); err != nil {
		return incident.Proposal{}, err
	}
	params := map[string]string{}
	for _, p := range fix.Params {
		n := p.Default
		if v, given := raw[p.Name]; given {
			if n, err = p.integer(v); err != nil {
				return incident.Proposal{}, err
			}
		}
		params[p.Name] = strconv.Itoa(n)
	}
	return incident.Proposal{FixID: fix.ID, Parameters: params}, nil
}

// Raw are parameters that are kept as text, such as those of rules, as Propose takes them.
func Raw(written map[string]string) map[string]any {
	raw := make(map[string]any, len(written))
	for name, value := range written {
		raw[name] = value
	}
	return raw
}

// pick finds a fix that exists and is allowed. The two refusals differ, because
// the remedies do: another fix, or a line in services.yaml.
func pick(allowed []string, id string) (Fix, error) {
	fix, known := Lookup(id)
	switch {
	case !known:
		return Fix{}, incident.BadField("fixId", "%s is not in the catalogue; known: %s", quote(id), strings.Join(IDs(), ", "))
	case !slices.Contains(allowed, id):
		return Fix{}, incident.BadField("fixId", "%q is not allowed for this service; services.yaml allows: %s", id, listOr(allowed, "nothing"))
	}
	return fix, nil
}

func onlyKnown(fix Fix, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(fix.Params, func(p Param) bool { return p.Name == name }) {
			return incident.BadField("parameters", "%s takes no parameter %s; it takes: %s", fix.ID, quote(name), listOr(fix.paramNames(), "none"))
		}
	}
	return nil
}

// integer reads a value as decoding JSON gives it: float64, or json.Number.
// 2 and 2.0 are the same number in JSON, so both pass. Text passes only if it is
// that number's one canonical form.
func (p Param) integer(v any) (int, error) {
	var f float64
	switch v := v.(type) {
	case float64:
		f = v
	case json.Number:
		// ParseFloat reads more than JSON writes (hexadecimal, infinities), but what
		// it yields is a number that is held against the range below all the same.
		parsed, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return 0, p.refuse("is not a number")
		}
		f = parsed
	case int:
		f = float64(v)
	case string:
		n, err := strconv.Atoi(v)
		if err != nil || strconv.Itoa(n) != v {
			return 0, p.refuse("is text that is not a plain number")
		}
		f = float64(n)
	default:
		return 0, p.refuse("is not a number")
	}
	switch {
	case f != math.Trunc(f) || math.IsInf(f, 0): // NaN differs from itself
		return 0, p.refuse("is not a whole number")
	case f < float64(p.Min) || f > float64(p.Max):
		return 0, p.refuse("is out of range")
	}
	return int(f), nil
}

// canonical reads a value of a stored proposal: exactly the text that Propose
// writes.
func (p Param) canonical(s string) error {
	n, err := strconv.Atoi(s)
	switch {
	case err != nil || strconv.Itoa(n) != s:
		return p.refuse("is not a whole number in plain digits")
	case n < p.Min || n > p.Max:
		return p.refuse("is out of range")
	}
	return nil
}

func (p Param) refuse(what string) error {
	return incident.BadField("parameters."+p.Name, "%s; give a whole number from %d to %d", what, p.Min, p.Max)
}

func (f Fix) paramNames() []string {
	names := make([]string, len(f.Params))
	for i, p := range f.Params {
		names[i] = p.Name
	}
	return names
}

func quote(s string) string { return strconv.QuoteToASCII(incident.Cut(s, maxQuoted)) }

func listOr(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return strings.Join(items, ", ")
}
