package stepstest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/oklog/ulid/v2"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Store is every port that a store implements.
type Store interface {
	steps.Incidents
	steps.Dedup
	steps.EvidenceReader
	steps.LatestReader
	steps.Waits
	steps.Lister
	steps.Trail
	steps.Untold
	steps.Groups
	steps.Brakes
	steps.FixHistories
}

// StoreContract runs the store's contract. open returns a store; it may return
// the same one each time, since every test uses a tenant of its own.
func StoreContract(t *testing.T, open func(t *testing.T) Store) {
	for _, test := range []struct {
		name string
		run  func(*storeTest)
	}{
		{"NothingIsThereBefore", (*storeTest).nothing},
		{"WhatWasCommittedIsLoaded", (*storeTest).roundTrip},
		{"AChangeAppliesToItsVersionOnly", (*storeTest).versions},
		{"OfManyWritersOneWins", (*storeTest).oneWins},
		{"AFingerprintHasOneOpenIncident", (*storeTest).oneOpen},
		{"JoinsAreCountedAndCopiedAtTheEnd", (*storeTest).joins},
		{"TheFirstAndTheLatestEvidenceAreKept", (*storeTest).latest},
		{"AnEscalatedIncidentIsJoinedForAWhile", (*storeTest).escalated},
		{"WhatIsUntoldStaysOnTheListUntilItIsTold", (*storeTest).untold},
		{"JoinsAndAnEndThatRaceLoseNoJoin", (*storeTest).joinsRaceClose},
		{"ATargetIsHeldByOneUntilItLapses", (*storeTest).targets},
		{"AGroupLetsInOnlySoMany", (*storeTest).places},
		{"OfManyClaimsInAGroupOnlySoManyPass", (*storeTest).placesRace},
		{"TheKillSwitchStopsAClaimInItsTransaction", (*storeTest).brakes},
		{"UndoingGoesOnUnlessItIsStoppedToo", (*storeTest).brakesAndUndoing},
		{"NoClaimPassesASwitchThatWasSet", (*storeTest).brakesRace},
		{"WhatWasDoneToAServiceIsKept", (*storeTest).fixHistories},
		{"ARefusedChangeLeavesNothing", (*storeTest).refusedLeavesNothing},
		{"WaitHoldsTheTokenUntilTheEnd", (*storeTest).waits},
		{"TheTrailIsWhole", (*storeTest).trail},
		{"LargeEvidenceAndOddTextSurvive", (*storeTest).oddText},
		{"ListsAreNewestFirstAndPaged", (*storeTest).lists},
		{"ListsFollowStatusAndService", (*storeTest).filters},
		{"TenantsDoNotSeeEachOther", (*storeTest).tenants},
		{"ABadCursorIsTheCallersFault", (*storeTest).cursor},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(&storeTest{t, open(t), "t-" + ulid.Make().String()})
		})
	}
	t.Run("Groups", func(t *testing.T) { GroupsContract(t, open(t)) })
}

// epoch is when contract tests happen.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

type storeTest struct {
	*testing.T
	s      Store
	tenant string
}

func (t *storeTest) newRef() incident.Ref { return newRef(t.tenant) }

// newRef names an incident that nothing has named before.
func newRef(tenant string) incident.Ref {
	return incident.Ref{Tenant: tenant, ID: incident.IDFromULID(ulid.MustNew(ulid.Now(), rand.Reader).String())}
}

func (t *storeTest) opening(key, logs string) incident.Change {
	return incident.Open(incident.New{Ref: t.newRef(), By: incident.SourceActor("api"), ApprovalTimeout: time.Hour, Now: epoch,
		Alert: incident.Alert{Tenant: t.tenant, Source: "api", Service: "prod-api-01", ErrorLogs: logs, Severity: incident.High, DedupKey: key}})
}

// must commits a change that has to be taken.
func (t *storeTest) must(c incident.Change, err error) incident.Incident {
	t.Helper()
	if err == nil {
		err = t.s.Commit(t.Context(), c)
	}
	if err != nil {
		t.Fatalf("commit version %d: %v", c.Incident.Version, err)
	}
	return c.Incident
}

func (t *storeTest) open(key string) incident.Incident {
	t.Helper()
	return t.must(t.opening(key, "heap out of memory"), nil)
}

func (t *storeTest) load(ref incident.Ref) incident.Incident {
	t.Helper()
	inc, err := t.s.Load(t.Context(), ref)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return inc
}

func planFor(ref incident.Ref, target string) *incident.Plan {
	p := incident.Plan{FixID: "restart-service", FixDigest: "d", Target: incident.Target{Service: target, Type: "simulated"}, Parameters: map[string]string{}}.Freeze(ref)
	return &p
}

// asked opens an incident and asks people about a plan for a target.
func (t *storeTest) asked(key, target string) (incident.Incident, *incident.Plan) {
	t.Helper()
	inc := t.open(key)
	plan := planFor(inc.Ref, target)
	inc = t.must(inc.Propose(incident.Analysis{AnalyzedBy: incident.ByRules, Cause: "c", Evidence: []string{"l"}}, &incident.Proposal{FixID: plan.FixID, Parameters: map[string]string{}}, epoch))
	inc = t.must(inc.Planned(incident.Planning{Plan: plan}, epoch))
	return t.must(inc.Await(incident.Ask{Token: incident.NewTaskToken("token of " + inc.ID), EnteredAt: epoch, Now: epoch})), plan
}

// approved is asked, and approved.
// closed is an incident that a person resolved.
func (t *storeTest) closed(key string) incident.Incident {
	t.Helper()
	inc, _ := t.asked(key, "x")
	inc = t.must(vote(inc, incident.Resolve, "key:a"))
	return t.must(inc.Close("", epoch))
}

func (t *storeTest) approved(key, target string) (incident.Incident, *incident.Plan) {
	t.Helper()
	inc, plan := t.asked(key, target)
	return t.must(vote(inc, incident.Approve, "key:anna")), plan
}

func vote(inc incident.Incident, a incident.Action, by incident.Actor) (incident.Change, error) {
	return inc.Vote(incident.Vote{Action: a, By: by}, incident.Verdict{Allowed: true, Decides: true, Reason: "may"}, epoch)
}

func (t *storeTest) code(what string, err error, want incident.Code) {
	t.Helper()
	if got := incident.CodeOf(err); got != want || err != nil && want == "" {
		t.Errorf("%s: got %q (%v), want %q", what, got, err, want)
	}
}

func (t *storeTest) same(what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(incident.TaskToken{})); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
