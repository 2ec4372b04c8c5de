package aws_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opsguard/opsguard/infra/emulator/lambdastub"
)

// Groups of functions, by what they use.
var (
	all       = strings.Fields("analyze approve-fix create-ticket execute-fix hourly-health-check ingest-alert log-resolution query-incidents reconcile wait-for-approval")
	web       = strings.Fields("approve-fix ingest-alert query-incidents")
	linking   = strings.Fields("approve-fix reconcile wait-for-approval")
	telling   = strings.Fields("wait-for-approval") // the others can do without
	showing   = strings.Fields("create-ticket log-resolution")
	starting  = strings.Fields("hourly-health-check ingest-alert reconcile")
	ingesting = strings.Fields("hourly-health-check ingest-alert")
)

// A wrong setting must be found where it was made, not in the first incident: the
// function that uses it ends at its start with one line that names it, and no other
// function does. Each gets the variables that template.yaml gives it.
func TestAFunctionThatCannotWorkSaysWhyInOneLineAtItsStart(t *testing.T) {
	skipShort(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-tags", "lambda.norpc,grpcnotrace", "-o", dir+"/", "../../functions/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	variables := templateVariables(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, fault := range map[string]struct {
		names  string // the setting
		says   string
		breaks []string
		setUp  func(s *lambdastub.Stub, settings map[string]string)
	}{
		"nothing is wrong":        {"", "", nil, func(*lambdastub.Stub, map[string]string) {}},
		"no table is named":       {"OPSGUARD_TABLE", "", all, set("OPSGUARD_TABLE", "")},
		"no such table":           {"OPSGUARD_TABLE", "there is no table stub", all, refuse("GetItem", "ResourceNotFoundException")},
		"the table is not theirs": {"OPSGUARD_TABLE", "AccessDeniedException", all, refuse("GetItem", "AccessDeniedException")},
		"unreachable endpoint":    {"", "connection refused", all, set("AWS_ENDPOINT_URL", gone.URL)},
		"malformed endpoint":      {"AWS_ENDPOINT_URL", "must be like", all, set("AWS_ENDPOINT_URL", "localhost:4566")},
		"no region":               {"AWS_REGION", "is empty", all, set("AWS_REGION", "")},
		"a wrong log level":       {"OPSGUARD_LOG_LEVEL", "must be debug", all, set("OPSGUARD_LOG_LEVEL", "loud")},
		"another architecture":    {"OPSGUARD_ARCHITECTURE", "built for", all, set("OPSGUARD_ARCHITECTURE", "s390x")},
		"no keys are named":       {"OPSGUARD_API_KEYS_PARAM", "is empty", web, set("OPSGUARD_API_KEYS_PARAM", "")},
		"no keys are there":       {"OPSGUARD_API_KEYS_PARAM", "SSM has no parameter /api-keys", web, secret("/api-keys", "")},
		"a name of two lines":     {"OPSGUARD_API_KEYS_PARAM", "SSM has no parameter /a b", web, set("OPSGUARD_API_KEYS_PARAM", "/a\nb")},
		"malformed keys":          {"OPSGUARD_API_KEYS_PARAM", "", web, secret("/api-keys", "secret-text")},
		"no link keys are there":  {"OPSGUARD_LINK_KEYS_PARAM", "SSM has no parameter /link-keys", linking, secret("/link-keys", "")},
		"malformed link keys":     {"OPSGUARD_LINK_KEYS_PARAM", "", linking, secret("/link-keys", "secret-text")},
		"no webhook is there":     {"DISCORD_WEBHOOK_URL_PARAM", "SSM has no parameter /discord", telling, secret("/discord", "")},
		"a malformed webhook":     {"DISCORD_WEBHOOK_URL_PARAM", "", telling, secret("/discord", "https://example.com/secret-text")},
		"no Gemini key is there":  {"GEMINI_API_KEY_PARAM", "SSM has no parameter /gemini", []string{"analyze"}, secret("/gemini", "")},
		"a malformed Gemini key":  {"GEMINI_API_KEY_PARAM", "", []string{"analyze"}, secret("/gemini", "secret text")},
		"a wrong ARN":             {"OPSGUARD_STATE_MACHINE_ARN", "is not the ARN", starting, set("OPSGUARD_STATE_MACHINE_ARN", "arn:aws:states:stub")},
		"no such state machine":   {"OPSGUARD_STATE_MACHINE_ARN", "there is no state machine", starting, refuse("DescribeStateMachine", "StateMachineDoesNotExist")},
		"too short a timeout":     {"OPSGUARD_APPROVAL_TIMEOUT", "must be", ingesting, set("OPSGUARD_APPROVAL_TIMEOUT", "1s")},
		"the shortest timeout":    {"", "", nil, set("OPSGUARD_APPROVAL_TIMEOUT", "2s")},
		"too long a timeout":      {"OPSGUARD_APPROVAL_TIMEOUT", "must be", ingesting, set("OPSGUARD_APPROVAL_TIMEOUT", "8737h")},
		"half seconds":            {"OPSGUARD_APPROVAL_TIMEOUT", "must be", ingesting, set("OPSGUARD_APPROVAL_TIMEOUT", "2500ms")},
		"a timeout of no time":    {"OPSGUARD_APPROVAL_TIMEOUT", "", ingesting, set("OPSGUARD_APPROVAL_TIMEOUT", "soon")},
		"a wrong public URL":      {"OPSGUARD_PUBLIC_URL", "", slices.Concat(web, linking, showing), set("OPSGUARD_PUBLIC_URL", "ftp://example.com")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var starts sync.WaitGroup // at once: an endpoint that does not answer is tried for seconds
			for _, function := range all {
				starts.Go(func() {
					s := lambdastub.New()
					defer s.Close()
					settings := s.Settings()
					fault.setUp(s, settings)
					_, said, err := s.Start(filepath.Join(dir, function), chosen(t, settings, variables[function]))
					broken := slices.Contains(fault.breaks, function)
					switch {
					case !broken && err != nil:
						t.Errorf("%s: %v: %s", function, err, said)
					case broken && !errors.Is(err, lambdastub.ErrEnded):
						t.Errorf("%s started: %v %s", function, err, said)
					case broken:
						checkLine(t, function, said, fault.names, fault.says)
					}
				})
			}
			starts.Wait()
		})
	}
}

func chosen(t *testing.T, settings map[string]string, names []string) map[string]string {
	t.Helper()
	own := map[string]string{}
	for _, name := range names {
		value, known := settings[name]
		if !known {
			t.Errorf("template.yaml gives a function %s, which this test does not know", name)
		}
		own[name] = value
	}
	return own
}

func checkLine(t *testing.T, function, said, names, says string) {
	t.Helper()
	var line struct{ Level, Msg, Error string }
	if err := json.Unmarshal([]byte(said), &line); err != nil || strings.Count(said, "\n") != 1 || line.Level != "ERROR" || line.Msg != "cannot start" {
		t.Errorf("%s: %q is not one line of the log: %v", function, said, err)
	}
	if !strings.HasPrefix(line.Error, names) || !strings.Contains(line.Error, says) {
		t.Errorf("%s: %q; want it to name %s and to say %q", function, line.Error, names, says)
	}
	if !regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+: `).MatchString(line.Error) {
		t.Errorf("%s: %q names no setting", function, line.Error)
	}
	if regexp.MustCompile(`secret.text`).MatchString(said) {
		t.Errorf("%s: a secret is in the line: %q", function, said)
	}
}

func set(name, value string) func(*lambdastub.Stub, map[string]string) {
	return func(_ *lambdastub.Stub, settings map[string]string) { settings[name] = value }
}

func refuse(operation, code string) func(*lambdastub.Stub, map[string]string) {
	return func(s *lambdastub.Stub, _ map[string]string) { s.Refuse(operation, code) }
}

func secret(name, value string) func(*lambdastub.Stub, map[string]string) {
	return func(s *lambdastub.Stub, _ map[string]string) { s.SetSecret(name, value) }
}

// templateVariables are the variables that template.yaml gives each function, and those
// that Lambda itself does.
func templateVariables(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	block := func(head, indent string) (names []string) {
		_, rest, found := strings.Cut(string(text), "\n"+head+":\n")
		if !found {
			t.Fatalf("template.yaml has no %s", head)
		}
		if end := regexp.MustCompile(`(?m)^` + head[:len(head)-len(strings.TrimLeft(head, " "))] + `\S`).FindStringIndex(rest); end != nil {
			rest = rest[:end[0]]
		}
		for _, m := range regexp.MustCompile(`(?m)^`+indent+`([A-Z_]+): `).FindAllStringSubmatch(rest, -1) {
			names = append(names, m[1])
		}
		return names
	}
	shared := append(block("Globals", "        "), "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	variables := map[string][]string{}
	for _, function := range all {
		logical := ""
		for word := range strings.SplitSeq(function, "-") {
			logical += strings.ToUpper(word[:1]) + word[1:]
		}
		variables[function] = append(block("  "+logical+"Function", "          "), shared...)
	}
	return variables
}
