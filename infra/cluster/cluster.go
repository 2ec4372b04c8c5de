// Package cluster runs a real Kubernetes control plane on this machine, for tests and for
// the transcript in the documents: etcd, kube-apiserver with RBAC, and the controllers of
// workloads. Start at Start. `make kubernetes` builds the three programs.
//
// There is no kubelet and no scheduler: Kubelet plays both, and a pod's image says how its
// container behaves. Everything listens on 127.0.0.1 only, and nothing is kept.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Users of the cluster, by their bearer tokens. Only the admin may do anything until a
// test grants it.
const (
	AdminToken    = "admin-token-0123456789"
	OpsGuard      = "opsguard" // the name by which RBAC knows it
	OpsGuardToken = "opsguard-token-0123456789"
)

// ErrNotBuilt says what to run where the programs are missing.
var ErrNotBuilt = errors.New("the Kubernetes control plane is not built; run: make kubernetes (15 minutes, once)")

// programs are what `make kubernetes` builds.
func programs() []string { return []string{"etcd", "kube-apiserver", "kube-controller-manager"} }

// Built reports by ErrNotBuilt that a program is missing in the folder.
func Built(folder string) error {
	for _, name := range programs() {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return ErrNotBuilt
		}
	}
	return nil
}

// Cluster is a control plane at work.
type Cluster struct {
	URL     string
	CA      string // the path of the authority's certificate, in PEM
	Cert    string // the path of a client certificate for OpsGuard
	Key     string // its key's path
	Kubelet *Kubelet

	api     *client
	running []program
	stop    context.CancelFunc
}

// startTime bounds how long the control plane may take to be ready; it takes about five
// seconds.
const startTime = 2 * time.Minute

// Start runs the programs of a folder. What they keep and print goes into dir.
func Start(programs, dir string) (*Cluster, error) {
	if err := Built(programs); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Cluster{stop: stop}
	if err := c.start(ctx, programs, dir); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, programs, dir string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	keys, err := makeKeys(dir)
	if err != nil {
		return err
	}
	c.URL, c.CA, c.Cert, c.Key = "https://127.0.0.1:"+ports[2], keys.ca, keys.clientCert, keys.clientKey
	if c.api, err = newClient(c.URL, keys.authority); err != nil {
		return err
	}
	etcd, peer := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	if err := c.run(programs, dir, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--listen-client-urls="+etcd,
		"--advertise-client-urls="+etcd, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=default="+peer); err != nil {
		return err
	}
	if err := c.run(programs, dir, "kube-apiserver", "--etcd-servers="+etcd, "--bind-address=127.0.0.1", "--secure-port="+ports[2],
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition", "--profiling=false",
		"--tls-cert-file="+keys.serverCert, "--tls-private-key-file="+keys.serverKey, "--client-ca-file="+keys.ca,
		"--token-auth-file="+keys.tokens,
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+keys.serverKey,
		"--service-account-signing-key-file="+keys.serverKey); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := c.api.untilReady(ready); err != nil {
		return fmt.Errorf("kube-apiserver did not get ready: %w\n%s", err, Tail(dir, "kube-apiserver"))
	}
	if err := c.run(programs, dir, "kube-controller-manager", "--kubeconfig="+keys.kubeconfig(c.URL),
		"--leader-elect=false", "--secure-port=0",
		"--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,"+
			"resourcequota-controller,garbage-collector-controller,namespace-controller", "--profiling=false"); err != nil {
		return err
	}
	c.Kubelet, err = newKubelet(ctx, c.api)
	return err
}

// guarded runs a program until its own input ends, which happens also when this process is
// killed: nothing is left behind.
const guarded = `"$@" & program=$!; cat >/dev/null; kill -9 $program; wait $program`

// run starts a program; what it prints goes into dir/NAME.log.
func (c *Cluster) run(programs, dir, name string, args ...string) error {
	out, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return err
	}
	defer out.Close() // the program has its own copy
	cmd := exec.Command("sh", append([]string{"-c", guarded, "sh", filepath.Join(programs, name)}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, out, out, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.running = append(c.running, program{cmd, input})
	return nil
}

// program is one at work, and what ends it when it is closed.
type program struct {
	cmd   *exec.Cmd
	input io.Closer
}

// Stop ends what Start has begun.
func (c *Cluster) Stop() {
	c.stop()
	for _, p := range c.running {
		_ = p.input.Close() // it may have ended by itself
		_ = p.cmd.Wait()    // it was killed
	}
	if c.Kubelet != nil {
		c.Kubelet.wait()
	}
}

// Tail is the end of what a program printed.
func Tail(dir, name string) string {
	text, err := os.ReadFile(filepath.Join(dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // when all are found, so that none is found twice
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
