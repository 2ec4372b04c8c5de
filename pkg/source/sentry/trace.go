package sentry

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/intake"
)

// Limits of what is shown of an event.
const (
	maxExceptions = 10  // in one chain
	maxFrames     = 50  // of one exception
	maxCode       = 160 // bytes of a line of code
	maxCrumbs     = 15
)

// chain returns the exceptions of an event, the one that was reported first. Sentry sorts
// them from the first cause to the one that was reported.
func chain(e intake.Value) []intake.Value {
	all := e.At("exception", "values")
	if !all.Has() {
		all = e.At("sentry.interfaces.Exception", "values") // as before Sentry 9
	}
	list := all.List(intake.MaxAlerts)
	var newest []intake.Value
	for i := len(list) - 1; i >= 0 && len(newest) < maxExceptions; i-- {
		newest = append(newest, list[i].Apart())
	}
	return newest
}

// headline is "Type: message" of the exception that was reported.
func headline(e intake.Value) string {
	for _, exception := range chain(e) {
		return name(exception)
	}
	return ""
}

func name(exception intake.Value) string {
	kind, value := cmp.Or(exception.At("type").Written(), "Exception"), exception.At("value").Written()
	if value == "" {
		return kind
	}
	return kind + ": " + value
}

// trace writes the stack of each exception as a person reads it: where it was thrown
// first, and the cause below.
func trace(e intake.Value) string {
	var b strings.Builder
	for i, exception := range chain(e) {
		if i > 0 {
			b.WriteString("Caused by: ")
		}
		b.WriteString(name(exception) + "\n")
		frames(&b, exception.At("stacktrace", "frames"))
	}
	if b.Len() == 0 {
		stack := e.At("stacktrace", "frames")
		if !stack.Has() {
			stack = e.At("sentry.interfaces.Stacktrace", "frames")
		}
		if stack.Has() {
			b.WriteString("Stack:\n")
		}
		frames(&b, stack)
	}
	return b.String()
}

// frames writes the newest call first. Sentry sorts them from the oldest call to the
// newest one.
func frames(b *strings.Builder, list intake.Value) {
	all := list.List(10 * intake.MaxAlerts)
	for i := len(all) - 1; i >= 0; i-- {
		if len(all)-i > maxFrames {
			fmt.Fprintf(b, "  ... and %d calls before\n", i+1)
			return
		}
		frame := all[i].Apart()
		fmt.Fprintf(b, "  at %s (%s)\n", function(frame), file(frame))
		code := strings.TrimSpace(incident.Cut(frame.At("context_line").Written(), maxCode))
		newest := i == len(all)-1
		if code != "" && (newest || frame.At("in_app").Written() == "true") {
			b.WriteString("      " + code + "\n")
		}
	}
}

func function(frame intake.Value) string {
	name, module := cmp.Or(frame.First("function", "raw_function"), "?"), frame.At("module").Written()
	dotted := strings.Contains(module, ".") && !strings.ContainsAny(module, "/:@") // as in Java and Python
	if dotted && !strings.Contains(name, ".") {
		return module + "." + name
	}
	return name
}

func file(frame intake.Value) string {
	where := cmp.Or(frame.First("filename", "abs_path", "module", "package"), "?")
	if line := frame.At("lineno").Written(); line != "" {
		where += ":" + line
	}
	return where
}

// breadcrumbs writes the last things that the program did before, as log lines.
func breadcrumbs(e intake.Value) string {
	all := e.At("breadcrumbs", "values").List(intake.MaxAlerts)
	if len(all) == 0 {
		return ""
	}
	all = all[max(0, len(all)-maxCrumbs):]
	var b strings.Builder
	fmt.Fprintf(&b, "Before it (breadcrumbs):\n")
	for _, crumb := range all {
		crumb = crumb.Apart()
		line := strings.Join(strings.Fields(strings.Join([]string{when(crumb), crumb.At("level").Written(), crumb.At("category").Written(),
			crumb.At("message").Written()}, " ")), " ")
		if code := crumb.At("data", "status_code").Written(); code != "" {
			line += " " + crumb.At("data", "method").Written() + " " + withoutQuery(crumb.At("data", "url").Written()) + " " + code
		}
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}

// when is the time of a breadcrumb, which is a text or a number of seconds.
func when(crumb intake.Value) string {
	at := crumb.At("timestamp")
	if t := at.Epoch(); !t.IsZero() {
		return incident.FormatTime(t)
	}
	return at.Written()
}
