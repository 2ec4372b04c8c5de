package link_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/link"
)

// A token grants one action on one plan of one incident, until its time is over.
func ExampleKeys_Verify() {
	keys, err := link.ParseKeys(strings.Repeat("0f", link.MinKeyBytes))
	if err != nil {
		panic(err)
	}
	expires := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
	token := keys.Mint(link.Claims{
		Ref:    incident.Ref{Tenant: incident.DefaultTenant, ID: "INC-01JDEF0123456789ABCDEFGHJK"},
		Action: incident.Approve, Channel: "discord", Expires: expires,
	})

	claims, err := keys.Verify(token, expires.Add(-time.Hour))
	fmt.Println(claims.Action, claims.Ref.ID, claims.Channel, err)
	_, err = keys.Verify(token, expires)
	fmt.Println(err)
	_, err = keys.Verify(token+"x", expires.Add(-time.Hour))
	fmt.Println(err)
	fmt.Println(keys)
	// Output:
	// approve INC-01JDEF0123456789ABCDEFGHJK discord <nil>
	// this link was valid until 2026-11-24T14:00:00.000Z
	// this link is not valid; use the link of the notification, unchanged
	// [link keys]
}
