package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// unprintable finds a control or invisible character anywhere in a JSON value;
// "" if there is none but those allowed.
func unprintable(v any, allowed string) string {
	switch v := v.(type) {
	case string:
		for _, r := range v {
			if !strings.ContainsRune(allowed, r) && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
				return fmt.Sprintf("%U in %.80q", r, v)
			}
		}
	case []any:
		for _, e := range v {
			if bad := unprintable(e, allowed); bad != "" {
				return bad
			}
		}
	case map[string]any:
		for name, e := range v {
			if bad := unprintable(name, allowed) + unprintable(e, allowed); bad != "" {
				return bad
			}
		}
	}
	return ""
}

// output checks what people see: the console, the log and Discord.
func (b *battle) output(messages int) {
	b.Helper()
	var posted []string
	b.eventually(fmt.Sprintf("Discord to have %d messages", messages), func() bool { posted, _ = b.d.messages(); return len(posted) >= messages }, func() string { return fmt.Sprint(len(posted)) })
	if shown := strings.Join(posted, "") + b.p.out.String(); strings.Count(strings.Join(posted, ""), canary) < 20 || strings.Count(shown, canary) < 40 {
		b.Error("hardly any outside text came out, so this showed nothing")
	}
	for _, message := range posted {
		b.message(message)
	}
	for line := range strings.Lines(b.p.out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if bad := unprintable(line, ""); bad != "" {
			b.Errorf("the console or the log shows %s", bad)
		}
		if !strings.Contains(line, canary) {
			continue
		}
		// Outside text stands behind the quoting mark, in a title behind the severity,
		// or in a JSON string of the log.
		var logged map[string]any
		switch {
		case strings.HasPrefix(line, "  | "), strings.HasPrefix(line, "[HIGH] "):
		case json.Unmarshal([]byte(line), &logged) == nil && logged["msg"] != nil && !strings.Contains(fmt.Sprint(logged["msg"]), canary):
		default:
			b.Errorf("outside text looks like OpsGuard's own: %q", line)
		}
	}
}

// Discord's markdown in a message of ours, once escapes are taken away: see
// pkg/notify/discord, whose own tests hold every field to it.
var (
	escaped = regexp.MustCompile(`\\[^0-9A-Za-z\s]`)
	markup  = regexp.MustCompile("[\\\\`*_~|<\\[\\]@]|://|^([#>+-]|[0-9]+[.)])")
)

// message checks one Discord payload: nobody is mentioned, and every link and
// every piece of markup is ours.
func (b *battle) message(payload string) {
	b.Helper()
	var m struct {
		Content string `json:"content"`
		Embeds  []struct {
			Title, Description, URL string
			Fields                  []struct{ Name, Value string }
			Footer                  struct{ Text string }
		} `json:"embeds"`
		Mentions struct {
			Parse []string `json:"parse"`
		} `json:"allowed_mentions"`
		Components any `json:"components"`
	}
	if err := json.Unmarshal([]byte(payload), &m); err != nil || !strings.Contains(payload, `"allowed_mentions":{"parse":[]}`) || m.Components != nil || len(m.Embeds) != 1 {
		b.Errorf("the message: %v %.300s", err, payload)
		return
	}
	ours := regexp.MustCompile(`\*\*(WAITINGxFORxAPPROVAL|Why|Evidence|simulated: nothing will be changed)\*\*` +
		`|\[(open|Approve: the fix runs|Look and choose a fix|Escalate: open a ticket|Resolve: it is dealt with)\]\(` + regexp.QuoteMeta(b.URL) + `/[A-Za-z0-9=&?/_.-]+\)|<t:[0-9]+:[fR]>`)
	texts := []string{m.Content}
	for _, e := range m.Embeds {
		texts = append(texts, e.Title, e.Description, e.Footer.Text)
		for _, f := range e.Fields {
			texts = append(texts, f.Name, f.Value)
		}
		if e.URL != "" && !strings.HasPrefix(e.URL, b.URL+"/") {
			b.Errorf("the message leads to %s", e.URL)
		}
	}
	for _, text := range texts {
		if bad := unprintable(text, "\n"); bad != "" {
			b.Errorf("Discord shows %s", bad)
		}
		for _, line := range strings.Split(ours.ReplaceAllString(escaped.ReplaceAllString(text, "x"), ""), "\n") {
			if bad := markup.FindString(strings.TrimPrefix(line, "> ")); bad != "" {
				b.Errorf("Discord would read %q as markup in %.200q", bad, line)
			}
			if strings.Contains(line, canary) && !strings.HasPrefix(line, "> ") && !strings.Contains(m.Embeds[0].Title, canary) {
				b.Errorf("outside text is not quoted: %.200q", line)
			}
		}
	}
}
