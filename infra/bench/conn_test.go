package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnAnswerIsReadWhole(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/ingest-alert":
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, `{"success": true, "incidentId": "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", "duplicate": false}`)
		default:
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "no "+r.Method+" "+string(sent))
		}
	}))
	defer s.Close()
	c, err := dial(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 2 { // the connection is kept
		if status, answer, err := c.get("/elsewhere"); status != http.StatusTeapot || string(answer) != "no GET " || err != nil {
			t.Errorf("%d %q %v", status, answer, err)
		}
		if id, err := c.send(alert("s", "k"), false); id != "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV" || err != nil {
			t.Errorf("%q %v", id, err)
		}
	}
	if _, err := c.send(alert("s", "k"), true); err == nil {
		t.Error("a new incident passed for one that was joined")
	}
}

func TestTheListenerHearsEachStatusOfAnIncident(t *testing.T) {
	l := newListener()
	l.read(strings.NewReader(`
====
[HIGH] bench-00: out of memory
WAITING_FOR_APPROVAL, a person has to decide
INC-01ARZ3NDEKTSV4RRFFQ69G5FAV, seen once, 2026-11-27T01:00:00.000Z

Escalated, as quoted
INC-01ARZ3NDEKTSV4RRFFQ69G5FAV, without a status
RESOLVED, the fix was simulated
INC-01ARZ3NDEKTSV4RRFFQ69G5FAV, seen once, 2026-11-27T01:00:00.000Z
ESCALATED, somebody chose it
INC-01ARZ3NDEKTSV4RRFFQ69G5FAW, seen once, 2026-11-27T01:00:00.000Z
`))
	for _, status := range []string{"WAITING_FOR_APPROVAL", "RESOLVED"} {
		if err := l.await(t.Context(), "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", status); err != nil {
			t.Error(err)
		}
	}
	if err := l.await(t.Context(), "INC-01ARZ3NDEKTSV4RRFFQ69G5FAW", "RESOLVED"); err == nil || !strings.Contains(err.Error(), "escalated") {
		t.Errorf("an escalated incident: %v", err)
	}
}
