package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra"
	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// allSenders has the contract test of every source write what its sender sends, signed
// now. A source of source.List that shows nothing which a running OpsGuard could take
// fails the test.
func allSenders(t *testing.T) []stepstest.Sender {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "test", "-count=1", "-short", "./pkg/source/...")
	cmd.Dir, cmd.Env = "../..", cleanEnv(stepstest.SentTo+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(string(out), 6000))
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []stepstest.Sender
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s stepstest.Sender
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, s)
	}
	for _, d := range source.List() {
		if lacking := lacks(d.Name, all); lacking != "" {
			t.Errorf("the source %s: its contract test shows no request %s", d.Name, lacking)
		}
	}
	return all
}

// takesNobody are the sources that are listed and take requests from nobody: OpsGuard's
// own body comes to /ingest-alert.
func takesNobody() []string { return []string{"api"} }

// lacks says what the senders of a type do not show; "" if they show all there is.
func lacks(name string, all []stepstest.Sender) string {
	var fires, recovers, taken, resolves, refused bool
	for _, s := range all {
		if s.Type != name {
			continue
		}
		open := map[string]bool{}
		for _, r := range inOrder(s.Sent) {
			refused = true
			for _, a := range r.Alerts {
				recovers = recovers || a.Recovered
				if r.Request.Body == nil {
					continue
				}
				fires, resolves = fires || !a.Recovered, resolves || a.Recovered && open[a.Trouble]
				open[a.Trouble] = !a.Recovered
				taken = true
			}
		}
	}
	switch {
	case !refused:
		return "at all"
	case slices.Contains(takesNobody(), name):
		if taken {
			return "that is refused"
		}
		return ""
	case !fires:
		return "with an alert that a running OpsGuard can take"
	case recovers && !resolves:
		return "that resolves what another one opens"
	}
	return ""
}

func TestASourceThatShowsTooLittleIsFound(t *testing.T) {
	request := func(sent bool, alerts ...stepstest.SentAlert) stepstest.SentRequest {
		r := stepstest.SentRequest{Alerts: alerts, Wrong: steps.Request{Body: []byte("x")}}
		if sent {
			r.Request.Body = []byte("x")
		}
		return r
	}
	fires, over := stepstest.SentAlert{Trouble: "a"}, stepstest.SentAlert{Trouble: "a", Recovered: true}
	another := stepstest.SentAlert{Trouble: "b", Recovered: true}
	for want, sent := range map[string][]stepstest.SentRequest{
		"": {request(true, over), request(true, fires), request(false, another)}, "at all": nil,
		"with an alert that a running OpsGuard can take": {request(false, fires), request(true, over)},
		"that resolves what another one opens":           {request(true, fires), request(true, another), request(false, over)},
	} {
		other := stepstest.Sender{Type: "other", Sent: []stepstest.SentRequest{request(true, fires)}}
		if got := lacks("new", []stepstest.Sender{other, {Type: "new", Sent: sent}}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// inOrder puts the requests that tell of a recovery after those that tell of trouble too,
// and these after the rest.
func inOrder(sent []stepstest.SentRequest) []stepstest.SentRequest {
	over := func(r stepstest.SentRequest) int {
		recovered := func(a stepstest.SentAlert) bool { return a.Recovered }
		fires := func(a stepstest.SentAlert) bool { return !a.Recovered }
		switch {
		case !slices.ContainsFunc(r.Alerts, recovered):
			return 0
		case slices.ContainsFunc(r.Alerts, fires):
			return 1
		}
		return 2
	}
	sorted := slices.Clone(sent)
	slices.SortStableFunc(sorted, func(a, b stepstest.SentRequest) int { return over(a) - over(b) })
	return sorted
}

// configured is the services.yaml that is shipped with an entry for each sender, and the
// secrets of these entries. Each has secrets of its own.
func configured(t *testing.T, all []stepstest.Sender) (services []byte, secrets map[string]string) {
	t.Helper()
	secrets, entries := map[string]string{}, map[string]map[string]any{}
	for _, s := range all {
		name := func(secret string) string {
			return strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")) + "_" + secret
		}
		entry := map[string]any{"type": s.Type}
		for _, set := range s.Settings {
			switch secret, isSecret := set.Value.Map["secret"]; {
			case isSecret:
				entry[set.Name] = map[string]string{"secret": name(secret)}
			case set.Value.Map != nil:
				entry[set.Name] = set.Value.Map
			case set.Value.List != nil:
				entry[set.Name] = set.Value.List
			default:
				entry[set.Name] = set.Value.Text
			}
		}
		for secret, value := range s.Secrets {
			secrets[name(secret)] = value
		}
		entries[s.Name] = entry
	}
	text, err := json.Marshal(entries) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(bytes.TrimSpace(infra.Services), []byte("\nsources: "), text, []byte("\n")), secrets
}

// sendersVariable names the folder into which TestWriteSenders writes, and with which
// infra/emulator/deploy.sh deploys. Where it is set, TestDeployment sends what every sender
// sends.
const sendersVariable = "OPSGUARD_SENDERS"

// TestWriteSenders writes services.yaml and secrets.json for a deployment.
func TestWriteSenders(t *testing.T) {
	dir := os.Getenv(sendersVariable)
	if dir == "" {
		t.Skip(sendersVariable + " names no folder")
	}
	services, secrets := configured(t, allSenders(t))
	text, err := json.Marshal(secrets)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"services.yaml": services, "secrets.json": text} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneMachineTakesWhatEverySenderSends(t *testing.T) {
	all := allSenders(t)
	services, secrets := configured(t, all)
	path := filepath.Join(t.TempDir(), "services.yaml")
	write(t, path, services)
	target, keys := newKeys(t)
	env := []string{"OPSGUARD_SERVICES=" + path, "OPSGUARD_API_KEYS=" + keys}
	for name, value := range secrets {
		env = append(env, "OPSGUARD_SECRET_"+name+"="+value)
	}
	p := serve(t, t.TempDir(), freeAddr(t), env...)
	target.URL = "http://" + p.addr
	takesEverySender(t, target, all)
	for _, bad := range []string{"panic", "DATA RACE"} {
		if strings.Contains(p.out.String(), bad) {
			t.Errorf("it printed %q", bad)
		}
	}
	for name, value := range secrets {
		for _, one := range strings.Fields(value) {
			if strings.Contains(p.out.String(), one) {
				t.Errorf("it printed the secret %s", name)
			}
		}
	}
}
