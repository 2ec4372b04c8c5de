package intake

import (
	"encoding/json"
	"math"
	"time"
)

// Apart returns the same value with mistakes of its own. It is for what is only shown
// to people: if a part of it is not as documented, the alert is still taken.
func (v Value) Apart() Value {
	v.wrong = new(error)
	return v
}

// Unix returns a time that is written as a number, with or without a fraction: the
// seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its
// size. It is the zero time for anything else.
func (v Value) Unix() time.Time {
	number, ok := v.is.(json.Number)
	if !ok {
		return time.Time{}
	}
	seconds, err := number.Float64()
	if err != nil {
		return time.Time{}
	}
	const latest = 1e11 // seconds: the year 5138; a number above it counts something smaller
	for range 3 {
		if math.Abs(seconds) >= latest {
			seconds /= 1000
		}
	}
	if math.Abs(seconds) >= latest {
		return time.Time{}
	}
	return Plausible(time.UnixMilli(int64(math.Round(seconds * 1000))))
}
