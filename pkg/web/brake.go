package web

import (
	"net/http"
	"slices"

	"github.com/opsguard/opsguard/pkg/incident"
)

type brakeView struct {
	Stopped bool              `json:"stopped"`
	Stops   incident.Stop     `json:"stops"` // none, fixes or all
	By      *string           `json:"by"`
	At      *string           `json:"at"`
	Reason  *string           `json:"reason"`
	Changes []brakeChangeView `json:"changes"` // the newest first
	Valid   bool              `json:"valid"`   // no kept change was altered or dropped
}

type brakeChangeView struct {
	Seq      int64          `json:"seq"`
	Stops    incident.Stop  `json:"stops"`
	By       incident.Actor `json:"by"`
	At       string         `json:"at"`
	Reason   string         `json:"reason"`
	PrevHash string         `json:"prevHash"`
	Hash     string         `json:"hash"`
}

func viewBrake(b incident.Brake) brakeView {
	last := b.Last()
	v := brakeView{Stopped: b.Stops() != incident.StopNone, Stops: b.Stops(), Changes: []brakeChangeView{},
		Valid: b.Verify(incident.DefaultTenant) == nil}
	if last.Seq > 0 {
		v.By, v.At, v.Reason = orNull(string(last.By)), timeOrNull(&last.At), orNull(last.Reason)
	}
	for _, c := range slices.Backward(b.Changes) {
		v.Changes = append(v.Changes, brakeChangeView{c.Seq, c.Stops, c.By, incident.FormatTime(c.At), c.Reason, c.PrevHash, c.Hash})
	}
	return v
}

// brake is GET /brake.
func (s *server) brake(x *exchange) error {
	b, err := s.Brake.Look(x.r.Context())
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, viewBrake(b))
}

// setBrake is POST /brake.
func (s *server) setBrake(x *exchange) error {
	sent, err := x.fields()
	if err != nil {
		return err
	}
	to, err := incident.ParseStop(sent["stops"])
	if err != nil {
		return err
	}
	b, err := s.Brake.Set(x.r.Context(), to, x.by, sent["reason"])
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, viewBrake(b))
}
