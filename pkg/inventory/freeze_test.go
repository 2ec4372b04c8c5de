package inventory_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/inventory"
)

const frozenServices = `
freezes:
  - {name: weekend, services: [shop], cron: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin, except: [restart-service]}
  - {name: night, services: all, cron: "30 2 * * *", for: 30m, timezone: Europe/Berlin}
  - {name: close of month, services: [bank], cron: "0 0 28-31 * *", for: 36h, timezone: America/New_York}
breaker: {fixes: 3, watch: 1m}
services:
  shop: {owner: o, target: {type: simulated}, breaker: {within: 2h}}
  bank: {owner: o, target: {type: simulated}}
`

func loaded(t interface{ Fatal(...any) }, text string) *inventory.Inventory {
	inv, err := inventory.Load([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestAFixIsFrozenInTheWindowsOfItsService(t *testing.T) {
	inv := loaded(t, frozenServices)
	for what, test := range map[string]struct {
		service, fix, at string
		name, until      string
	}{
		"a second before the window opens":        {"shop", "scale-out", "2026-11-27T16:59:59Z", "", ""},
		"as it opens":                             {"shop", "scale-out", "2026-11-27T17:00:00Z", "weekend", "2026-11-30T07:00:00Z"},
		"its last second":                         {"shop", "scale-out", "2026-11-30T06:59:59Z", "weekend", "2026-11-30T07:00:00Z"},
		"as it ends":                              {"shop", "scale-out", "2026-11-30T07:00:00Z", "", ""},
		"a fix that is excepted":                  {"shop", "restart-service", "2026-11-28T12:00:00Z", "", ""},
		"excepted there, not at night":            {"shop", "restart-service", "2026-11-28T01:40:00Z", "night", "2026-11-28T02:00:00Z"},
		"another service":                         {"bank", "scale-out", "2026-11-27T17:00:00Z", "", ""},
		"a service that is not listed":            {"new", "scale-out", "2026-11-27T01:30:00Z", "night", "2026-11-27T02:00:00Z"},
		"two windows open: the later end":         {"shop", "scale-out", "2026-11-28T01:40:00Z", "weekend", "2026-11-30T07:00:00Z"},
		"a weekend in which clocks go back":       {"shop", "scale-out", "2026-10-26T05:59:59Z", "weekend", "2026-10-26T06:00:00Z"},
		"02:30 does not come when clocks go on":   {"shop", "restart-service", "2026-03-29T01:30:00Z", "night", "2026-03-29T02:00:00Z"},
		"02:30 comes twice, the first time":       {"bank", "scale-out", "2026-10-25T00:30:00Z", "night", "2026-10-25T01:00:00Z"},
		"02:30 comes twice, not the second":       {"bank", "scale-out", "2026-10-25T01:30:00Z", "", ""},
		"windows that overlap are one":            {"bank", "scale-out", "2026-01-29T05:00:00Z", "close of month", "2026-02-01T17:00:00Z"},
		"the same seen from the last of them":     {"bank", "scale-out", "2026-02-01T16:59:59Z", "close of month", "2026-02-01T17:00:00Z"},
		"in a month without the days that follow": {"bank", "scale-out", "2026-02-28T06:00:00Z", "close of month", "2026-03-01T17:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		name, until, frozen := inv.Frozen(test.service, test.fix, now)
		if frozen != (test.name != "") || name != test.name || frozen && until.UTC().Format(time.RFC3339) != test.until {
			t.Errorf("%s: %q until %s, %v; want %q until %s", what, name, until.UTC().Format(time.RFC3339), frozen, test.name, test.until)
		}
	}
}

// Whatever the clocks of the zone do: a window opens on each day that has one, and while
// it is open its end stays where it is.
func TestEveryWindowOpensAndItsEndDoesNotMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"}
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		length := time.Duration(rapid.IntRange(1, 20*60).Draw(t, "minutes")) * time.Minute
		inv := loaded(t, `{freezes: [{name: f, services: all, cron: "`+time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("4 15")+
			` * * *", for: `+length.String()+`, timezone: `+zone+`}], services: {}}`)
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		day := rapid.IntRange(1, 365).Draw(t, "day")
		from := time.Date(2026, 1, day, hour, minute, 0, 0, loc)
		opened := 0
		var end time.Time
		for at := from.Add(-90 * time.Minute); at.Before(from.Add(90 * time.Minute)); at = at.Add(time.Minute) {
			_, until, frozen := inv.Frozen("s", "x", at)
			if !frozen {
				continue
			}
			opened++
			if at.Before(end) && !until.Equal(end) {
				t.Fatalf("at %s the window ends %s, before it was %s", at, until, end)
			}
			if left := until.Sub(at); left <= 0 || left > length {
				t.Fatalf("at %s it is open for %s more", at, left)
			}
			end = until
		}
		if opened == 0 {
			t.Fatalf("no window opens around %s", from)
		}
	})
}

func TestWindowsWithoutEndAreAnswered(t *testing.T) {
	inv := loaded(t, `{freezes: [{name: f, services: all, cron: "* * * * *", for: 744h, timezone: UTC}], services: {}}`)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if name, until, frozen := inv.Frozen("s", "x", now); !frozen || name != "f" || !until.After(now) {
		t.Error(name, until, frozen)
	}
}

func TestFreezesAndBreakersAreStrict(t *testing.T) {
	_, err := inventory.Load([]byte(`
freezes:
  - {name: a, services: all, cron: "0 18 * * FRI", for: 62h, timezone: Berlin}
  - {name: a, services: some, cron: "0 18 * *", for: 1s, timezone: Local, colour: red}
  - {services: [nobody], cron: "TZ=UTC 18 * * *", for: 800h, except: [dance]}
  - {name: b, services: [], cron: "0 25 * * *", for: 1h, timezone: UTC}
  - {name: c, services: all, cron: "0 0 31 2 *", for: 1h, timezone: UTC}
  - 7
breaker: {fixes: 0, within: 1s, watch: 25h, x: 1}
services:
  s: {owner: o, target: {type: simulated}, breaker: {fixes: 11}}
`), nil)
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{
		`services.yaml:3: freezes[0].timezone: is "Berlin"; give a time zone's name`,
		`services.yaml:4: freezes[1].services: must be a list of services, or all`,
		`services.yaml:4: freezes[1].cron: is "0 18 * *"; give five fields`,
		`services.yaml:4: freezes[1].for: is 1s; give 1m to 744h`,
		`services.yaml:4: freezes[1].timezone: is "Local"`,
		`services.yaml:4: freezes[1].colour: is not a known field`,
		`services.yaml:4: freezes[1]: the name "a" stands twice`,
		`services.yaml:5: freezes[2]: has no name`,
		`services.yaml:5: freezes[2]: has no timezone`,
		`services.yaml:5: freezes[2].services: "nobody" is not listed under services`,
		`services.yaml:5: freezes[2].cron: is "TZ=UTC 18 * * *"; give five fields`,
		`services.yaml:5: freezes[2].for: is 800h; give 1m to 744h`,
		`services.yaml:5: freezes[2].except[0]: "dance" is not in the catalogue`,
		`services.yaml:6: freezes[3].services: is empty; write all, or name services`,
		`services.yaml:6: freezes[3].cron: is "0 25 * * *", which cannot be read`,
		`services.yaml:7: freezes[4].cron: is "0 0 31 2 *", which never comes`,
		`services.yaml:8: freezes[5]: must be a mapping`,
		`services.yaml:9: breaker.fixes: is "0"; give a whole number from 1 to 10`,
		`services.yaml:9: breaker.within: is 1s; give 1m to 720h`,
		`services.yaml:9: breaker.watch: is 25h; give 1s to 24h`,
		`services.yaml:9: breaker.x: is not a known field`,
		`services.yaml:11: services.s.breaker.fixes: is "11"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestABreakerIsTheServicesThenTheFilesThenTheDefault(t *testing.T) {
	inv := loaded(t, frozenServices)
	for service, want := range map[string]inventory.Breaker{
		"shop": {Fixes: 3, Within: 2 * time.Hour, Watch: time.Minute},
		"bank": {Fixes: 3, Within: 24 * time.Hour, Watch: time.Minute},
		"none": {Fixes: 3, Within: 24 * time.Hour, Watch: time.Minute},
	} {
		if got := inv.BreakerOf(service); got != want {
			t.Errorf("%s: %+v, want %+v", service, got, want)
		}
	}
	if got := loaded(t, "services: {}").BreakerOf("x"); got != (inventory.Breaker{Fixes: 2, Within: 24 * time.Hour, Watch: 15 * time.Minute}) {
		t.Errorf("the default is %+v", got)
	}
}

func TestABreakerOpensAtTheSecondFixInVain(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	past := func(fix string, ago time.Duration, change func(*incident.PastFix)) incident.PastFix {
		f := incident.PastFix{IncidentID: "INC-" + ago.String(), FixID: fix, At: now.Add(-ago), WatchedUntil: now.Add(-ago + 15*time.Minute)}
		change(&f)
		return f
	}
	lasted := func(*incident.PastFix) {}
	back := func(f *incident.PastFix) { f.Again = "INC-X" }
	unseen := func(f *incident.PastFix) { f.WatchedUntil = time.Time{} }
	b := inventory.Breaker{Fixes: 2, Within: 24 * time.Hour, Watch: 15 * time.Minute}
	for name, test := range map[string]struct {
		fixes []incident.PastFix
		opens bool
	}{
		"nothing was done":                 {nil, false},
		"once in vain":                     {[]incident.PastFix{past("r", time.Hour, back)}, false},
		"twice in vain":                    {[]incident.PastFix{past("r", 2*time.Hour, back), past("r", time.Hour, back)}, true},
		"once back, once not seen to help": {[]incident.PastFix{past("r", 2*time.Hour, unseen), past("r", time.Hour, back)}, true},
		"twice, and it lasted once":        {[]incident.PastFix{past("r", 2*time.Hour, back), past("r", time.Hour, lasted)}, false},
		"the second is still watched":      {[]incident.PastFix{past("r", 2*time.Hour, back), past("r", time.Minute, lasted)}, false},
		"another fix":                      {[]incident.PastFix{past("r", 2*time.Hour, back), past("s", time.Hour, back)}, false},
		"the first was long ago":           {[]incident.PastFix{past("r", 24*time.Hour, back), past("r", time.Hour, back)}, false},
	} {
		if got := b.Trips(incident.FixHistory{Fixes: test.fixes}, "r", now); (got != nil) != test.opens {
			t.Errorf("%s: opens %v, want %v", name, got != nil, test.opens)
		}
	}
}
