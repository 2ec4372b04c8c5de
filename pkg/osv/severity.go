package osv

import (
	"strings"

	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"
)

// Rating is how severe a vulnerability is.
type Rating struct {
	Word  string  // critical, high, medium, low; "" if nobody says
	Score float64 // CVSS, 0 to 10; 0 if there is none
}

// scoreOf computes the score of a vector: the base score of CVSS 3.0 and 3.1, and of 4.0
// what its threat and environment metrics make of it, where it has some.
func scoreOf(s Severity) (float64, bool) {
	switch {
	case strings.HasPrefix(s.Score, "CVSS:3.1/"):
		if v, err := cvss31.ParseVector(s.Score); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(s.Score, "CVSS:3.0/"):
		if v, err := cvss30.ParseVector(s.Score); err == nil {
			return v.BaseScore(), true
		}
	case strings.HasPrefix(s.Score, "CVSS:4.0/"):
		if v, err := cvss40.ParseVector(s.Score); err == nil {
			return v.Score(), true
		}
	}
	return 0, false
}

// wordOf rates a score, by the qualitative scale of CVSS 3 and 4.
func wordOf(score float64) string {
	switch {
	case score >= 9:
		return Critical
	case score >= 7:
		return High
	case score >= 4:
		return Medium
	}
	return Low
}

// The words of a rating.
const (
	Critical = "critical"
	High     = "high"
	Medium   = "medium"
	Low      = "low"
)

// wordFrom reads a database's own word.
func wordFrom(text string) string {
	switch strings.ToLower(text) {
	case "critical", "urgent":
		return Critical
	case "high", "important":
		return High
	case "medium", "moderate":
		return Medium
	case "low", "negligible", "unimportant", "minor":
		return Low
	}
	return ""
}

// rate takes the highest score of the records; without one, the highest of their words.
func rate(records []Record) Rating {
	var best Rating
	for _, r := range records {
		scores, words := r.Severity, []string{r.Database.Severity}
		for _, a := range r.Affected {
			scores = append(scores[:len(scores):len(scores)], a.Severity...)
			words = append(words, a.Ecosystem.Severity, a.Database.Severity)
		}
		for _, s := range scores {
			if score, ok := scoreOf(s); ok && (score > best.Score || best.Score == 0) {
				best = Rating{wordOf(score), score}
			}
			words = append(words, s.Score) // Ubuntu gives a word
		}
		for _, w := range words {
			if word := wordFrom(w); best.Score == 0 && rank(word) > rank(best.Word) {
				best.Word = word
			}
		}
	}
	return best
}

func rank(word string) int {
	switch word {
	case Critical:
		return 4
	case High:
		return 3
	case Medium:
		return 2
	case Low:
		return 1
	}
	return 0
}
