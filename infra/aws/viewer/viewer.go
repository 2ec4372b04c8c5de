// Package viewer opens the links of the steps that run after a decision. It is apart
// from people, so that a function that opens a ticket links no channel.
package viewer

import (
	"github.com/opsguard/opsguard/infra/setting"
	"github.com/opsguard/opsguard/pkg/link"
)

// Settings are those of a function whose links only show.
type Settings struct {
	PublicURL string `env:"OPSGUARD_PUBLIC_URL" help:"what links start with, stage prefix included"`
}

// Open makes links that show an incident and decide nothing, for the steps
// that run after a decision.
func Open() (link.Viewer, error) {
	var s Settings
	if err := setting.Load(&s); err != nil {
		return link.Viewer{}, err
	}
	url, err := link.ParsePublicURL(s.PublicURL)
	return link.Viewer{URL: url}, err
}
