package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/redact"
	"github.com/opsguard/opsguard/pkg/rules"
)

type rulesCommand struct {
	Test rulesTestCommand `cmd:"" help:"Say which rules recognise a log, why, and which fix would be proposed. Exit status: 0 one does, 2 none does."`
}

type rulesTestCommand struct {
	File     string `arg:"" help:"The log; - for standard input."`
	Service  string `help:"As if it came from this service of services.yaml: with its dependsOn and its allowed fixes." placeholder:"NAME"`
	Services string `help:"services.yaml (OPSGUARD_SERVICES), which may have rules of its own." placeholder:"FILE"`
	JSON     bool   `name:"json" help:"Print JSON, for programs."`
}

// noRule is the exit status that says that no rule matches.
const noRule = 2

// Run ends the process itself if no rule matches.
func (c rulesTestCommand) Run() error {
	settings, _, err := where{Services: c.Services}.load()
	if err != nil {
		return err
	}
	inv, err := settings.Inventory()
	if err != nil {
		return err
	}
	in := os.Stdin
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return err
		}
		defer in.Close()
	}
	found, err := c.test(inv, in, os.Stdout)
	if err == nil && !found {
		os.Exit(noRule)
	}
	return err
}

// rulesView is what rules test prints as JSON.
type rulesView struct {
	RuleID      string      `json:"ruleId"` // "": none matches
	Cause       string      `json:"cause"`
	Whose       string      `json:"whose"`
	Dependency  string      `json:"dependency,omitempty"`
	Confidence  string      `json:"confidence"`
	ProposedFix *string     `json:"proposedFix"` // null: a person has to look
	Why         string      `json:"why"`         // why that fix, or why none
	Matches     []matchView `json:"matches"`     // the winner first
}

type matchView struct {
	RuleID string    `json:"ruleId"`
	Whose  string    `json:"whose"`
	Rank   int       `json:"rank"`
	Lost   string    `json:"lost,omitempty"` // why it is not the winner
	Hits   []hitView `json:"hits"`
}

type hitView struct {
	Cite   string `json:"cite"`
	Phrase string `json:"phrase"`
	Line   string `json:"line"`
	Weak   string `json:"weak,omitempty"` // why the line proves little
}

func (c rulesTestCommand) test(inv *inventory.Inventory, in io.Reader, out io.Writer) (found bool, err error) {
	input, svc, err := c.input(inv, in)
	if err != nil {
		return false, err
	}
	view := viewRules(inv.Rules(), input, svc)
	if c.JSON {
		return view.RuleID != "", printJSON(out, view)
	}
	return view.RuleID != "", printRules(view, out)
}

// input reads the log as an alert's would be: bounded and redacted.
func (c rulesTestCommand) input(inv *inventory.Inventory, in io.Reader) (rules.Input, *inventory.Service, error) {
	body, err := io.ReadAll(io.LimitReader(in, incident.MaxErrorLogs+1))
	if err != nil {
		return rules.Input{}, nil, err
	}
	if len(body) > incident.MaxErrorLogs {
		return rules.Input{}, nil, fmt.Errorf("the log is larger than %d bytes, which is the most that an alert may carry; give its end", incident.MaxErrorLogs)
	}
	logs, _ := redact.Text(strings.ToValidUTF8(string(body), "\uFFFD"))
	input := rules.Input{Logs: logs}
	if c.Service == "" {
		return input, nil, nil
	}
	svc, listed := inv.Lookup(c.Service)
	if !listed {
		return input, nil, fmt.Errorf("the service %q is not listed in services.yaml", c.Service)
	}
	input.Service, input.DependsOn = svc.Name, svc.DependsOn
	return input, &svc, nil
}

func viewRules(book *rules.Book, in rules.Input, svc *inventory.Service) rulesView {
	v := book.Judge(in)
	view := rulesView{RuleID: v.RuleID, Cause: v.Cause, Whose: v.Whose, Dependency: v.Dependency, Confidence: string(v.Confidence), Matches: []matchView{}}
	view.ProposedFix, view.Why = proposed(v, svc)
	for i, m := range book.Matches(in) {
		one := matchView{RuleID: m.Rule.ID, Whose: m.Whose, Rank: m.Rule.Rank, Hits: []hitView{}}
		if i > 0 && i <= len(v.Others) {
			one.Lost = v.Others[i-1].Why
		}
		for _, h := range m.Hits {
			one.Hits = append(one.Hits, hitView{h.Cite, h.Phrase, h.Line, h.Weak})
		}
		view.Matches = append(view.Matches, one)
	}
	return view
}

// proposed says which fix would be proposed; without a service, as if all were allowed.
func proposed(v rules.Verdict, svc *inventory.Service) (*string, string) {
	switch {
	case v.RuleID == "":
		return nil, "no rule matches; a person has to look"
	case len(v.Fixes) == 0:
		return nil, "the rule knows no fix of this service; a person has to look"
	}
	for _, id := range v.Fixes {
		if _, known := catalog.Lookup(id); known && (svc == nil || slices.Contains(svc.Fixes, id)) {
			if svc == nil {
				return &id, "if services.yaml allows it for the service; name one with --service"
			}
			return &id, "services.yaml allows it for " + svc.Name
		}
	}
	return nil, "none of " + strings.Join(v.Fixes, ", ") + " is allowed for " + svc.Name + " in services.yaml"
}

func printRules(view rulesView, out io.Writer) error {
	var b strings.Builder
	fix := "none"
	if view.ProposedFix != nil {
		fix = *view.ProposedFix
	}
	if view.RuleID != "" {
		fmt.Fprintf(&b, "rule:        %s\ncause:       %s\nwhose:       %s\n", view.RuleID, view.Cause, strings.TrimSpace(view.Whose+" "+view.Dependency))
		fmt.Fprintf(&b, "confidence:  %s\n", view.Confidence)
	}
	fmt.Fprintf(&b, "fix:         %s (%s)\n", fix, view.Why)
	for _, m := range view.Matches {
		fmt.Fprintf(&b, "\n%s, rank %d, whose %s", m.RuleID, m.Rank, m.Whose)
		if m.Lost != "" {
			fmt.Fprintf(&b, ": lost, %s", m.Lost)
		}
		b.WriteString("\n")
		for _, h := range m.Hits {
			fmt.Fprintf(&b, "  %s %q in: %s", h.Cite, h.Phrase, oneLine(h.Line))
			if h.Weak != "" {
				fmt.Fprintf(&b, " (proves little: %s)", h.Weak)
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
