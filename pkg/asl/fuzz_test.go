package asl

import "testing"

func FuzzLoad(f *testing.F) {
	f.Add(incidentDefinition(f))
	f.Add([]byte(choice(`{"Not":{"And":[{"Variable":"$$.State.Name","StringMatches":"a*\\*"},{"Variable":"$['x y'][0]","NumericLessThanPath":"$.b"}]}}`)))
	f.Add([]byte(machine(`{"Type":"Wait","Timestamp":"2026-01-02T03:04:05Z","Next":"End"}`, end)))
	f.Add([]byte(machine(`{"Type":"Pass","Result":{"a":[1,null]},"ResultPath":"$.a.b","OutputPath":null,"End":true}`)))
	f.Add([]byte(machine(waitingTask(`,"TimeoutSecondsPath":"$.t","Retry":[{"ErrorEquals":["States.ALL"]}],"End":true`))))
	f.Fuzz(func(t *testing.T, data []byte) {
		def, err := Load(data)
		if err != nil {
			if err.Error() == "" {
				t.Error("refused without a reason")
			}
			return
		}
		for _, state := range def.States() {
			for _, successor := range state.Successors() {
				if _, ok := def.State(successor.To); !ok {
					t.Errorf("%s leads to %q, which is not there", state.Name, successor.To)
				}
			}
		}
		h := &harness{t: t, def: def}
		h.start(`{"approvalTimeoutSeconds":5,"t":1,"a":{"b":"x"}}`)
	})
}
