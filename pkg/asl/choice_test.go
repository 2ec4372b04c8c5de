package asl

import (
	"encoding/json"
	"testing"
)

func TestChoiceOperators(t *testing.T) {
	const data = `{"s":"b","p":"b","n":2,"m":2.0,"t":true,"f":false,"z":null,"at":"2026-01-02T03:04:05Z","same":"2026-01-02T04:04:05+01:00","later":"2026-01-02T03:04:05.1Z","o":{},"big":9007199254740993,"esc":"a*c\\d"}`
	cases := []struct {
		rule string
		want bool
	}{
		{`{"Variable":"$.s","StringEquals":"b"}`, true},
		{`{"Variable":"$.s","StringEquals":"B"}`, false},
		{`{"Variable":"$.s","StringLessThan":"c"}`, true},
		{`{"Variable":"$.s","StringLessThan":"b"}`, false},
		{`{"Variable":"$.s","StringGreaterThan":"a"}`, true},
		{`{"Variable":"$.s","StringLessThanEquals":"b"}`, true},
		{`{"Variable":"$.s","StringGreaterThanEquals":"c"}`, false},
		{`{"Variable":"$.s","StringEqualsPath":"$.p"}`, true},
		{`{"Variable":"$.s","StringEqualsPath":"$.at"}`, false},
		{`{"Variable":"$.s","StringGreaterThanEqualsPath":"$.p"}`, true},
		{`{"Variable":"$.n","StringEquals":"2"}`, false},
		{`{"Variable":"$.s","StringEqualsPath":"$.n"}`, false},
		{`{"Variable":"$$.State.Name","StringEquals":"S"}`, true},

		{`{"Variable":"$.s","StringMatches":"b"}`, true},
		{`{"Variable":"$.s","StringMatches":"*"}`, true},
		{`{"Variable":"$.s","StringMatches":"**b**"}`, true},
		{`{"Variable":"$.s","StringMatches":"b?"}`, false},
		{`{"Variable":"$.at","StringMatches":"2026-*:*Z"}`, true},
		{`{"Variable":"$.at","StringMatches":"2026-*:*z"}`, false},
		{`{"Variable":"$.esc","StringMatches":"a\\*c*"}`, true},
		{`{"Variable":"$.esc","StringMatches":"a\\*c\\\\d"}`, true},
		{`{"Variable":"$.at","StringMatches":"2026\\*"}`, false},
		{`{"Variable":"$.n","StringMatches":"*"}`, false},

		{`{"Variable":"$.n","NumericEquals":2.0}`, true},
		{`{"Variable":"$.n","NumericEqualsPath":"$.m"}`, true},
		{`{"Variable":"$.n","NumericLessThan":2.5}`, true},
		{`{"Variable":"$.n","NumericGreaterThan":2}`, false},
		{`{"Variable":"$.n","NumericLessThanEquals":2}`, true},
		{`{"Variable":"$.n","NumericGreaterThanEquals":3}`, false},
		{`{"Variable":"$.big","NumericEquals":9007199254740992}`, false},
		{`{"Variable":"$.s","NumericEquals":2}`, false},

		{`{"Variable":"$.t","BooleanEquals":true}`, true},
		{`{"Variable":"$.f","BooleanEquals":true}`, false},
		{`{"Variable":"$.f","BooleanEqualsPath":"$.f"}`, true},
		{`{"Variable":"$.s","BooleanEquals":false}`, false},

		{`{"Variable":"$.at","TimestampEqualsPath":"$.same"}`, true},
		{`{"Variable":"$.at","TimestampLessThanPath":"$.later"}`, true},
		{`{"Variable":"$.at","TimestampLessThan":"2026-01-02T03:04:05Z"}`, false},
		{`{"Variable":"$.at","TimestampGreaterThan":"2020-01-01T00:00:00Z"}`, true},
		{`{"Variable":"$.at","TimestampGreaterThanEquals":"2026-01-02T03:04:05Z"}`, true},
		{`{"Variable":"$.at","TimestampLessThanEquals":"2026-01-02T03:04:04Z"}`, false},
		{`{"Variable":"$.s","TimestampEquals":"2026-01-02T03:04:05Z"}`, false},
		{`{"Variable":"$.n","TimestampEquals":"2026-01-02T03:04:05Z"}`, false},

		{`{"Variable":"$.z","IsNull":true}`, true},
		{`{"Variable":"$.s","IsNull":false}`, true},
		{`{"Variable":"$.s","IsString":true}`, true},
		{`{"Variable":"$.n","IsString":true}`, false},
		{`{"Variable":"$.n","IsNumeric":true}`, true},
		{`{"Variable":"$.s","IsNumeric":true}`, false},
		{`{"Variable":"$.t","IsBoolean":true}`, true},
		{`{"Variable":"$.z","IsBoolean":true}`, false},
		{`{"Variable":"$.at","IsTimestamp":true}`, true},
		{`{"Variable":"$.s","IsTimestamp":true}`, false},
		{`{"Variable":"$.n","IsTimestamp":false}`, true},
		{`{"Variable":"$.z","IsPresent":true}`, true},
		{`{"Variable":"$.none","IsPresent":true}`, false},
		{`{"Variable":"$.none","IsPresent":false}`, true},
		{`{"Variable":"$.o.deep.none","IsPresent":false}`, true},

		{`{"And":[{"Variable":"$.t","BooleanEquals":true},{"Variable":"$.n","NumericEquals":2}]}`, true},
		{`{"And":[{"Variable":"$.t","BooleanEquals":true},{"Variable":"$.n","NumericEquals":3}]}`, false},
		{`{"Or":[{"Variable":"$.t","BooleanEquals":false},{"Variable":"$.n","NumericEquals":2}]}`, true},
		{`{"Or":[{"Variable":"$.t","BooleanEquals":false},{"Variable":"$.n","NumericEquals":3}]}`, false},
		{`{"Not":{"Variable":"$.n","NumericEquals":3}}`, true},
		{`{"Not":{"Or":[{"Variable":"$.n","NumericEquals":2},{"Not":{"Variable":"$.t","IsNull":true}}]}}`, false},
		{`{"And":[{"Variable":"$.none","IsPresent":true},{"Variable":"$.none","NumericEquals":3}]}`, false},
		{`{"Or":[{"Variable":"$.none","IsPresent":false},{"Variable":"$.none","NumericEquals":3}]}`, true},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			h := start(t, choice(c.rule), data)
			if got := h.exec.Status == Succeeded; got != c.want || h.exec.Error != "" {
				t.Errorf("got %v %s %s, want %v", got, h.exec.Error, h.exec.Cause, c.want)
			}
		})
	}
}

func TestChoiceOnNothingFailsTheExecution(t *testing.T) {
	for _, rule := range []string{
		`{"Variable":"$.none","NumericEquals":3}`,
		`{"Variable":"$.none","IsNull":true}`,
		`{"Variable":"$.none","IsString":false}`,
		`{"Variable":"$.a","StringEqualsPath":"$.none"}`,
		`{"Not":{"Variable":"$.none","NumericEquals":3}}`,
		`{"And":[{"Variable":"$.a","IsString":true},{"Variable":"$.none","NumericEquals":3}]}`,
	} {
		t.Run(rule, func(t *testing.T) { start(t, choice(rule), `{"a":"x"}`).wantError(errorRuntime) })
	}
}

func TestNumbersOutOfRangeStillCompare(t *testing.T) {
	if got := compareNumbers(json.Number("1e999"), json.Number("-1e999")); got != 1 {
		t.Errorf("1e999 against -1e999: %d", got)
	}
}
