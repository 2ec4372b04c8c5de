package asl

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// The resources this engine has: AWS's optimised integration of Lambda, and the same with a callback. The partition is
// AWS's own name for a group of its regions (aws, aws-cn, aws-us-gov, ...), or the placeholder that the template fills in
// with it at deployment. It changes where a definition can run, not what it does.
const (
	resourceInvoke = "arn:${Partition}:states:::lambda:invoke"
	resourceWait   = resourceInvoke + ".waitForTaskToken"
)

var (
	partition   = regexp.MustCompile(`^arn:aws[a-z-]{0,30}:`)
	placeholder = "arn:${Partition}:"
)

// anyPartition gives a resource as it is in every partition.
func anyPartition(resource string) string {
	return partition.ReplaceAllLiteralString(resource, placeholder)
}

func (l *loader) task(f *fields, s *State) {
	l.inputOutput(f, s)
	l.nextOrEnd(f, s)
	s.ResultPath = l.resultPath(f)
	s.Resource = f.requiredString("Resource")
	resource := anyPartition(s.Resource)
	if s.Resource != "" && resource != resourceInvoke && resource != resourceWait {
		l.add(childPath(f.node.path, "Resource"), "%q is not implemented by this engine; there are %s and %s", s.Resource, resourceInvoke, resourceWait)
	}
	s.WaitsForToken = resource == resourceWait
	if parameters, ok := f.required("Parameters"); ok {
		l.parameters(parameters, s)
	}
	if selector, ok := f.take("ResultSelector"); ok {
		object(selector, l.problems)
		s.ResultSelector, s.resultSelector = selector.raw(), l.template(selector, s.WaitsForToken)
	}
	l.timeout(f, s)
	for i, n := range f.array("Retry") {
		s.Retry = append(s.Retry, l.retrier(n, i == len(f.array("Retry"))-1))
	}
	for i, n := range f.array("Catch") {
		s.Catch = append(s.Catch, l.catcher(n, i == len(f.array("Catch"))-1))
	}
}

// parameters wants a fixed FunctionName and a Payload: the other fields of the integration change how Lambda is called.
func (l *loader) parameters(n *node, s *State) {
	f := object(n, l.problems)
	if n.kind != objectKind {
		return
	}
	s.FunctionName = f.requiredString("FunctionName")
	f.taken["Payload"], f.taken["Payload.$"] = true, true
	if !f.has("Payload") && !f.has("Payload.$") {
		l.add(childPath(n.path, "Payload"), "is required by this engine, or Payload.$")
	}
	f.close()
	s.Parameters, s.parameters = n.raw(), l.template(n, s.WaitsForToken)
}

func (l *loader) timeout(f *fields, s *State) {
	s.TimeoutSeconds = f.whole("TimeoutSeconds", maxSeconds, 1, maxSeconds)
	n, ok := f.take("TimeoutSecondsPath")
	if !ok {
		return
	}
	if f.has("TimeoutSeconds") {
		l.add(n.path, "cannot stand beside TimeoutSeconds")
	}
	if path, ok := l.path(n, s.WaitsForToken); ok {
		s.TimeoutSecondsPath, s.timeoutPath = path.String(), &path
	}
}

func (l *loader) retrier(n *node, last bool) Retrier {
	f := object(n, l.problems)
	f.string("Comment")
	r := Retrier{
		ErrorEquals: l.errorEquals(f, last),
		Interval:    time.Duration(f.whole("IntervalSeconds", 1, 1, maxSeconds)) * time.Second,
		BackoffRate: f.number("BackoffRate", 2, 1),
		MaxAttempts: f.whole("MaxAttempts", 3, 0, maxAttempts),
		MaxDelay:    time.Duration(f.whole("MaxDelaySeconds", 0, 1, maxDelaySecond)) * time.Second,
	}
	if f.has("JitterStrategy") {
		r.FullJitter = l.oneOf(f, "JitterStrategy", "FULL", "NONE") == "FULL"
	}
	if r.MaxDelay > 0 && r.MaxDelay <= r.Interval {
		l.add(childPath(n.path, "MaxDelaySeconds"), "must be greater than IntervalSeconds")
	}
	f.close()
	return r
}

func (l *loader) catcher(n *node, last bool) Catcher {
	f := object(n, l.problems)
	f.string("Comment")
	c := Catcher{ErrorEquals: l.errorEquals(f, last), ResultPath: l.resultPath(f), Next: l.target(f, "Next")}
	f.close()
	return c
}

// knownErrors are the reserved names that some error here or on AWS may have, so that naming them can do something.
// States.Runtime is left out on purpose: naming it changes nothing, since such an error always fails the execution.
func knownErrors() []string {
	return []string{errorAll, errorTimeout, errorTaskFailed, errorDataLimit, errorResultPath, "States.Permissions"}
}

func (l *loader) errorEquals(f *fields, last bool) []string {
	if _, ok := f.required("ErrorEquals"); !ok {
		return nil
	}
	items := f.array("ErrorEquals")
	var names []string
	for _, n := range items {
		name, ok := n.scalar.(string)
		switch {
		case !ok:
			l.add(n.path, "must be a string, not %s", n.kind)
			continue
		case name == errorRuntime:
			l.add(n.path, "%s always fails the execution; it can be neither retried nor caught", name)
		case strings.HasPrefix(name, "States.") && !slices.Contains(knownErrors(), name):
			l.add(n.path, "%q is not implemented by this engine", name)
		case name == errorAll && len(items) > 1:
			l.add(n.path, "%s must stand alone", errorAll)
		case name == errorAll && !last:
			l.add(n.path, "%s must be in the last entry", errorAll)
		}
		names = append(names, name)
	}
	return names
}
