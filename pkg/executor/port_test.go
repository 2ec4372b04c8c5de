package executor_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/steps"
)

func TestSetIsWhatExecuteFixAsksFor(t *testing.T) {
	var _ steps.Executors = (*executor.Set)(nil)
}
