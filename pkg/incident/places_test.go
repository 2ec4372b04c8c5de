package incident

import (
	"testing"
	"time"
)

func holdOf(id string, max int, from time.Time) Hold {
	return Hold{Target: "t/" + id, Ref: Ref{"default", id}, From: from, Until: from.Add(time.Hour), AtOnce: AtOnce{"web", max, 3}}
}

func takes(t *testing.T, p Places, holds ...Hold) Places {
	t.Helper()
	for _, h := range holds {
		next, err := p.Take(h)
		if err != nil || next.Version != p.Version+1 {
			t.Fatalf("%s: %v, version %d after %d", h.Ref.ID, err, next.Version, p.Version)
		}
		p = next
	}
	return p
}

func TestAGroupLetsInOnlySoMany(t *testing.T) {
	one := takes(t, Places{}, holdOf("A", 1, epoch))
	two := takes(t, Places{}, holdOf("A", 2, epoch), holdOf("B", 2, epoch))
	lost := Places{Until: epoch.Add(time.Minute)}
	later := epoch.Add(time.Hour)
	for name, c := range map[string]struct {
		p      Places
		h      Hold
		holder string
		full   bool
	}{
		"nobody is there":                         {Places{}, holdOf("B", 1, epoch), "", false},
		"one is, and one may":                     {one, holdOf("B", 1, epoch), "A", true},
		"one is, and two may now":                 {one, holdOf("B", 2, epoch), "", false},
		"two are, and two may":                    {two, holdOf("C", 2, epoch), "A", true},
		"a moment before a place lapses":          {one, holdOf("B", 1, later.Add(-time.Millisecond)), "A", true},
		"when it has lapsed":                      {one, holdOf("B", 1, later), "", false},
		"its own place is kept for longer":        {one, holdOf("A", 1, epoch.Add(time.Minute)), "", false},
		"it keeps its own, though fewer may now":  {two, holdOf("B", 1, epoch.Add(time.Minute)), "", false},
		"its own has lapsed, and another came":    {takes(t, one, holdOf("B", 1, later)), holdOf("A", 1, later), "B", true},
		"it is not known who is there":            {lost, holdOf("A", 1, epoch), "", true},
		"by now whoever was there must have gone": {lost, holdOf("A", 1, lost.Until), "", false},
	} {
		next, err := c.p.Take(c.h)
		if full := err != nil; full != c.full || HolderOf(err) != c.holder || full && CodeOf(err) != CodeTargetBusy {
			t.Errorf("%s: %v, by %q", name, err, HolderOf(err))
		}
		if err == nil && len(next.Holds) > max(c.h.AtOnce.Max, len(c.p.Holds)) {
			t.Errorf("%s: %d are in", name, len(next.Holds))
		}
	}
}

func TestAPlaceIsGivenBackByItsHolderOnly(t *testing.T) {
	p := takes(t, Places{}, holdOf("A", 2, epoch), holdOf("B", 2, epoch))
	if left, had := p.Free(Ref{"default", "A"}); !had || len(left.Holds) != 1 || left.Holds[0].Ref.ID != "B" || left.Version != p.Version+1 {
		t.Errorf("%+v, %v", left, had)
	}
	if _, had := p.Free(Ref{"default", "C"}); had {
		t.Error("who has no place gave one back")
	}
	if _, had := p.Free(Ref{"other", "A"}); had {
		t.Error("another tenant's incident gave it back")
	}
}

// What people were asked under is what the fix begins under.
func TestAPlanIsStaleWhenTheTermsChange(t *testing.T) {
	terms := Terms{Approval: "1 of any operator", Health: "https://shop.example.com/healthz", AtOnce: AtOnce{"web", 1, 3}}
	under := func(base *Plan, t *Terms) *Plan {
		p := *base
		p.Terms = t
		p = p.Freeze(testRef())
		return &p
	}
	changed := func(change func(*Terms)) *Terms {
		other := terms
		change(&other)
		return &other
	}
	base := testPlan("d1")
	for name, c := range map[string]struct {
		frozen, today *Terms
		want          Code
	}{
		"the same":                        {&terms, changed(func(*Terms) {}), ""},
		"more people must approve":        {&terms, changed(func(t *Terms) { t.Approval = "2 of any operator" }), CodePlanStale},
		"health is looked at elsewhere":   {&terms, changed(func(t *Terms) { t.Health = "https://other.example.com" }), CodePlanStale},
		"more at once":                    {&terms, changed(func(t *Terms) { t.AtOnce.Max = 2 }), CodePlanStale},
		"another group":                   {&terms, changed(func(t *Terms) { t.AtOnce.Group = "db" }), CodePlanStale},
		"a larger group":                  {&terms, changed(func(t *Terms) { t.AtOnce.Of = 4 }), CodePlanStale},
		"a plan of before terms, and any": {nil, &terms, ""},
	} {
		plan := under(base, c.frozen)
		approved := decide(t, waiting(t, plan), Approve, "key:a", epoch)
		claim, err := approved.Claim(Claimer{}, under(base, c.today), epoch)
		if CodeOf(err) != c.want || err != nil && c.want == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (claim.Take.AtOnce != c.today.AtOnce || claim.Incident.Attempt.AtOnce != c.today.AtOnce) {
			t.Errorf("%s: it takes a place in %+v", name, claim.Take.AtOnce)
		}
	}
}

// The hash of a plan of before there were terms is what it was.
func TestAPlanWithoutTermsKeepsItsHash(t *testing.T) {
	const before = "5d4e9e023dc56ad5ea6e87075d270f6944e727f346785c6af8c3f059dd269c32"
	if got := testPlan("d1").HashFor(testRef()); got != before {
		t.Errorf("it is %s, and was %s", got, before)
	}
}

func TestAPlaceGoesTheWayOfTheHold(t *testing.T) {
	plan := *testPlan("d1")
	plan.Terms = &Terms{AtOnce: AtOnce{"web", 1, 3}}
	plan = plan.Freeze(testRef())
	inc := decide(t, waiting(t, &plan), Approve, "key:a", epoch)
	c, err := inc.Claim(Claimer{}, &plan, epoch)
	inc = must(t)(c, err)
	done, err := inc.Record(Result{Outcome: Failed}, epoch)
	if err != nil || done.Free == "" || done.FreeGroup != "group:web" {
		t.Errorf("at its end: %v, frees %q and %q", err, done.Free, done.FreeGroup)
	}
	unknown, err := inc.Record(Result{Outcome: Unknown}, epoch)
	if err != nil || unknown.Free != "" || unknown.FreeGroup != "" {
		t.Errorf("where it may go on: %v, frees %q and %q", err, unknown.Free, unknown.FreeGroup)
	}
}
