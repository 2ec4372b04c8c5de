package browser

import (
	_ "embed" // the audit's script
	"fmt"
)

//go:embed audit.js
var audit string

// Problems lists what would keep a person from reading or using the page as it is
// now, none if nothing: anything wider than the screen, cut off, covered, not shown or
// smaller than 13 px; text with a contrast below 4.5 to 1; a control without a
// label, or on a phone below 44 px; a focus that cannot be seen; no title or
// language.
func (p *Page) Problems() ([]string, error) {
	var problems []string
	err := p.Eval(fmt.Sprintf("(%s)({width: %d, touch: %t})", audit, p.size.Width, p.size.Touch), &problems)
	return problems, err
}

// Outline returns the page's elements in order with their attributes, but without
// its texts and the values of hidden fields: what text must not change.
func (p *Page) Outline() ([]string, error) {
	var outline []string
	err := p.Eval(`[...document.querySelectorAll("*")].map(e => e.tagName + " in " + (e.parentElement?.tagName ?? "") + [...e.attributes].map(a =>
		" " + a.name + (e.type === "hidden" && a.name === "value" ? "" : "=" + a.value)).join(""))`, &outline)
	return outline, err
}

// Focused says where the focus is: an id, else the class, else the tag.
func (p *Page) Focused() (string, error) {
	var at string
	err := p.Eval("(e => e.id || e.className || e.tagName.toLowerCase())(document.activeElement)", &at)
	return at, err
}
