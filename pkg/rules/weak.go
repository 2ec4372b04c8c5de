package rules

import (
	"regexp"
	"strings"
	"sync"
)

// holds tells whether the line, which has the phrase at at, bears the pattern out.
func (p *pattern) holds(low string, at int, text string) bool {
	if denied(low[max(0, at-deniedWithin):at], text) {
		return false
	}
	match, except := p.match(), p.except()
	return (match == nil || match.MatchString(low)) && (except == nil || !except.MatchString(low))
}

// deniedWithin is how much of a line before a phrase is looked at for a denial, in bytes.
const deniedWithin = 24

// denied reports that what comes before a phrase says that it did not happen, or only on purpose.
func denied(before, phrase string) bool {
	if before == "" || strings.IndexByte(" :\"'`\t", before[len(before)-1]) < 0 && phrase[0] != ' ' {
		return false
	}
	return denial().MatchString(before)
}

var denial = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:no|not|no more|never|without|avoids?|avoiding|prevents?|prevented|recovered from|resolved|cleared|` +
		`simulates?|simulated|simulating|protects? against)[:\s"'\x60]*$`)
})

// Why a line proves little.
const (
	quoted  = "quoted from somewhere"
	handled = "the line says that it was dealt with"
	minor   = "logged as information only"
)

// words that introduce what somebody wrote, as against what a program reports. They stand before the phrase.
var quotes = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*(?:>|\|\s*>)|\b(?:tickets?|comments?|commented|runbooks?|post-?mortems?|jira|faq|wrote|writes|posted|quotes?|quoted|quoting|` +
		`(?:user|customer|support|chat|slack)(?:'s)? (?:message|input|text|said|says|asked|report(?:ed|s)?)|search(?:ed|ing)? for|search(?:_| )?(?:query|term|text)|` +
		`subject|last (?:week|month|year|night)|yesterday|reminder|for example|e\.g\.|training|drill|fixture|test case)\b[^a-z]`)
})

// words that say that it is over. They stand after the phrase. The name of a field, such as "recovered", says nothing.
var over = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^"'\w])(handled|recovered|resolved|mitigated|succeeded|suppressed|cleared|fixed|(?:was|were|is|being) (?:caught|ignored)|` +
		`no longer|back to normal|healthy again|reconnected|retry (?:ok|succeeded|worked))\b`)
})

// level finds that a program logged a line as information. Only explicit forms count, for "more info:" is none.
var level = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:INFO|DEBUG|TRACE|VERBOSE)\b|["']?\b(?:level|severity|lvl|log\.level|level_?name)["']?\s*[:=]\s*["']?(?i:info|information|debug|trace|notice)\b|` +
		`[\[<](?i:info|information|debug|trace|notice|inf|dbg)[\]>]|^(?:info|debug|trace|dbug):? |"level":\s*(?:10|20|30)\b`)
})

// loud finds that it was meant to be heard all the same.
var loud = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:ERROR|FATAL|PANIC|CRITICAL|SEVERE|EMERG|ALERT|ALARM)\b`)
})

// Stems of the words above: an expression runs only on lines that hold one, for it takes far longer to say no.
func quoteStems() []string {
	return []string{">", "ticket", "comment", "runbook", "mortem", "jira", "faq", "wrote", "writes", "posted", "quot", "message", "input", "text", "said",
		"says", "asked", "report", "search", "subject", "last ", "yesterday", "reminder", "example", "e.g.", "training", "drill", "fixture", "test case"}
}

func overStems() []string {
	return []string{"handled", "recovered", "resolved", "mitigated", "succeeded", "suppressed", "cleared", "fixed", "caught", "ignored", "no longer", "normal",
		"again", "reconnected", "retry "}
}

func levelStems() []string {
	return []string{"info", "debug", "trace", "verbose", "notice", "inf]", "dbg", "level"}
}

func holdsAny(s string, stems []string) bool {
	for _, stem := range stems {
		if strings.Contains(s, stem) {
			return true
		}
	}
	return false
}

// headLength is how much of a line may hold its level, in bytes.
const headLength = 256

// weakness returns why a line with a phrase at at proves little; "" if it counts.
func weakness(line, low string, at, length int) string {
	if before := low[:at]; holdsAny(before, quoteStems()) && quotes().MatchString(before+" ") {
		return quoted
	}
	after := low[at+length:]
	if !holdsAny(after, overStems()) {
		after = ""
	}
	for _, m := range over().FindAllStringIndex(after, 3) {
		before := strings.TrimRight(after[:m[0]], " ")
		if !strings.HasSuffix(before, "not") && !strings.HasSuffix(before, "n't") && !strings.HasSuffix(before, "never") &&
			!strings.HasSuffix(before, "not be") && !strings.HasSuffix(before, "cannot be") {
			return handled
		}
	}
	head := line[:min(len(line), headLength)]
	if holdsAny(low[:len(head)], levelStems()) && level().MatchString(head) && !loud().MatchString(head) {
		return minor
	}
	return ""
}
