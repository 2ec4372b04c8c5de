package stepstest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// GroupsContract runs the contract of what keeps who is told of together.
func GroupsContract(t *testing.T, s steps.Groups) {
	tenant := "t-" + ulid.Make().String()
	read := func(key string) (g incident.Group) {
		t.Helper()
		if err := s.UpdateGroup(t.Context(), tenant, key, func(now *incident.Group) { g = now.Clone() }); err != nil {
			t.Fatal(err)
		}
		return g
	}
	t.Run("NothingIsThereBefore", func(t *testing.T) {
		if g := read("none"); g.ID != "" || len(g.Members) != 0 {
			t.Errorf("%+v", g)
		}
	})
	t.Run("WhatWasChangedIsThere", func(t *testing.T) {
		err := s.UpdateGroup(t.Context(), tenant, "a/b", func(g *incident.Group) {
			g.Begin("INC-1", epoch)
			g.Join(incident.Incident{Ref: incident.Ref{ID: "INC-1"}, Service: "web", Severity: incident.High, Version: 4}, epoch)
			g.Take("INC-1", true, epoch)
			g.Done("INC-1", "m1", 1, incident.High)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := incident.Group{ID: "INC-1", Begun: epoch, Last: epoch, Members: []incident.Member{{ID: "INC-1", Service: "web", Severity: incident.High, Version: 4}},
			Message: "m1", Worst: incident.High, Changed: 1, Shown: 1, Since: epoch}
		got := read("a/b")
		got.Version, got.Older, got.Rest = 0, nil, nil
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if g := read("a/c"); g.ID != "" {
			t.Errorf("another key has %+v", g)
		}
	})
	t.Run("OfManyAtOnceEveryChangeCounts", func(t *testing.T) {
		const writers = 24
		turns := make([]incident.Turn, writers)
		var all sync.WaitGroup
		for n := range writers {
			all.Go(func() {
				id := fmt.Sprintf("INC-%02d", n)
				err := s.UpdateGroup(t.Context(), tenant, "busy", func(g *incident.Group) {
					g.Join(incident.Incident{Ref: incident.Ref{ID: id}, Severity: incident.High}, epoch.Add(time.Duration(n)*time.Second))
					turns[n] = g.Take(id, true, epoch)
				})
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		all.Wait()
		posts := 0
		for _, turn := range turns {
			if turn == incident.TurnPost {
				posts++
			}
		}
		if g := read("busy"); len(g.Members) != writers || g.Changed != writers || posts != 1 {
			t.Errorf("%d members, %d changes, %d have the turn", len(g.Members), g.Changed, posts)
		}
	})
}
