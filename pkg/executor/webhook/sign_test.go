package webhook

import (
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// The example is that of the reference implementations of Standard Webhooks
// (libraries/go/webhook_test.go, TestWebhookSign, as of August 2026).
func TestTheSignatureIsThatOfTheReferenceImplementations(t *testing.T) {
	secret, err := integration.NamedSecret("HOOK_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	env := stepstest.Env(stepstest.Secrets{"HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	env.Now = func() time.Time { return time.Unix(1614265330, 0) }
	e := &Executor{env: env, settings: Settings{Secret: secret}}
	h, err := e.header(t.Context(), "msg_p5jXN8AQM9LWM0D4loKWxJek", []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s, %v", got, err)
	}
}
