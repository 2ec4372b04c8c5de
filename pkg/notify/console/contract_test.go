package console_test

import (
	"testing"

	"github.com/opsguard/opsguard/pkg/notify/console"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func TestItIsAChannel(t *testing.T) {
	stepstest.ChannelContract(t, console.Integration(), stepstest.Vendor{}, nil)
}
