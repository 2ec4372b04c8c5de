package local

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkStepsBackWhileAlertsAreAcceptedButNotForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a accepting
		begun := time.Now()
		a.stepBack(t.Context(), time.Second)
		if time.Since(begun) != 0 {
			t.Error("it waited for nobody")
		}
		a.enter()
		a.stepBack(t.Context(), time.Second)
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("in a storm without end it waited %s", waited)
		}
		time.AfterFunc(100*time.Millisecond, a.leave)
		a.stepBack(t.Context(), time.Second)
		if waited := time.Since(begun); waited != 1100*time.Millisecond {
			t.Errorf("when it was calm again it went on after %s", waited)
		}
	})
}

func TestAStormThatPausesForAMomentIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a accepting
		storm := func() {
			for range crowd {
				a.enter()
			}
			for range crowd {
				a.leave()
			}
		}
		storm()
		time.AfterFunc(lull/2, storm)
		begun := time.Now()
		a.stepBack(t.Context(), time.Second)
		if waited := time.Since(begun); waited != lull+lull/2 {
			t.Errorf("it went on after %s, in the middle of the storm or long after it", waited)
		}
		storm()
		begun = time.Now()
		a.stepBack(t.Context(), lull/4)
		if waited := time.Since(begun); waited != lull/4 {
			t.Errorf("it waited %s, longer than its patience", waited)
		}
	})
}

func TestOnlyAlertsAreCounted(t *testing.T) {
	var a accepting
	seen := -1
	h := a.handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = a.busy }))
	for path, want := range map[string]int{"/ingest-alert": 1, "/ingest/grafana": 1, "/incidents": 0} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, nil))
		if seen != want || a.busy != 0 {
			t.Errorf("%s: %d counted, %d left", path, seen, a.busy)
		}
	}
}
