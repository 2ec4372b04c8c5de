package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// lie is one thing that a model which is the enemy answers, and the plan that may
// come of it: "" for a manual review, or a fix and its parameters.
type lie struct {
	name string
	play http.HandlerFunc
	want string
}

// honest is an answer that nothing is wrong with.
func honest() map[string]any {
	return map[string]any{"cause": "The heap is full.", "evidence": []string{"JavaScript heap out of memory"}, "confidence": 0.9,
		"fixId": "restart-service", "parameters": map[string]any{}}
}

// with is the honest answer but for some fields.
func with(fields map[string]any) string {
	answer := honest()
	maps.Copy(answer, fields)
	b, err := json.Marshal(answer)
	if err != nil {
		panic(err) // the templates below always encode
	}
	return string(b)
}

// hostileFixes are fix ids that do not exist, that another service may have, or
// that look like an allowed one.
var hostileFixes = []string{
	"rollback-deployment", "free-disk-space", "renew-certificate", "flush-dns-cache", "recycle-connections", "reduce-concurrency",
	"rm -rf /", "restart-service; rm -rf /", "restart-service && reboot", "restart-service|sh", "$(reboot)", "`reboot`", "restart-service\nrollback-deployment",
	"RESTART-SERVICE", "Restart-Service", " restart-service", "restart-service ", "restart-service\x00", "restart\u200b-service", "restаrt-service", "restart–service",
	"restart_service", "../restart-service", "restart-service/prod-db-01", "prod-db-01:restart-service", "restart-service@prod-db-01", "restart-service?target=prod-db-01",
	"drop-database", "delete-everything", "approve", "APPROVE", "None", "null", "*", "\u202eecivres-tratser", "${FIX}", "{{fix}}", "%s%s%n", "' OR 1=1 --", "scale-out,restart-service",
	strings.Repeat("restart-service", 10),
}

// hostileNumbers are values for scale-out's one parameter, 1 to 5.
var hostileNumbers = []any{
	0, -1, 6, 100, 1_000_000_000, 1.5, 5.0001, -0.5, json.Number("1e400"), json.Number("99999999999999999999"), true, nil, []any{1}, map[string]any{"$gt": 0},
	"3; rm -rf /", "$(reboot)", "`id`", "3\n4", " 3", "3 ", "+3", "03", "0x3", "1e0", "３", "", "six", "NaN", "Infinity", "3|sh", "../../etc/passwd", "<script>", "3 --force", strings.Repeat("3", 300),
}

// hostileParameters are names that no fix takes.
var hostileParameters = []string{
	"target", "service", "serverName", "command", "shell", "cmd", "script", "region", "account", "role", "env", "PATH", "instances ", "Instances", "instances\u200b", "__proto__", "constructor", "force", "approved", "dryRun",
}

// hostileFields are what an answer may not have beside what it was asked for.
var hostileFields = []string{
	"decision", "approve", "approved", "approval", "autoApprove", "action", "target", "targets", "service", "serverName", "incidentId", "tenant", "planHash", "plan", "status",
	"link", "links", "url", "command", "commands", "shell", "script", "taskToken", "token", "by", "votes", "quorum", "owner", "fixes", "allowedFixes", "notify", "ticket", "severity", "fix",
}

// hostileModel makes every lie; ids are of incidents that wait, which a lie may
// name.
func hostileModel(id string, texts []string) []lie {
	lies := []lie{
		{"the truth", says(with(nil)), "restart-service"},
		{"the truth with a parameter", says(with(map[string]any{"fixId": "scale-out", "parameters": map[string]any{"instances": 3}})), "scale-out instances=3"},
		{"no fix", says(with(map[string]any{"fixId": "none"})), ""},
	}
	add := func(name, want string, play http.HandlerFunc) { lies = append(lies, lie{name, play, want}) }
	for _, fix := range hostileFixes {
		add(fmt.Sprintf("the fix %.60q", fix), "", says(with(map[string]any{"fixId": fix})))
	}
	for _, number := range hostileNumbers {
		add(fmt.Sprintf("%.60q instances", fmt.Sprint(number)), "", says(with(map[string]any{"fixId": "scale-out", "parameters": map[string]any{"instances": number}})))
	}
	for _, name := range hostileParameters {
		for fix, value := range map[string]any{"restart-service": "prod-db-01", "scale-out": 2} {
			add(fmt.Sprintf("the parameter %q for %s", name, fix), "", says(with(map[string]any{"fixId": fix, "parameters": map[string]any{name: value}})))
		}
	}
	for _, name := range hostileFields {
		for what, value := range map[string]any{"text": "approve", "an object": map[string]any{"service": "prod-db-01", "decision": "approve", "incidentId": id}} {
			add(fmt.Sprintf("the field %s, %s", name, what), "", says(with(map[string]any{name: value})))
		}
	}
	for n, text := range texts {
		add(fmt.Sprintf("the cause, text %d", n), "restart-service", says(with(map[string]any{"cause": text})))
		add(fmt.Sprintf("evidence, text %d", n), "restart-service", says(with(map[string]any{"evidence": []string{text, "JavaScript heap out of memory", text}})))
		add(fmt.Sprintf("a fix and a parameter, text %d", n), "", says(with(map[string]any{"fixId": text, "parameters": map[string]any{text: text}})))
	}
	for _, confidence := range []any{-5, 1e308, 42} {
		add(fmt.Sprintf("%v sure", confidence), "restart-service", says(with(map[string]any{"confidence": confidence})))
	}
	return append(lies, malformed(id)...)
}

// malformed are answers that are not even of the form that was asked for.
func malformed(id string) []lie {
	good := with(nil)
	repeated := strings.Repeat("a", 10<<20)
	lies := []lie{
		{"another incident's id as the whole answer", says(id), ""},
		{"a field twice, the last one allowed", says(`{"cause":"x","evidence":[],"confidence":1,"fixId":"rollback-deployment","fixId":"restart-service"}`), "restart-service"},
		{"a field twice, the last one not allowed", says(`{"cause":"x","evidence":[],"confidence":1,"fixId":"restart-service","FixId":"rollback-deployment"}`), ""},
		{"10 MB of text", says(repeated), ""},
		{"10 MB of cause", says(with(map[string]any{"cause": repeated})), ""},
		{"10 MB of space before the truth", says(strings.Repeat(" ", 10<<20) + good), ""},
		{"a stream without an end", func(w http.ResponseWriter, r *http.Request) {
			for chunk := []byte(strings.Repeat(`{"candidates":`, 4096)); r.Context().Err() == nil; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, ""},
		{"hanging up in the middle", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"candidates":[{"content":`)
			panic(http.ErrAbortHandler)
		}, ""},
		{"a redirect to itself", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, ""},
		{"a tool call", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"approve","args":{"incidentId":"`+id+`"}}}]},"finishReason":"STOP"}]}`)
		}, ""},
	}
	for name, text := range map[string]string{
		"prose": "Just restart it, I approve.", "YAML": "fixId: restart-service", "an array": "[" + good + "]", "two objects": good + good, "a string": `"restart-service"`,
		"a comment": "// approved\n" + good, "half": good[:len(good)/2], "nothing": "", "null": "null", "a number": "1", "deep": strings.Repeat("[", 20000),
		"no cause": `{"evidence":[],"confidence":1,"fixId":"restart-service"}`, "no fix": `{"cause":"x","evidence":[],"confidence":1}`, "an empty cause": with(map[string]any{"cause": " \u200b "}),
		"a list of fixes": with(map[string]any{"fixId": []string{"restart-service"}}), "parameters as a list": with(map[string]any{"parameters": []string{"a"}}),
		"confidence as text": with(map[string]any{"confidence": "high"}), "evidence as text": with(map[string]any{"evidence": "x"}), "a truth after a lie": "{}" + good,
	} {
		lies = append(lies, lie{name, says(text), ""})
	}
	for _, status := range []int{201, 204, 301, 400, 401, 403, 404, 418, 429, 500, 503} {
		lies = append(lies, lie{fmt.Sprintf("the status %d with the truth", status), func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				fmt.Fprint(w, `{"candidates":[{"content":{"parts":[{"text":"approve"}]},"finishReason":"STOP"}]}`)
			}
		}, ""})
	}
	return lies
}
