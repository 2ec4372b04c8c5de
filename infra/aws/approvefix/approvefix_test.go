package approvefix

import (
	"log/slog"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

func TestWhatWasDecidedIsShownUnderTheURLOfTheCall(t *testing.T) {
	t.Setenv("DISCORD_WEBHOOK_URL_PARAM", "")
	decide, err := Open(t.Context(), aws.NewFunction(awssdk.Config{}, slog.New(slog.DiscardHandler), time.Now), &dynamo.Store{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"https://a.example.com/live", "https://b.example.com"} {
		url, err := link.ParsePublicURL(text)
		if err != nil {
			t.Fatal(err)
		}
		shown := incident.Incident{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-1"}}
		if got := decide(url).(decider).links.Links(shown, "discord").View; got != text+"/incidents/INC-1" {
			t.Errorf("%s: %s", text, got)
		}
	}
}
