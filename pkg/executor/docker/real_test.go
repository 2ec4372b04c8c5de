package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/catalog"
	"github.com/opsguard/opsguard/pkg/executor"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

// realSocket names the socket of an engine that tests may make containers on.
const realSocket = "OPSGUARD_DOCKER_SOCKET"

// real is a Docker engine, with two images and two containers of a compose service.
type real struct {
	t      *testing.T
	socket string
	http   *http.Client
	ahead  time.Duration // of the executor's clock: containers have to run for a while
	before string        // the setting previousImage
}

func realEngine(t *testing.T) *real {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs a Docker engine; make test runs it")
	}
	r := &real{t: t, socket: os.Getenv(realSocket)}
	if r.socket == "" {
		r.socket = ownEngine(t)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", r.socket)
	}
	r.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial}}
	version := r.do("GET", "/version", nil)
	t.Logf("Docker %v, API %v to %v", version["Version"], version["MinAPIVersion"], version["ApiVersion"])
	return r
}

// ownEngine starts an engine that reaches no network and shares nothing with another.
func ownEngine(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"dockerd", "unshare", "busybox"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skipf("there is no engine to test against: set %s, or run as root with dockerd, unshare and a static busybox", realSocket)
		}
	}
	dir, err := os.MkdirTemp("", "dk")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("unshare", "--net", "sh", "-c", `ip link set lo up; exec dockerd --iptables=false --ip-masq=false --ip-forward=false \
		--data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" -H "unix://$1/s"`, "sh", dir)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Skipf("no engine can be started here: %v", err)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); <-gone; os.RemoveAll(dir) })
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-gone:
			t.Skipf("no engine can be started here: %s", last(log.String()))
		case <-tick.C:
		}
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			return socket
		}
	}
}

func last(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return lines[len(lines)-1]
}

func (r *real) send(method, path, kind string, body io.Reader) (int, []byte) {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://docker"+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, text
}

func (r *real) do(method, path string, body any) (into object) {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	status, answer := r.send(method, path, "application/json", bytes.NewReader(text))
	if status >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	_ = json.Unmarshal(answer, &into)
	return into
}

func entry(w *tar.Writer, name string, mode int64, content []byte) {
	kind := byte(tar.TypeReg)
	if strings.HasSuffix(name, "/") {
		kind = tar.TypeDir
	}
	_ = w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Typeflag: kind})
	_, _ = w.Write(content)
}

// load makes an image of busybox, in the format of docker save.
func (r *real) load(tag, made string, config object) {
	r.t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		r.t.Skip("no busybox to make an image of; install busybox-static")
	}
	busybox, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	var layer, archive bytes.Buffer
	l := tar.NewWriter(&layer)
	for _, dir := range []string{"bin/", "data/", "tmp/", "proc/", "sys/", "dev/", "etc/"} {
		entry(l, dir, 0o755, nil)
	}
	entry(l, "bin/busybox", 0o755, busybox)
	l.Close()
	image, _ := json.Marshal(object{"architecture": runtime.GOARCH, "os": "linux", "created": made, "config": config,
		"rootfs": object{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer.Bytes()))}}})
	manifest, _ := json.Marshal([]object{{"Config": "image.json", "RepoTags": []string{tag}, "Layers": []string{"layer.tar"}}})
	a := tar.NewWriter(&archive)
	entry(a, "image.json", 0o644, image)
	entry(a, "layer.tar", 0o644, layer.Bytes())
	entry(a, "manifest.json", 0o644, manifest)
	a.Close()
	if status, answer := r.send("POST", "/images/load?quiet=true", "application/x-tar", &archive); status != 200 {
		r.t.Fatalf("load: %d %s", status, answer)
	}
}

// up starts containers as Compose does.
func (r *real) up(n int) (id string) {
	r.t.Helper()
	name := fmt.Sprintf("opsguardtest-web-%d", n)
	made := r.do("POST", "/v1.41/containers/create?name="+name, object{
		"Image": "opsguardtest:2", "Env": []string{"OWN=1"}, "StopTimeout": 1, "Volumes": object{"/data": object{}},
		"Labels": object{"com.docker.compose.project": "opsguardtest", "com.docker.compose.service": "web", "com.docker.compose.oneoff": "False",
			"com.docker.compose.container-number": fmt.Sprint(n), "com.docker.compose.config-hash": "c0ffee"},
		"HostConfig":       object{"NetworkMode": "opsguardtest_default", "RestartPolicy": object{"Name": "always"}, "Memory": 64 << 20},
		"NetworkingConfig": object{"EndpointsConfig": object{"opsguardtest_default": object{"Aliases": []string{name, "web"}}}},
	})
	id, _ = made["Id"].(string)
	r.do("POST", "/v1.41/networks/opsguardtest_more/connect", object{"Container": id, "EndpointConfig": object{"Aliases": []string{"more"}}})
	r.do("POST", "/v1.41/containers/"+id+"/start", nil)
	return id
}

func (r *real) prepare() (ids []string) {
	r.load("opsguardtest:1", "2026-01-01T00:00:00Z", object{"Cmd": []string{"/bin/busybox", "sleep", "1001"}, "Env": []string{"V=1"}})
	r.load("opsguardtest:2", "2026-02-01T00:00:00Z", object{
		"Cmd": []string{"/bin/busybox", "sleep", "1002"}, "Env": []string{"V=2"}, "User": "0"})
	for _, network := range []string{"opsguardtest_default", "opsguardtest_more"} {
		r.do("POST", "/v1.41/networks/create", object{"Name": network, "Driver": "bridge"})
	}
	ids = []string{r.up(1), r.up(2)}
	r.t.Cleanup(func() {
		_, text := r.send("GET", "/v1.41/containers/json?all=true", "", nil)
		var all []struct{ ID string }
		_ = json.Unmarshal(text, &all)
		for _, c := range all {
			if labels, _ := r.inspect(c.ID)["Config"].(object)["Labels"].(object); labels["com.docker.compose.project"] == "opsguardtest" {
				r.do("DELETE", "/v1.41/containers/"+c.ID+"?force=true&v=true", nil)
			}
		}
		for _, rest := range []string{"networks/opsguardtest_default", "networks/opsguardtest_more",
			"images/opsguardtest:1", "images/opsguardtest:2"} {
			r.do("DELETE", "/v1.41/"+rest, nil)
		}
	})
	return ids
}

func (r *real) inspect(name string) object {
	r.t.Helper()
	return r.do("GET", "/v1.41/containers/"+name+"/json", nil)
}

func (r *real) at(name string, path ...string) string {
	r.t.Helper()
	var v any = r.inspect(name)
	for _, p := range path {
		if list, is := v.([]any); is {
			v = list[0]
		}
		o, _ := v.(object)
		v = o[p]
	}
	return fmt.Sprint(v)
}

// open opens the target as both runtimes do, redaction included.
func (r *real) open() steps.Executor {
	r.t.Helper()
	env := stepstest.Env(nil)
	env.Now = func() time.Time { return time.Now().Add(r.ahead) }
	set, err := executor.Open(env, executor.List())
	if err != nil {
		r.t.Fatal(err)
	}
	attributes := map[string]string{"project": "opsguardtest", "service": "web", "maxInstances": "4", "socket": r.socket}
	if r.before != "" {
		attributes["previousImage"] = r.before
	}
	it, err := set.For(incident.Target{Service: "shop", Type: "docker", Attributes: attributes})
	if err != nil {
		r.t.Fatal(err)
	}
	return it
}

// does plans and does a fix, and looks at once.
func (r *real) does(fix string) steps.Order {
	r.t.Helper()
	p, err := catalog.Propose(catalog.IDs(), fix, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ahead = 0
	o := ordered(r.t, r.open(), p)
	acted := r.open().Act(r.t.Context(), o)
	if acted.Outcome != "" || acted.Receipt["complete"] != "yes" {
		r.t.Fatalf("%s: %q: %s", fix, acted.Outcome, told(acted.Steps))
	}
	o.Receipt, o.Fix = acted.Receipt, acted.Receipt
	if sight, err := r.open().Verify(r.t.Context(), o); err != nil || sight.Phase != steps.Settling {
		r.t.Errorf("%s: at first it is %s, %v: %s", fix, sight.Phase, err, told(sight.Steps))
	}
	return o
}

func (r *real) verified(o steps.Order) {
	r.t.Helper()
	r.ahead = time.Minute
	if sight, err := r.open().Verify(r.t.Context(), o); err != nil || sight.Phase != steps.Verified {
		r.t.Errorf("%s, undoing %v: %s, %v: %s", o.Plan.FixID, o.Undoing, sight.Phase, err, told(sight.Steps))
	}
}

func (r *real) undoes(o steps.Order) {
	r.t.Helper()
	o.Undoing, o.Key, o.Receipt = true, o.Plan.Key(o.Ref, true), nil
	acted := r.open().Undo(r.t.Context(), o)
	if acted.Outcome != "" || acted.Receipt["complete"] != "yes" {
		r.t.Fatalf("%s: undo: %q: %s", o.Plan.FixID, acted.Outcome, told(acted.Steps))
	}
	o.Receipt = acted.Receipt
	r.verified(o)
}

func ordered(t *testing.T, it steps.Executor, p incident.Proposal) steps.Order {
	t.Helper()
	present, err := it.Look(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := it.Plan(present, p)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := catalog.Build(stepstest.AboutFix(), catalog.IDs(), incident.Target{Service: "shop", Type: "docker"}, p)
	if err != nil {
		t.Fatal(err)
	}
	plan = plan.With(draft, "digest").Freeze(stepstest.AboutFix())
	about := stepstest.AboutFix()
	return steps.Order{Ref: about, Plan: plan, Key: plan.Key(about, false), StartedAt: incident.Stamp(time.Now())}
}

func told(all []incident.FixStep) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.Status + " " + s.Name + ": " + s.Detail + "\n")
	}
	return b.String()
}

func TestARealEngineRestartsScalesAndRollsBack(t *testing.T) {
	r := realEngine(t)
	ids := r.prepare()
	const web1 = "opsguardtest-web-1"

	before := r.at(ids[0], "State", "StartedAt")
	r.verified(r.does("restart-service"))
	if r.at(ids[0], "State", "StartedAt") == before {
		t.Error("it was not restarted")
	}

	o := r.does("scale-out")
	r.verified(o)
	const web3 = "opsguardtest-web-3"
	number := r.at(web3, "Config", "Labels", "com.docker.compose.container-number")
	if number != "3" || r.at(web3, "Image") != r.at(web1, "Image") {
		t.Error("the third container is not like the others")
	}
	r.undoes(o)

	volume := r.at(web1, "Mounts", "Name")
	o = r.does("rollback-deployment")
	r.verified(o)
	for _, c := range [][]string{{"[OWN=1 V=1]", "Config", "Env"}, {"[/bin/busybox sleep 1001]", "Config", "Cmd"},
		{volume, "Mounts", "Name"}, {"", "Config", "User"}, {"always", "HostConfig", "RestartPolicy", "Name"}, {"6.7108864e+07", "HostConfig", "Memory"}} {
		if got := r.at(web1, c[1:]...); got != c[0] {
			t.Errorf("%v of the container of the previous image is %s, want %s", c[1:], got, c[0])
		}
	}
	for network, alias := range map[string]string{"opsguardtest_default": "web", "opsguardtest_more": "more"} {
		got := r.at(web1, "NetworkSettings", "Networks", network, "Aliases")
		if !slices.Contains(strings.Fields(strings.Trim(got, "[]")), alias) {
			t.Errorf("in %s it is known as %s", network, got)
		}
	}
	if r.at(ids[0], "State", "Status") != "exited" || r.at(ids[0], "HostConfig", "RestartPolicy", "Name") != "no" {
		t.Error("the container that is kept is not at rest")
	}
	r.undoes(o)
	if r.at(web1, "Id") != ids[0] || r.at(web1, "HostConfig", "RestartPolicy", "Name") != "always" {
		t.Error("it was not put back as it was")
	}
	r.comesBackFromABrokenImage(ids[0])
}

// comesBackFromABrokenImage: the image ends at its start, and the engine restarts it again
// and again, so that it is seen running for moments.
func (r *real) comesBackFromABrokenImage(id string) {
	r.t.Helper()
	r.load("opsguardtest:0", "2025-01-01T00:00:00Z", object{"Cmd": []string{"/bin/busybox", "false"}})
	r.before = "opsguardtest:0"
	o := r.does("rollback-deployment")
	r.undoes(o)
	if r.at("opsguardtest-web-1", "Id") != id {
		r.t.Error("it was not put back as it was")
	}
	r.do("DELETE", "/v1.41/images/opsguardtest:0", nil)
}
