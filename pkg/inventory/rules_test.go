package inventory_test

import (
	"strings"
	"testing"

	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/rules"
)

func TestATeamsOwnRulesComeBeforeTheBuiltInOnes(t *testing.T) {
	inv, err := inventory.Load([]byte(`
rules:
  - id: ledger-locked
    cause: The ledger is locked by the nightly close. It ends by itself before 6 am.
    any: [ledger is locked, {has: [ldg-423, LDG-424], match: 'code[:=] ?ldg-42[34]', except: test}]
    none: [dry run of the close]
    examples: ["ERROR ledger is locked", "code: LDG-424"]
    misses: ["LDG-423 is documented", "test code: LDG-423"]
  - {id: cache-cold, cause: The cache is cold after a release., whose: self, rank: 60, confidence: sure,
     fixes: [scale-out], parameters: {scale-out: {instances: 2}}, any: [cache is cold]}
services: {}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	oom := "\njava.lang.OutOfMemoryError: Java heap space"
	v := inv.Rules().Judge(rules.Input{Logs: "ERROR ledger is locked" + oom})
	if v.RuleID != "ledger-locked" || len(v.Fixes) != 0 || v.Confidence != rules.Likely || len(v.Others) != 1 {
		t.Errorf("%+v", v)
	}
	if v := inv.Rules().Judge(rules.Input{Logs: "ledger is locked, dry run of the close" + oom}); v.RuleID != "jvm-oom" {
		t.Errorf("none does not count: %+v", v)
	}
	v = inv.Rules().Judge(rules.Input{Logs: "cache is cold"})
	if v.RuleID != "cache-cold" || v.Parameters["scale-out"]["instances"] != "2" {
		t.Errorf("%+v", v)
	}
}

func TestEveryMistakeInARuleIsTold(t *testing.T) {
	_, err := inventory.Load([]byte(`rules:
  - {id: jvm-oom, cause: Ours., any: [some phrase]}
  - {id: Bad Id, cause: Ours., any: [some phrase]}
  - {id: no-cause, any: [some phrase]}
  - {id: no-pattern, cause: Ours.}
  - {id: short, cause: Ours., any: [abc]}
  - {id: broken, cause: Ours., any: [{has: some phrase, match: '(['}]}
  - {id: large, cause: Ours., any: [{has: some phrase, match: '(x{20}){20}'}]}
  - {id: no-phrase, cause: Ours., all: [{match: x}]}
  - {id: no-fix, cause: Ours., any: [some phrase], fixes: [reboot]}
  - {id: bad-number, cause: Ours., any: [some phrase], fixes: [scale-out], parameters: {scale-out: {instances: 99}}}
  - {id: theirs, cause: Theirs., whose: redis, any: [some phrase], fixes: [scale-out]}
  - {id: whose, cause: Ours., whose: nobody, any: [some phrase]}
  - {id: sure, cause: Ours., confidence: 90, any: [some phrase]}
  - {id: surely, cause: Ours., confidence: surely, any: [some phrase]}
  - {id: ranked, cause: Ours., rank: 100, any: [some phrase]}
  - {id: unknown, cause: Ours., any: [{has: some phrase, regex: x}]}
  - {id: example, cause: Ours., any: [some phrase], examples: [another], misses: [some phrase]}
  - {id: twice, cause: Ours., any: [some phrase]}
  - {id: twice, cause: Ours., any: [some phrase]}
services: {}
`), nil)
	if err == nil {
		t.Fatal("Load took it")
	}
	for _, want := range []string{
		`:2: rules[0].id: the id "jvm-oom" is that of a rule that is built in`,
		`:3: rules[1].id: must be 3 to 64 small letters`,
		`:4: rules[2].cause: is missing`,
		`:5: rules[3].any: is missing; give at least one pattern`,
		`:6: rules[4].any[0]: the phrase "abc" must have 4 to 200 bytes`,
		`:7: rules[5].any[0]: the expression "([" cannot be used`,
		`:8: rules[6].any[0]: the expression "(x{20}){20}" repeats more than 100 times`,
		`:9: rules[7].all[0]: has no phrase`,
		`:10: rules[8].fixes: reboot cannot be proposed`,
		`:11: rules[9].fixes: scale-out cannot be proposed`,
		`:12: rules[10].fixes: must be left out where the trouble is another's`,
		`:13: rules[11].whose: must be self, address or one of`,
		`:14: rules[12].confidence: must be text`,
		`:15: rules[13].confidence: must be sure, likely or unsure`,
		`:16: rules[14].rank: is "100"; give a whole number from 0 to 99`,
		`:17: rules[15].any[0].regex: is not a known field; known: has, match, except`,
		`:18: rules[16].examples[0]: is not matched`,
		`:18: rules[16].misses[0]: is matched`,
		`:20: rules[18].id: the id "twice" stands twice; the first is in line 19`,
	} {
		if !strings.Contains(err.Error(), "services.yaml"+want) {
			t.Errorf("it does not say %s", want)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 19 {
		t.Errorf("%d mistakes:\n%v", n, err)
	}
}
