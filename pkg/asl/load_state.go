package asl

import (
	"encoding/json"
	"time"
)

func (l *loader) state(name string, n *node) *State {
	f := object(n, l.problems)
	s := &State{Name: name}
	s.Comment = f.string("Comment")
	l.queryLanguage(f)
	if n.kind != objectKind {
		return s
	}
	s.Type = Type(f.requiredString("Type"))
	switch s.Type {
	case Task:
		l.task(f, s)
	case Choice:
		l.choice(f, s)
	case Pass:
		l.pass(f, s)
	case Wait:
		l.wait(f, s)
	case Succeed:
		l.inputOutput(f, s)
	case Fail:
		s.Error, s.Cause = f.string("Error"), f.string("Cause")
	case "":
		l.keepEdges(f, s) // reported above; which fields it may have is not known
		return s
	default:
		l.add(childPath(n.path, "Type"), "%q is not implemented by this engine", s.Type)
		l.keepEdges(f, s)
		return s
	}
	f.close()
	return s
}

// keepEdges notes where a state of an unknown type leads, so that what follows it is not also called unreachable.
func (l *loader) keepEdges(f *fields, s *State) {
	s.Next = f.string("Next")
	for _, n := range f.array("Catch") {
		s.Catch = append(s.Catch, Catcher{Next: object(n, l.problems).string("Next")})
	}
}

func (l *loader) inputOutput(f *fields, s *State) {
	s.InputPath = l.pathField(f, "InputPath")
	s.OutputPath = l.pathField(f, "OutputPath")
}

func (l *loader) nextOrEnd(f *fields, s *State) {
	if end, ok := f.take("End"); ok {
		s.End, ok = end.scalar.(bool)
		if !ok {
			l.add(end.path, "must be a boolean, not %s", end.kind)
		}
	}
	hasNext := f.has("Next")
	switch {
	case hasNext && s.End:
		l.add(f.node.path, "has both Next and End")
	case !hasNext && !s.End:
		l.add(f.node.path, "needs Next, or End: true")
	}
	if hasNext {
		s.Next = l.target(f, "Next")
	}
}

func (l *loader) pass(f *fields, s *State) {
	l.inputOutput(f, s)
	l.nextOrEnd(f, s)
	s.ResultPath = l.resultPath(f)
	if result, ok := f.take("Result"); ok {
		s.result, s.hasResult = result.plain(), true
	}
	if parameters, ok := f.take("Parameters"); ok {
		s.Parameters, s.parameters = parameters.raw(), l.template(parameters, false)
		if s.hasResult {
			l.add(parameters.path, "cannot stand beside Result, which would win")
		}
	}
}

// waitUntil is a Wait's end: exactly one of its fields is set.
type waitUntil struct {
	seconds       *int
	timestamp     time.Time
	secondsPath   *Path
	timestampPath *Path
}

func (l *loader) wait(f *fields, s *State) {
	l.inputOutput(f, s)
	l.nextOrEnd(f, s)
	given := 0
	if f.has("Seconds") {
		given++
		seconds := f.whole("Seconds", 0, 0, maxSeconds)
		s.wait.seconds = &seconds
	}
	if n, ok := f.take("Timestamp"); ok {
		given++
		text := f.string("Timestamp")
		if at, ok := timestamp(text); ok {
			s.wait.timestamp = at
		} else if n.kind == stringKind {
			l.add(n.path, "must be an RFC 3339 time with an upper-case T and Z or offset, not %q", text)
		}
	}
	if n, ok := f.take("SecondsPath"); ok {
		given++
		if path, ok := l.path(n, false); ok {
			s.SecondsPath, s.wait.secondsPath = path.String(), &path
		}
	}
	if n, ok := f.take("TimestampPath"); ok {
		given++
		if path, ok := l.path(n, false); ok {
			s.wait.timestampPath = &path
		}
	}
	if given != 1 {
		l.add(f.node.path, "needs exactly one of Seconds, SecondsPath, Timestamp and TimestampPath")
	}
}

// positiveSeconds reads a number of seconds that a path selected.
func positiveSeconds(value any, least int) (time.Duration, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	seconds, ok := wholeNumber(number)
	if !ok || seconds < least || seconds > maxSeconds {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}
