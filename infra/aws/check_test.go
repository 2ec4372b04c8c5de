package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

type answering struct{ err error }

func (a answering) Check(context.Context) error { return a.err }

// A storm of cold starts meets throttling; a function that could do its work must
// not die of it. What can never work must still be told at the start.
func TestAStartSurvivesWhatPassesAndNamesWhatDoesNot(t *testing.T) {
	api := func(code string, fault smithy.ErrorFault) error {
		return fmt.Errorf("OPSGUARD_TABLE: %w", &smithy.GenericAPIError{Code: code, Message: "m", Fault: fault})
	}
	for name, c := range map[string]struct {
		err   error
		fatal bool
	}{
		"all is well":     {nil, false},
		"throttled":       {api("ThrottlingException", smithy.FaultClient), false},
		"over quota":      {api("ProvisionedThroughputExceededException", smithy.FaultClient), false},
		"a fault of AWS":  {api("InternalServerError", smithy.FaultServer), false},
		"no such table":   {api("ResourceNotFoundException", smithy.FaultClient), true},
		"not allowed":     {api("AccessDeniedException", smithy.FaultClient), true},
		"not reachable":   {errors.New("dial tcp: connection refused"), true},
		"a wrong setting": {errors.New("OPSGUARD_STATE_MACHINE_ARN: there is no state machine x"), true},
	} {
		var logged bytes.Buffer
		f := NewFunction(awssdk.Config{}, slog.New(slog.NewJSONHandler(&logged, nil)), time.Now)
		f.Check(t.Context(), answering{c.err})
		if err := f.Checked(); (err != nil) != c.fatal {
			t.Errorf("%s: %v, fatal %v", name, err, c.fatal)
		}
		if passed := c.err != nil && !c.fatal; strings.Contains(logged.String(), "OPSGUARD_TABLE: ") != passed {
			t.Errorf("%s: logged %q", name, &logged)
		}
	}
}

func TestABinaryOfAnotherArchitectureThanTheStacksIsRefused(t *testing.T) {
	for _, c := range []struct {
		stack, goarch string
		fits          bool
	}{
		{"arm64", "arm64", true}, {"x86_64", "amd64", true}, {"", "amd64", true},
		{"arm64", "amd64", false}, {"x86_64", "arm64", false}, {"amd64", "amd64", false},
	} {
		err := checkArchitecture(c.stack, c.goarch)
		if c.fits != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "OPSGUARD_ARCHITECTURE: ") {
			t.Errorf("stack %q, binary %s: %v", c.stack, c.goarch, err)
		}
	}
}
