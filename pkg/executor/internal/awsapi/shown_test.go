package awsapi_test

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/internal/awsapi"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// A call may come minutes after the claim: what AWS shows late is late from the call.
func TestTheTimeInWhichAWSMayNotShowItYetBeginsWithTheCall(t *testing.T) {
	claimed := time.Date(2026, 11, 2, 11, 0, 0, 0, time.UTC)
	acted := claimed.Add(5 * time.Minute)
	for name, c := range map[string]struct {
		o    steps.Order
		at   time.Time
		want steps.Phase
	}{
		"a moment before it is over":      {steps.Order{StartedAt: claimed, ActedAt: acted}, acted.Add(2*time.Minute - time.Second), steps.Settling},
		"when it is over":                 {steps.Order{StartedAt: claimed, ActedAt: acted}, acted.Add(2 * time.Minute), steps.NotVerified},
		"a call that was never heard of":  {steps.Order{StartedAt: claimed}, claimed.Add(2*time.Minute - time.Second), steps.Settling},
		"never heard of, and long enough": {steps.Order{StartedAt: claimed}, claimed.Add(2 * time.Minute), steps.NotVerified},
	} {
		s := awsapi.With(integration.Env{Now: func() time.Time { return c.at }}, awsapi.Target{}, integration.AWSKey{})
		if got := s.NotShown(c.o, "it is not there"); got.Phase != c.want {
			t.Errorf("%s: %s", name, got.Phase)
		}
	}
}
