package steps_test

import (
	"context"
	"testing"

	"github.com/opsguard/opsguard/pkg/incident"
)

// errVersion is what a store answers when somebody else wrote first.
var errVersion = incident.Fail(incident.Conflict, incident.CodeVersion, "somebody else")

func TestAStepThatSomebodyElseOvertookLooksAgain(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	conflicts := 0
	w.store.onCommit = func(c incident.Change, real func() error) error {
		if conflicts++; conflicts <= 10 {
			return errVersion
		}
		return real()
	}
	out, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	if err != nil || out.Decision == nil || w.count(ref, incident.EventDecided) != 1 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestAStoreThatAnswersConflictsForeverIsGivenUp(t *testing.T) {
	w := newWorld(t)
	ref := w.asked("api")
	tries := 0
	w.store.onCommit = func(incident.Change, func() error) error { tries++; return errVersion }
	_, err := w.vote(ref, incident.Approve, incident.KeyActor("anna"))
	wantCode(t, "vote", err, incident.CodeVersion)
	if tries < 10 || tries > 1000 {
		t.Errorf("it tried %d times", tries)
	}
}

func TestAStepWhoseTimeIsOverStopsTrying(t *testing.T) {
	w := newWorld(t)
	ref := w.detected("api")
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	w.store.onCommit = func(incident.Change, func() error) error { tries++; cancel(); return errVersion }
	_, err := w.analyze(nil).Handle(ctx, ref)
	wantCode(t, "analyze", err, incident.CodeUnavailable)
	if tries != 1 {
		t.Errorf("it tried %d times", tries)
	}
}
