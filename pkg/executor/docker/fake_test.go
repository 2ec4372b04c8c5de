package docker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
)

type object = map[string]any

// engine plays a Docker engine: the calls of "Docker Engine API v1.41" that are used, with
// the shapes, statuses and messages of Docker 20.10.24.
type engine struct {
	mu         sync.Mutex
	now        time.Time
	version    object
	containers []*fake
	images     []object
	calls      []string // of what changes something
	starts     int
	restarts   int
	removes    int
	// refuse answers a changing call, by its beginning such as "POST start", in the
	// engine's place.
	refuse map[string]int
	// nextCreate refuses the create after the next one; 0 refuses none.
	nextCreate int
	// crash: what is started ends at once.
	crash bool
	// hang is called by a change, which is then never answered; nil: changes are answered.
	hang func()
}

// fake is a container: its Config, HostConfig and networks as they were given, and its state.
type fake struct {
	id, name, image  string
	config, host     object
	networks, health object
	status           string
	started          time.Time
}

func newEngine() *engine {
	return &engine{now: stepstest.Env(nil).Now(), refuse: map[string]int{},
		version: object{"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux"}}
}

func id(n int) string { return fmt.Sprintf("%064x", 0xabcdef000000+n) }

// run starts a container as `docker run` or Compose does.
func (e *engine) run(name, image string, labels object) *fake {
	c := &fake{id: id(len(e.containers) + 1), name: name, image: e.image(image)["Id"].(string)}
	c.status, c.started = "running", e.now.Add(-time.Hour)
	c.config = object{"Hostname": c.id[:12], "Image": image, "Labels": labels, "Env": []any{"A=of the image", "B=own"}, "Cmd": []any{"serve"}}
	c.host = object{"NetworkMode": "shop_default", "RestartPolicy": object{"Name": "always", "MaximumRetryCount": 0}, "PortBindings": object{},
		"Binds": nil, "Links": nil, "AutoRemove": false, "Memory": 9007199254740993}
	c.networks = object{"shop_default": object{
		"IPAMConfig": nil, "Links": nil, "Aliases": []any{name, "web", c.id[:12]}, "IPAddress": "172.18.0.2"}}
	e.containers = append(e.containers, c)
	return c
}

// web runs container number n of the compose service shop/web.
func (e *engine) web(n int, image string) *fake {
	return e.run(fmt.Sprintf("shop-web-%d", n), image, object{
		"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "com.docker.compose.oneoff": "False",
		"com.docker.compose.container-number": fmt.Sprint(n), "com.docker.compose.config-hash": "c0ffee", "of": "image",
	})
}

func (e *engine) build(tag string, made time.Time) {
	e.images = append(e.images, object{"Id": fmt.Sprintf("sha256:%064x", 0x1000+len(e.images)),
		"RepoTags": []any{tag}, "RepoDigests": []any{}, "made": made,
		"Config": object{"Cmd": []any{"serve"}, "Env": []any{"A=of the image"}, "Labels": object{"of": "image"}, "Entrypoint": nil}})
}

func (e *engine) image(name string) object {
	for _, i := range e.images {
		if i["Id"] == name || slices.Contains(i["RepoTags"].([]any), any(name)) {
			return i
		}
	}
	return nil
}

func (e *engine) find(name string) *fake {
	for _, c := range e.containers {
		if c.id == name || c.name == name {
			return c
		}
	}
	return nil
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.URL.Path == "/version" {
		answer(w, 200, e.version)
		return
	}
	rest, is := strings.CutPrefix(r.URL.Path, "/v"+max("1.41", e.version["MinAPIVersion"].(string))+"/")
	if !is {
		answer(w, 400, object{"message": "client version is too old"})
		return
	}
	parts := strings.Split(rest, "/")
	switch {
	case r.Method == http.MethodGet && rest == "containers/json":
		e.list(w, r)
	case r.Method == http.MethodGet && rest == "images/json":
		e.listImages(w, r)
	case r.Method == http.MethodGet && parts[0] == "images":
		e.inspectImage(w, strings.TrimSuffix(strings.TrimPrefix(rest, "images/"), "/json"))
	case r.Method == http.MethodGet && len(parts) == 3:
		e.inspect(w, parts[1])
	default:
		e.change(w, r, parts)
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func asked(r *http.Request, name string) []string {
	var all map[string][]string
	_ = json.Unmarshal([]byte(r.URL.Query().Get("filters")), &all)
	return all[name]
}

func (e *engine) list(w http.ResponseWriter, r *http.Request) {
	found := []object{}
	for _, c := range e.containers {
		labels, _ := c.config["Labels"].(object)
		fits := r.URL.Query().Get("all") == "true"
		for _, want := range asked(r, "label") {
			name, value, _ := strings.Cut(want, "=")
			fits = fits && labels[name] == value
		}
		if fits {
			found = append(found, object{"Id": c.id, "Names": []string{"/" + c.name}, "Labels": labels, "State": c.status})
		}
	}
	answer(w, 200, found)
}

func (e *engine) listImages(w http.ResponseWriter, r *http.Request) {
	found := []object{}
	for _, i := range e.images {
		for _, tag := range i["RepoTags"].([]any) {
			if repo, _, _ := strings.Cut(tag.(string), ":"); slices.Contains(asked(r, "reference"), repo) {
				found = append(found, object{"Id": i["Id"], "RepoTags": i["RepoTags"], "Created": i["made"].(time.Time).Unix()})
			}
		}
	}
	answer(w, 200, found)
}

func (e *engine) inspectImage(w http.ResponseWriter, name string) {
	i := e.image(name)
	if i == nil {
		answer(w, 404, object{"message": "No such image: " + name})
		return
	}
	answer(w, 200, object{"Id": i["Id"], "RepoTags": i["RepoTags"], "RepoDigests": i["RepoDigests"],
		"Created": i["made"], "Config": i["Config"]})
}

func (e *engine) inspect(w http.ResponseWriter, name string) {
	c := e.find(name)
	if c == nil {
		answer(w, 404, object{"message": "No such container: " + name})
		return
	}
	running := slices.Contains([]string{"running", "restarting", "paused"}, c.status)
	state := object{"Status": c.status, "Running": running, "Paused": c.status == "paused",
		"Restarting": c.status == "restarting", "StartedAt": c.started, "FinishedAt": "0001-01-01T00:00:00Z"}
	if c.health != nil {
		state["Health"] = c.health
	}
	answer(w, 200, object{"Id": c.id, "Name": "/" + c.name, "Image": c.image, "State": state, "Config": c.config, "HostConfig": c.host,
		"Mounts": []any{object{"Type": "volume", "Name": "f00d", "Destination": "/data"}}, "NetworkSettings": object{"Networks": c.networks}})
}

// change does what changes something, once it is sure that it is not refused.
func (e *engine) change(w http.ResponseWriter, r *http.Request, parts []string) {
	verb := parts[len(parts)-1]
	call := r.Method + " " + verb
	if r.Method == http.MethodDelete {
		call = "DELETE"
	}
	if status := e.refuse[call]; status != 0 {
		answer(w, status, object{"message": "the engine's own words"})
		return
	}
	if e.hang != nil {
		e.hang()
		<-r.Context().Done()
		return
	}
	if call == "POST create" && e.nextCreate != 0 && slices.Contains(e.calls, call) {
		answer(w, e.nextCreate, object{"message": "Conflict. The container name is already in use"})
		return
	}
	e.calls = append(e.calls, call)
	var body object
	_ = json.NewDecoder(r.Body).Decode(&body)
	if call == "POST create" {
		e.create(w, r.URL.Query().Get("name"), body)
		return
	}
	c := e.find(parts[1])
	if call == "POST connect" {
		c = e.find(body["Container"].(string))
	}
	if c == nil {
		answer(w, 404, object{"message": "No such container: " + parts[1]})
		return
	}
	e.alter(w, call, c, r.URL.Query(), body, parts)
}

func (e *engine) alter(w http.ResponseWriter, call string, c *fake, q url.Values, body object, parts []string) {
	switch call {
	case "POST start":
		if c.status == "running" {
			w.WriteHeader(304)
			return
		}
		e.starts++
		e.up(c)
	case "POST restart":
		e.restarts++
		e.up(c)
	case "POST stop":
		c.status = "exited"
	case "POST rename":
		if e.find(q.Get("name")) != nil {
			answer(w, 409, object{"message": "Conflict. The container name is already in use"})
			return
		}
		c.name = q.Get("name")
	case "POST update":
		c.host["RestartPolicy"] = body["RestartPolicy"]
	case "POST connect":
		c.networks[parts[1]] = body["EndpointConfig"]
	case "DELETE":
		e.removes++
		e.containers = slices.DeleteFunc(e.containers, func(o *fake) bool { return o == c })
	}
	w.WriteHeader(204)
}

func (e *engine) up(c *fake) {
	e.now = e.now.Add(time.Second)
	c.status, c.started = "running", e.now
	if e.crash {
		c.status = "exited"
	}
}

func (e *engine) create(w http.ResponseWriter, name string, body object) {
	image, _ := body["Image"].(string)
	switch {
	case e.image(image) == nil:
		answer(w, 404, object{"message": "No such image: " + image})
		return
	case e.find(name) != nil:
		answer(w, 409, object{"message": "Conflict. The container name is already in use"})
		return
	}
	c := &fake{id: id(1000 + len(e.calls)), name: name, image: image, status: "created", config: body, networks: object{}}
	c.host, _ = body["HostConfig"].(object)
	if networking, is := body["NetworkingConfig"].(object); is {
		c.networks, _ = networking["EndpointsConfig"].(object)
	}
	delete(body, "HostConfig")
	delete(body, "NetworkingConfig")
	e.containers = append(e.containers, c)
	answer(w, 201, object{"Id": c.id, "Warnings": []any{}})
}

// socket listens on a unix socket and hands every connection on to a server's address.
func socket(t *testing.T, server string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dk") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); os.RemoveAll(dir) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
			if err != nil {
				in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { _, _ = io.Copy(in, out); in.Close() }()
		}
	}()
	return path
}

func setting(name, value string) integration.Setting {
	return integration.Setting{Name: name, Value: integration.Value{Text: value}}
}
