package intake

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// FirstOf returns the first of the labels by those names that is not empty.
func FirstOf(labels map[string]string, names ...string) string {
	for _, name := range names {
		if text := strings.TrimSpace(labels[name]); text != "" {
			return text
		}
	}
	return ""
}

// ServiceOf returns the label by which metrics usually name a service, the best first;
// "" if there is none.
func ServiceOf(labels map[string]string) string {
	return FirstOf(labels, "service", "app", "app_kubernetes_io_name", "deployment", "statefulset", "daemonset",
		"container", "job", "namespace", "instance")
}

// Merge returns all pairs. Of pairs with one name, the first that is not empty counts.
func Merge(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, pairs := range all {
		for name, text := range pairs {
			if merged[name] == "" && text != "" {
				merged[name] = text
			}
		}
	}
	return merged
}

// Flat returns what an object holds at any depth, as it is written, by names that are
// joined with dots. The items of a list of texts are joined with commas; lists of
// anything else are left out. At most MaxLabels are returned. Nothing is a mistake.
func (v Value) Flat() map[string]string {
	fields := map[string]string{}
	v.flatten("", fields)
	return fields
}

func (v Value) flatten(name string, into map[string]string) {
	object, ok := v.is.(map[string]any)
	if !ok {
		text := strings.Join(v.Texts(MaxLabels), ", ")
		if text != "" && name != "" && len(into) < MaxLabels {
			into[name] = text
		}
		return
	}
	for _, below := range sortedKeys(object) {
		next := below
		if name != "" {
			next = name + "." + below
		}
		Value{is: object[below]}.flatten(next, into)
	}
}

// Texts returns the texts, numbers, true and false of an array as they are written, or
// the value itself if it is one of them. Empty ones are left out, and so are those after
// the first most. Nothing is a mistake.
func (v Value) Texts(most int) []string {
	all, ok := v.is.([]any)
	if !ok {
		all = []any{v.is}
	}
	var texts []string
	for _, is := range all {
		if text := (Value{is: is}).Written(); text != "" && len(texts) < most {
			texts = append(texts, text)
		}
	}
	return texts
}

// latestSeconds is the first number of seconds that is taken for something smaller: it
// would lie after the year 5138.
const latestSeconds = 1e11

// Epoch returns a time that is written as seconds, milliseconds, microseconds or
// nanoseconds since 1970, told apart by their size, as a number or a text. It is the
// zero time for anything else and for what Plausible refuses: a damaged time must not
// cost the alert.
func (v Value) Epoch() time.Time {
	seconds, err := json.Number(v.Written()).Float64()
	if err != nil {
		return time.Time{}
	}
	for range 3 {
		if math.Abs(seconds) >= latestSeconds {
			seconds /= 1000
		}
	}
	if !(seconds > 0 && seconds < latestSeconds) { // beyond it time.Time overflows
		return time.Time{}
	}
	return Plausible(time.UnixMilli(int64(math.Round(seconds * 1000))))
}

// Seconds reads a whole number of seconds since 1970, as senders write it into a header;
// the zero time if it is none.
func Seconds(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return Plausible(time.Unix(n, 0))
}
