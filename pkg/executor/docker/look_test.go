package docker_test

import (
	"errors"
	"io/fs"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/executor/docker"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/inventory"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

func proposal(fix string) incident.Proposal {
	p := incident.Proposal{FixID: fix, Parameters: map[string]string{}}
	if fix == "scale-out" {
		p.Parameters["instances"] = "1"
	}
	return p
}

// world is an engine with the service shop/web of two containers, and an executor of it.
type world struct {
	*engine
	t  *testing.T
	at string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	e := newEngine()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.build("shop:1", e.now.Add(-48*time.Hour))
	e.build("shop:2", e.now.Add(-24*time.Hour))
	e.web(1, "shop:2")
	e.web(2, "shop:2")
	return &world{e, t, socket(t, server.URL)}
}

// open opens the service; more settings take the place of its own.
func (w *world) open(more ...string) steps.Executor {
	w.t.Helper()
	all := map[string]string{"project": "shop", "service": "web", "maxInstances": "4", "socket": w.at}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	var settings []integration.Setting
	for name, value := range all {
		if value != "" {
			settings = append(settings, setting(name, value))
		}
	}
	env := stepstest.Env(nil)
	env.Now = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	return stepstest.Open(w.t, env, integration.Executors, docker.Integration(), settings...).It
}

func (w *world) refuses(name, fix, want string, more ...string) {
	w.t.Helper()
	_, err := w.open(more...).Look(w.t.Context(), proposal(fix))
	if incident.KindOf(err) != incident.Invalid && incident.KindOf(err) != incident.NotFound || !strings.Contains(err.Error(), want) {
		w.t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestATargetThatNoFixMayTouchIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*world)
		want  string
	}{
		"paused":        {func(w *world) { w.containers[1].status = "paused" }, "shop-web-2 is paused"},
		"being removed": {func(w *world) { w.containers[1].status = "removing" }, "is being removed"},
		"of a swarm": {func(w *world) {
			w.containers[1].config["Labels"].(object)["com.docker.swarm.service.id"] = "x"
		}, "belongs to a swarm service"},
		"not there": {func(w *world) { w.containers = nil }, "has no container of the service web"},
		"only one-off runs": {func(w *world) {
			for _, c := range w.containers {
				c.config["Labels"].(object)["com.docker.compose.oneoff"] = "True"
			}
		}, "has no container"},
		"too many": {func(w *world) {
			for n := range 17 {
				w.web(10+n, "shop:2")
			}
		}, "at most 16"},
	} {
		w := newWorld(t)
		c.spoil(w)
		for _, fix := range []string{"restart-service", "rollback-deployment", "scale-out"} {
			w.refuses(name, fix, c.want)
		}
	}
	w := newWorld(t)
	w.refuses("no such container", "restart-service", "there is no container nono", "project", "", "service", "", "container", "nono")
	w.refuses("an id in place of a name", "restart-service", "there is no container", "project", "", "service", "", "container", id(1))
	w.refuses("another fix", "fail-over", "cannot be done by Docker")
}

func TestOneContainerIsATargetToo(t *testing.T) {
	w := newWorld(t)
	seen, err := w.open("project", "", "service", "", "container", "shop-web-2").Look(t.Context(), proposal("restart-service"))
	if err != nil || len(seen) != 1 || seen["container shop-web-2"] != id(2)+", up" {
		t.Errorf("%v, %v", seen, err)
	}
	w.refuses("scaling it out", "scale-out", "one container cannot be scaled out", "project", "", "service", "", "container", "shop-web-2")
}

func TestARollbackIsRefusedWhereWhatRanBeforeIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*world)
		want  string
		more  []string
	}{
		"half deployed": {func(w *world) {
			w.containers[0].image = w.image("shop:1")["Id"].(string)
		}, "a deployment is under way, or half done", nil},
		"no older image":  {func(w *world) { w.images = w.images[1:] }, "Docker keeps no history", nil},
		"two equally old": {func(w *world) { w.build("shop:1b", w.now.Add(-48*time.Hour)) }, "two images of shop are equally old", nil},
		"made by an id, without a name": {func(w *world) {
			w.containers[0].config["Image"] = w.containers[0].image
			w.image("shop:2")["RepoTags"] = []any{}
		}, "has no name", nil},
		"made by an id, with two names": {func(w *world) {
			w.containers[0].config["Image"] = w.containers[0].image
			w.image("shop:2")["RepoTags"] = []any{"shop:2", "other:2"}
		}, "names of 2 repositories", nil},
		"the named image is gone":   {func(*world) {}, "Docker has no image shop:before", []string{"previousImage", "shop:before"}},
		"the named image runs":      {func(*world) {}, "is the one that runs", []string{"previousImage", "shop:2"}},
		"the present image is gone": {func(w *world) { w.images = w.images[:1] }, "Docker has no image", nil},
		"it would vanish":           {func(w *world) { w.containers[1].host["AutoRemove"] = true }, "started with --rm", nil},
		"it has links":              {func(w *world) { w.containers[1].host["Links"] = []any{"/db:/shop-web-2/db"} }, "has links", nil},
	} {
		w := newWorld(t)
		c.spoil(w)
		w.refuses(name, "rollback-deployment", c.want, c.more...)
	}
}

func TestTheImageBeforeIsTheNewestOlderOneOfTheRepositoryOrTheOneThatIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil      func(*world)
		named, tag string
	}{
		"the next older one":        {func(w *world) { w.build("shop:0", w.now.Add(-72*time.Hour)) }, "", "shop:1"},
		"newer ones do not count":   {func(w *world) { w.build("shop:3", w.now.Add(-time.Hour)) }, "", "shop:1"},
		"nor do other repositories": {func(w *world) { w.build("shop-db:1", w.now.Add(-30*time.Hour)) }, "", "shop:1"},
		"by the container's digest": {func(w *world) { w.containers[0].config["Image"] = "shop@sha256:abc" }, "", "shop:1"},
		"by the hub's full name":    {func(w *world) { w.containers[0].config["Image"] = "docker.io/library/shop:2" }, "", "shop:1"},
		"by the image's name":       {func(w *world) { w.containers[0].config["Image"] = w.containers[0].image }, "", "shop:1"},
		"the one that is named":     {func(w *world) { w.build("shop:0", w.now.Add(-72*time.Hour)) }, "shop:0", "shop:0"},
		"a newer one that is named": {func(w *world) { w.build("shop:3", w.now.Add(-time.Hour)) }, "shop:3", "shop:3"},
		"of another repository too": {func(w *world) { w.build("old/shop:9", w.now.Add(-time.Hour)) }, "old/shop:9", "old/shop:9"},
	} {
		w := newWorld(t)
		c.spoil(w)
		seen, err := w.open("previousImage", c.named).Look(t.Context(), proposal("rollback-deployment"))
		if err != nil || seen["previous image name"] != c.tag || seen["previous image"] != w.image(c.tag)["Id"] {
			t.Errorf("%s: %v, %v", name, seen, err)
			continue
		}
		draft, err := w.open().Plan(seen, proposal("rollback-deployment"))
		if err != nil || !strings.Contains(draft.Actions[0], c.tag+" ("+seen["previous image"]+", made ") {
			t.Errorf("%s: the plan does not show which image it is: %v, %v", name, draft.Actions, err)
		}
	}
}

func TestAServiceThatCannotHaveOneMoreIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*world)
		want  string
		more  []string
	}{
		"a port on the host": {func(w *world) {
			w.containers[0].host["PortBindings"] = object{"80/tcp": []any{object{"HostIp": "", "HostPort": "8080"}}}
		}, "publishes port 80/tcp on port 8080", nil},
		"a fixed address": {func(w *world) {
			w.containers[0].networks["shop_default"].(object)["IPAMConfig"] = object{"IPv4Address": "172.18.0.9"}
		}, "has a fixed address", nil},
		"a name of its own":  {func(w *world) { w.containers[0].name = "the-shop" }, "has a name of its own", nil},
		"the host's network": {func(w *world) { w.containers[0].host["NetworkMode"] = "host" }, "uses the host's network", nil},
		"half deployed": {func(w *world) {
			w.containers[0].config["Labels"].(object)["com.docker.compose.config-hash"] = "other"
		}, "a deployment is under way", nil},
		"as many as there may be": {func(*world) {}, "more than maxInstances, 2", []string{"maxInstances", "2"}},
		"nobody said how many":    {func(*world) {}, "maxInstances of the target does not say", []string{"maxInstances", ""}},
	} {
		w := newWorld(t)
		c.spoil(w)
		w.refuses(name, "scale-out", c.want, c.more...)
	}
	w := newWorld(t)
	w.containers[0].host["PortBindings"] = object{"80/tcp": []any{object{"HostIp": "", "HostPort": ""}}}
	if _, err := w.open().Look(t.Context(), proposal("scale-out")); err != nil {
		t.Errorf("a port that the engine chooses: %v", err)
	}
}

func TestTheEngineIsSpokenToInAVersionThatItTakes(t *testing.T) {
	for name, c := range map[string]struct {
		least, most, want string
	}{
		"Docker 20.10":      {"1.12", "1.41", ""},
		"Docker 29":         {"1.44", "1.52", ""},
		"Docker 19.03":      {"1.12", "1.40", "upgrade it to 20.10"},
		"one from later on": {"1.90", "1.99", "upgrade OpsGuard"},
		"no engine":         {"", "", "holds no version"},
		"something strange": {"x", "2.0", "holds no version"},
	} {
		w := newWorld(t)
		w.version = object{"ApiVersion": c.most, "MinAPIVersion": c.least}
		_, err := w.open().Look(t.Context(), proposal("restart-service"))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestASocketThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Dir(w.at)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "dead"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	for at, want := range map[string]string{"gone": "there is no socket", "dead": "no engine listens on the socket"} {
		it := w.open("socket", filepath.Join(dir, at))
		_, look := it.Look(t.Context(), proposal("restart-service"))
		check := it.(integration.Checker).Check(t.Context())
		for what, err := range map[string]error{"looking": look, "the check": check} {
			if incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s: %v", at, what, err)
			}
		}
		o := ordered(t, w.open(), proposal("restart-service"))
		acted := it.Act(t.Context(), o)
		if acted.Outcome != incident.Failed || !strings.Contains(told(acted.Steps), want) {
			t.Errorf("%s: %q: %s", at, acted.Outcome, told(acted.Steps))
		}
	}
	if os.Getuid() == 0 {
		return // root may use every socket
	}
	if err := os.Chmod(w.at, 0); err != nil {
		t.Fatal(err)
	}
	_, err = w.open().Look(t.Context(), proposal("restart-service"))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "add it to the socket's group") {
		t.Errorf("%v", err)
	}
}

func TestATargetThatIsNotNamedRightIsRefusedWhenServicesYamlIsChecked(t *testing.T) {
	for target, want := range map[string]string{
		`container: shop`: "",
		`project: shop, service: web, maxInstances: "4"`: "",
		`socket: /run/docker.sock`:                       "container: or project must be given",
		`container: shop, project: shop, service: web`:   "and not both",
		`project: shop`:                                   "belong together",
		`container: shop, service: web`:                   "belong together",
		`container: ../../images`:                         "is no name of a container",
		`container: shop, socket: "tcp://127.0.0.1:2375"`: "must be the full path of a socket",
		`project: shop, service: web, maxInstances: "17"`: "must be 0 to 16",
	} {
		_, err := inventory.Load([]byte("services:\n  shop: {owner: shop, fixes: [scale-out], target: {type: docker, "+target+"}}\n"),
			integration.Types{integration.Executors: {docker.Integration().Type}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
}
