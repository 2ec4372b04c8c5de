package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// The version of the Engine API that is spoken. Docker 20.10 has it, and engines from 29 on
// take 1.44 at the least, which means the same in all that is used here (Docker, "Engine
// API version history").
const (
	spoken    = 41
	maxSpoken = 60 // a minimum beyond it is of an engine that nobody has looked at
)

// patience bounds a call that changes something: the engine answers when a container has
// stopped, for which each may have a time of its own.
const patience = 4 * time.Minute

// api reaches an engine on its socket.
type api struct {
	look, change integration.Env // they differ in the time that a call may take
	socket       string
}

func newAPI(env integration.Env, socket string) api {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	a := api{look: env, change: env, socket: socket}
	a.look.HTTP, a.change.HTTP = integration.NewHTTP(transport), integration.NewHTTP(transport)
	a.change.HTTP.Timeout = patience
	return a
}

// session is a series of calls in the version that the engine takes.
type session struct {
	api
	version string // "/v1.41"
}

// session asks the engine for its versions (GET /version).
func (a api) session(ctx context.Context) (session, error) {
	var v struct{ APIVersion, MinAPIVersion string }
	s := session{api: a}
	if err := s.get(ctx, "/version", "its version", &v); err != nil {
		return s, err
	}
	most, okMost := minor(v.APIVersion)
	least, okLeast := minor(v.MinAPIVersion)
	switch {
	case !okMost:
		return s, incident.Unavail("Docker's answer holds no version; is "+strconv.Quote(a.socket)+" an engine's socket?", nil)
	case most < spoken:
		return s, incident.Bad(
			"the Docker engine speaks its API up to 1.%d only; upgrade it to 20.10 or later", most)
	case okLeast && least > maxSpoken:
		return s, incident.Bad(
			"the Docker engine takes its API from 1.%d on only, which this OpsGuard does not speak; upgrade OpsGuard", least)
	}
	s.version = fmt.Sprintf("/v1.%d", max(spoken, least))
	return s, nil
}

// minor reads the 41 of 1.41.
func minor(version string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(version, "1."))
	return n, err == nil && strings.HasPrefix(version, "1.") && n >= 0
}

// get reads what is at a path. what names it in errors.
func (s session) get(ctx context.Context, path, what string, into any) error {
	answer, _, err := s.call(ctx, s.look, http.MethodGet, path, what, nil)
	if err != nil {
		return err
	}
	if len(answer) >= integration.MaxAnswer {
		return tooLong(what)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return unreadable(what)
	}
	return nil
}

// post changes something. That it is so already is no error (304, of start and stop).
func (s session) post(ctx context.Context, path, what string, body, into any) error {
	answer, status, err := s.call(ctx, s.change, http.MethodPost, path, what, body)
	switch {
	case status == http.StatusNotModified:
		return nil
	case err != nil || into == nil:
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return unreadable(what)
	}
	return nil
}

// remove removes a container, running or not, and leaves its volumes. One that is gone is
// no error.
func (s session) remove(ctx context.Context, id, what string) error {
	_, status, err := s.call(ctx, s.change, http.MethodDelete, "/containers/"+url.PathEscape(id)+"?force=true", what, nil)
	if status == http.StatusNotFound {
		return nil
	}
	return err
}

func tooLong(what string) error {
	return incident.Bad("Docker's answer about %s is longer than is read", what)
}

func unreadable(what string) error {
	return incident.Unavail("Docker's answer about "+what+" cannot be read", nil)
}

// call makes one call. status is that of a refusal, else 0.
func (s session) call(ctx context.Context, env integration.Env, method, path, what string, body any) ([]byte, int, error) {
	status := 0
	answer, err := env.Do(ctx, integration.Call{Vendor: "Docker", Method: method, URL: "http://docker" + s.version + path, Body: body,
		Judge: func(got int, _ []byte) string {
			status = got
			return refusal(got, what)
		}})
	return answer, status, s.reached(err)
}

func refusal(status int, what string) string {
	switch status {
	case http.StatusNotFound:
		return "Docker has no " + what + " (404)"
	case http.StatusConflict:
		return "Docker refused because of the state that " + what + " is in, or because its name is taken (409)"
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Sprintf("Docker does not allow this for %s (%d); an authorization plugin of the engine decides that", what, status)
	}
	return ""
}

// reached says what is wrong where the socket could not be connected to.
func (s session) reached(err error) error {
	if !notSent(err) {
		return err
	}
	socket := strconv.Quote(s.socket)
	why := "Docker could not be reached on " + socket
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "there is no socket " + socket + "; start the Docker engine, or correct socket of the target"
	case errors.Is(err, fs.ErrPermission):
		why = "the user that OpsGuard runs as may not use the socket " + socket + "; add it to the socket's group, usually docker"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "no engine listens on the socket " + socket + "; start it"
	}
	return incident.Unavail(why, err)
}

// notSent reports that a call failed before anything was sent.
func notSent(err error) bool {
	var connecting *net.OpError
	return errors.As(err, &connecting) && connecting.Op == "dial"
}

// changedNothing reports that a call that failed has certainly changed nothing: it was not
// sent, or refused.
func changedNothing(err error) bool {
	return notSent(err) || incident.KindOf(err) == incident.Invalid
}

func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}

// filters writes the engine's filters: a JSON object of lists.
func filters(name string, values ...string) string {
	text, err := json.Marshal(map[string][]string{name: values})
	if err != nil { // strings can always be written
		return ""
	}
	return string(text)
}
