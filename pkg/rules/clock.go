package rules

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// oldAfter is how long before a log's last line something must have happened to prove little: what an incident is about
// is at the log's end.
const oldAfter = 30 * time.Minute

// Limits of reading times.
const (
	stampWithin = 80   // bytes of a line that may hold its time
	stampLines  = 40   // lines before one without a time, such as one of a stack trace, that are asked for it
	stampBytes  = 8192 // of those lines together
)

// clock tells how old a text's lines are against its last ones.
type clock struct {
	text  string
	known bool      // last has been looked for
	last  time.Time // zero: the text's last lines have no time
}

// old reports whether a line happened long before the last one of the text. A line without a time is as old as the one
// before it; where there is none, it is not old.
func (c *clock) old(start, end int) bool {
	if !c.known {
		c.known, c.last = true, stampBefore(c.text)
	}
	if c.last.IsZero() {
		return false
	}
	at := stampBefore(c.text[max(0, start-stampBytes):end])
	comparable := !at.IsZero() && (at.Year() == 0) == (c.last.Year() == 0)
	return comparable && c.last.Sub(at) > oldAfter
}

// stampBefore returns the time of the text's last line that has one.
func stampBefore(text string) time.Time {
	text = text[max(0, len(text)-stampBytes):]
	for n := 0; n < stampLines && text != ""; n++ {
		cut := strings.LastIndexByte(text[:len(text)-1], '\n') + 1
		if at := stamp(text[cut:]); !at.IsZero() {
			return at
		}
		text = text[:cut]
	}
	return time.Time{}
}

// stamps are the forms of time that logs begin with. A form without a year has year 0.
var stamps = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d)|(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)|([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|\b[EWIF](\d{4} \d\d:\d\d:\d\d)`)
})

func stamp(line string) time.Time {
	m := stamps().FindStringSubmatch(line[:min(len(line), stampWithin)])
	if m == nil {
		return time.Time{}
	}
	layouts := []string{"2006-01-02 15:04:05", "02/Jan/2006:15:04:05", "Jan _2 15:04:05", "0102 15:04:05"}
	texts := []string{strings.NewReplacer("/", "-", "T", " ").Replace(m[1]), m[2], m[3], m[4]}
	for i, text := range texts {
		if text == "" {
			continue
		}
		if at, err := time.Parse(layouts[i], text); err == nil {
			return at
		}
	}
	return time.Time{}
}
