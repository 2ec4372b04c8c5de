package engine

import (
	"errors"
	"fmt"

	"github.com/opsguard/opsguard/pkg/asl"
	"github.com/opsguard/opsguard/pkg/incident"
)

var (
	// ErrExecutionAlreadyExists means that the name belongs to an execution that has ended within 90 days, or runs with
	// another input.
	ErrExecutionAlreadyExists = errors.New("an execution of this name exists")
	// ErrTaskTimedOut means that the token was good once: its task has been answered, has timed out, or its execution has ended.
	ErrTaskTimedOut = asl.ErrTaskTimedOut
	// ErrTaskDoesNotExist means that there is no execution the token could belong to.
	ErrTaskDoesNotExist = errors.New("no task has this token")
	// ErrInvalidToken means that the text is not a token of this engine.
	ErrInvalidToken = errors.New("not a task token")
	// ErrClosed means that the engine has been closed. Whether the call took effect is not known.
	ErrClosed = errors.New("the workflow engine is closed")
)

// classify puts an error into the product's vocabulary; errors.Is still finds the error itself.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrExecutionAlreadyExists):
		return &incident.Error{Kind: incident.Conflict, Message: "the execution was started before", Err: err}
	case errors.Is(err, ErrTaskTimedOut), errors.Is(err, ErrTaskDoesNotExist), errors.Is(err, ErrInvalidToken):
		return &incident.Error{Kind: incident.Conflict, Code: incident.CodeTaskClosed, Message: "the workflow does not wait on this task token", Err: err}
	case errors.Is(err, asl.ErrInvalidInput), errors.Is(err, asl.ErrInvalidOutput):
		return &incident.Error{Kind: incident.Invalid, Code: incident.CodeInvalid, Message: "the workflow refused the data", Err: err}
	default:
		return incident.Unavail("the workflow engine did not do it", err)
	}
}

func badName(name string) error {
	return incident.BadField("name", "an execution's name has 1 to %d letters, digits, - and _, not %q", maxName, name)
}

func notFound(name string) error {
	return incident.Fail(incident.NotFound, incident.CodeNotFound, "there is no execution %s", name)
}

func damaged(what string, err error) error {
	return fmt.Errorf("engine: stored %s: %w", what, err)
}
