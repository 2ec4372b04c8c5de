// Command transcript writes docs/kubernetes-rollback.md: a bad deployment on a real control
// plane, the alert, the plan, the approval and the rollback, as a terminal shows them. Every
// command in it is run, and every line below one was printed by it. `make transcript` runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/opsguard/opsguard/infra/cluster"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: transcript PROGRAMS OPSGUARD DOCUMENT")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// limit bounds the whole story, which takes half a minute.
const limit = 2 * time.Minute

func write(programs, opsguard, document string) error {
	dir, err := os.MkdirTemp("", "transcript")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	paths := []*string{&programs, &opsguard}
	for _, p := range paths {
		if *p, err = filepath.Abs(*p); err != nil {
			return err
		}
	}
	c, err := cluster.Start(programs, dir)
	if err != nil {
		return err
	}
	defer c.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	s := &story{ctx: ctx, c: c, dir: dir, bin: filepath.Dir(opsguard)}
	if err := s.tell(); err != nil {
		return fmt.Errorf("%w\n%s", err, s.text.String())
	}
	return os.WriteFile(document, s.text.Bytes(), 0o644)
}

// story runs commands and notes them with what they print.
type story struct {
	ctx      context.Context
	c        *cluster.Cluster
	dir, bin string
	env      []string
	id       string
	text     bytes.Buffer
}

const shop = "/apis/apps/v1/namespaces/default/deployments"

func (s *story) tell() error {
	if err := s.prepare(); err != nil {
		return err
	}
	stop, err := s.serve()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprint(&s.text, intro)
	look := `curl -s --cacert ca.crt -H "Authorization: Bearer $KUBE_TOKEN" $KUBE` + shop + `/api |
    jq '{revision: .metadata.annotations["deployment.kubernetes.io/revision"], image: .spec.template.spec.containers[0].image} +
        (.status | {replicas, updatedReplicas, availableReplicas, unavailableReplicas})'`
	steps := []func() error{
		func() error { return s.run("What services.yaml says of the service:", "cat services.yaml") },
		func() error { return s.run("The Deployment, with a new version whose container crashes:", look) },
		func() error { return s.run("The alert comes:", alert) },
		func() error { return s.until("WAITING_FOR_APPROVAL") },
		func() error {
			return s.run("What is proposed, and exactly what would be done:",
				`curl -s $OPSGUARD/incidents/`+s.id+` -H "Authorization: Bearer $OPERATE_KEY" |
    jq '{status, plan: .plan | {title, risk, present, wanted, actions, undo, blast}}'`)
		},
		func() error {
			return s.run("A person approves exactly this plan:",
				`curl -s "$OPSGUARD/approve-fix?incidentId=`+s.id+`" -H "Authorization: Bearer $OPERATE_KEY" |
    jq '{status, decision}'`)
		},
		func() error { return s.until("RESOLVED") },
		func() error {
			return s.run("Some seconds later:", `curl -s $OPSGUARD/incidents/`+s.id+` -H "Authorization: Bearer $OPERATE_KEY" |
    jq '{status, attempt: .attempt | {outcome, verified, steps: [.steps[] | .name + ": " + .detail]}}'`)
		},
		func() error { return s.run("The Deployment again:", look) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const intro = "<!-- Written by `make transcript`. Do not edit. -->\n\n# A rollback on Kubernetes\n\n" +
	"Recorded against a real etcd, kube-apiserver and kube-controller-manager; the containers are played (`infra/cluster`).\n" +
	"OpsGuard has a user of its own that may do what the plan names, and nothing else.\n"

const alert = `curl -s -X POST $OPSGUARD/ingest-alert -H "Authorization: Bearer $INGEST_KEY" -H "Content-Type: application/json" -d '{
    "serverName": "shop-api", "severity": "critical",
    "errorLogs": "Warning  BackOff  kubelet  Back-off 40s restarting failed container app in pod api"}' | jq -c`

// prepare makes the Deployment with a good and a bad version, and what OpsGuard may do.
func (s *story) prepare() error {
	labels := cluster.Object{"app": "api"}
	template := func(image string) cluster.Object {
		return cluster.Object{"metadata": cluster.Object{"labels": labels},
			"spec": cluster.Object{"containers": []any{cluster.Object{"name": "app", "image": image}}}}
	}
	observed := func(o cluster.Object) (spec, status map[string]any) {
		spec, _ = o["spec"].(map[string]any)
		status, _ = o["status"].(map[string]any)
		return spec, status
	}
	rules := []any{
		cluster.Object{"apiGroups": []any{"apps"}, "resources": []any{"deployments"}, "resourceNames": []any{"api"},
			"verbs": []any{"get", "patch"}},
		cluster.Object{"apiGroups": []any{"apps"}, "resources": []any{"replicasets"}, "verbs": []any{"list"}},
		cluster.Object{"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"list"}},
	}
	const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/"
	name := cluster.Object{"name": cluster.OpsGuard}
	return errors.Join(
		s.c.Create(s.ctx, rbac+"roles", cluster.Object{"metadata": name, "rules": rules}),
		s.c.Create(s.ctx, rbac+"rolebindings", cluster.Object{"metadata": name,
			"subjects": []any{cluster.Object{"kind": "User", "name": cluster.OpsGuard, "apiGroup": "rbac.authorization.k8s.io"}},
			"roleRef":  cluster.Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": cluster.OpsGuard}}),
		s.c.Create(s.ctx, shop, cluster.Object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": cluster.Object{"name": "api"},
			"spec": cluster.Object{"replicas": 3, "selector": cluster.Object{"matchLabels": labels},
				"template": template("shop/api:2.0")}}),
		s.c.Until(s.ctx, shop, "api", func(o cluster.Object) bool { _, status := observed(o); return status["availableReplicas"] == 3.0 }),
		s.c.Patch(s.ctx, shop+"/api", cluster.Object{"spec": cluster.Object{"template": template("shop/api:2.1-crash")}}),
		s.c.UntilAny(s.ctx, "/api/v1/namespaces/default/pods", func(o cluster.Object) bool {
			spec, status := observed(o)
			return fmt.Sprint(spec["containers"]) != "" && strings.Contains(fmt.Sprint(status["containerStatuses"]), "CrashLoopBackOff")
		}))
}

// serve starts OpsGuard with keys of its own.
func (s *story) serve() (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	services := "services:\n  shop-api:\n    owner: shop\n    target:\n      type: kubernetes\n" +
		"      kubeconfig: " + filepath.Join(s.dir, "kubeconfig") +
		"\n      namespace: default\n      deployment: api\n    fixes: [rollback-deployment]\n"
	kubeconfig := fmt.Sprintf("current-context: prod\ncontexts: [{name: prod, context: {cluster: prod, user: opsguard}}]\n"+
		"clusters: [{name: prod, cluster: {server: %q, certificate-authority: ca.crt}}]\nusers: [{name: opsguard, user: {token: %s}}]\n",
		s.c.URL, cluster.OpsGuardToken)
	if err := errors.Join(os.WriteFile(filepath.Join(s.dir, "services.yaml"), []byte(services), 0o600),
		os.WriteFile(filepath.Join(s.dir, "kubeconfig"), []byte(kubeconfig), 0o600)); err != nil {
		return nil, err
	}
	s.env = append(os.Environ(), "PATH="+s.bin+":"+os.Getenv("PATH"), "OPSGUARD=http://"+addr,
		"KUBE="+s.c.URL, "KUBE_TOKEN="+cluster.AdminToken)
	var entries []string
	for _, role := range []string{"ingest", "operate"} {
		out, err := s.output("opsguard keys new --name anna-" + role + " --role " + role)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			if key, ok := strings.CutPrefix(strings.TrimSpace(line), "key="); ok {
				s.env = append(s.env, strings.ToUpper(role)+"_KEY="+key)
			}
			if entry, ok := strings.CutPrefix(strings.TrimSpace(line), "entry="); ok {
				entries = append(entries, entry)
			}
		}
	}
	cmd := exec.Command(filepath.Join(s.bin, "opsguard"), "serve", "--addr", addr, "--services", "services.yaml", "--data-dir", "data")
	cmd.Dir, cmd.Env = s.dir, append(s.env, "OPSGUARD_API_KEYS="+strings.Join(entries, ","))
	out, err := os.Create(filepath.Join(s.dir, "opsguard.log"))
	if err != nil {
		return nil, err
	}
	defer out.Close() // the program has its own copy
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()         // it was killed
	}
	_, err = s.output("curl -s --retry 50 --retry-connrefused --retry-delay 1 $OPSGUARD/healthz")
	return stop, err
}

func (s *story) output(command string) (string, error) {
	cmd := exec.CommandContext(s.ctx, "sh", "-c", command)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s\n%s", command, err, out, cluster.Tail(s.dir, "opsguard"))
	}
	return string(out), nil
}

// run notes a command and what it prints, without what differs from machine to machine.
func (s *story) run(why, command string) error {
	out, err := s.output(command)
	if err != nil {
		return err
	}
	if found := regexp.MustCompile(`INC-[0-9A-Z]{26}`).FindString(out); s.id == "" && found != "" {
		s.id = found
	}
	out = strings.ReplaceAll(out, s.dir, "/etc/opsguard")
	fmt.Fprintf(&s.text, "\n%s\n\n```console\n$ %s\n%s\n```\n", why, command, strings.TrimRight(out, "\n"))
	return nil
}

// until waits until the incident has that status.
func (s *story) until(status string) error {
	if s.id == "" {
		return errors.New("the alert opened no incident")
	}
	_, err := s.output(`until curl -s $OPSGUARD/incidents/` + s.id + ` -H "Authorization: Bearer $OPERATE_KEY" | tee last.json |
		jq -e '.status == "` + status + `"' >/dev/null; do
		if jq -e '.status == "ESCALATED"' last.json >/dev/null; then cat last.json; exit 1; fi; sleep 0.2; done`)
	return err
}
