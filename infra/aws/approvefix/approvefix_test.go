package approvefix

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/pkg/dynamo"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

// opened opens the step with these keys, for a public URL.
func opened(t *testing.T, keys Keys, address string) decider {
	t.Helper()
	t.Setenv("DISCORD_WEBHOOK_URL_PARAM", "")
	decide, err := Open(t.Context(), aws.NewFunction(awssdk.Config{}, slog.New(slog.DiscardHandler), time.Now), &dynamo.Store{}, keys)
	if err != nil {
		t.Fatal(err)
	}
	url, err := link.ParsePublicURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return decide(url).(decider)
}

func noKeys(context.Context) (link.Keys, error) { return link.Keys{}, errors.New("cannot be read") }

func waiting() incident.Incident {
	return incident.Incident{Ref: incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-1"}, Service: "prod-api-01", Status: incident.WaitingForApproval,
		Asked: &incident.Asked{Deadline: time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)}}
}

func TestWhatWasDecidedIsShownUnderTheURLOfTheCall(t *testing.T) {
	for _, text := range []string{"https://a.example.com/live", "https://b.example.com"} {
		people := opened(t, noKeys, text).people(t.Context())
		if got := people.Links.Links(waiting(), "discord"); got.View != text+"/incidents/INC-1" || got.Resolve != "" {
			t.Errorf("%s: %s", text, got.View)
		}
		if !people.Together.Alone {
			t.Error("without keys it would take the links of others out of a message")
		}
	}
}

// A message of several incidents shows a decision at once, and goes on offering links for
// the others.
func TestTheMessageOfAGroupKeepsTheLinksOfTheOthers(t *testing.T) {
	keys, err := link.ParseKeys(strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	const address = "https://a.example.com/live"
	people := opened(t, func(context.Context) (link.Keys, error) { return keys, nil }, address).people(t.Context())
	if got := people.Links.Links(waiting(), "discord"); !strings.HasPrefix(got.Resolve, address+"/approve-fix?") || people.Together.Alone {
		t.Errorf("links %q, alone %v", got.Resolve, people.Together.Alone)
	}
}
