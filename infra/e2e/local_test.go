package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestOneMachineKeyless(t *testing.T) {
	p := serve(t, t.TempDir(), freeAddr(t))
	Suite(t, p.target())
	for _, bad := range []string{"panic", "DATA RACE"} {
		if strings.Contains(p.out.String(), bad) {
			t.Errorf("it printed %q", bad)
		}
	}
}

// newKeys makes a key per role with the command that operators use.
func newKeys(t *testing.T) (target Target, entries string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for _, role := range []string{"ingest", "operate", "read"} {
		out, err := exec.Command(path, "keys", "new", "--name", "e2e-"+role, "--role", role).Output()
		if err != nil {
			t.Fatal(err)
		}
		var key, entry string
		if _, err := fmt.Sscanf(string(out), "key=%s\nentry=%s\n", &key, &entry); err != nil {
			t.Fatalf("keys new printed %q: %v", out, err)
		}
		keys[role] = key
		entries += entry + "\n"
	}
	return Target{IngestKey: keys["ingest"], OperateKey: keys["operate"], ReadKey: keys["read"]}, strings.TrimSpace(entries)
}

func TestOneMachineWithKeys(t *testing.T) {
	target, entries := newKeys(t)
	p := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_API_KEYS="+entries)
	target.URL = "http://" + p.addr
	Suite(t, target)
	for _, key := range []string{target.IngestKey, target.OperateKey, target.ReadKey} {
		if strings.Contains(p.out.String(), key) {
			t.Error("a key was printed")
		}
	}
}

// TestTheReadmesCommandsWorkAsTyped runs the quick start word for word, but for
// the port.
func TestTheReadmesCommandsWorkAsTyped(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	p := serve(t, t.TempDir(), freeAddr(t))
	c := newClient(t, p.target())
	run := func(command string) answer {
		out, err := exec.Command("sh", "-c", strings.ReplaceAll(command, "localhost:3000", "localhost:"+p.addr[strings.LastIndex(p.addr, ":")+1:])).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return answer{200, nil, out}
	}
	post := `curl -s -X POST http://localhost:3000/ingest-alert -H "Content-Type: application/json" \
       -d '{"serverName": "prod-api-01", "errorLogs": "JavaScript heap out of memory"}'`
	first := run(post).text("incidentId")
	c.until(first, "WAITING_FOR_APPROVAL")
	if got := run(`curl -s "http://localhost:3000/approve-fix?incidentId=` + first + `"`); got.text("decision") != "approve" {
		t.Errorf("approve: %s", got)
	}
	c.until(first, "RESOLVED")
	second := run(post).text("incidentId")
	c.until(second, "WAITING_FOR_APPROVAL")
	if got := run(`curl -s "http://localhost:3000/approve-fix?incidentId=` + second + `&action=escalate"`); got.text("decision") != "escalate" {
		t.Errorf("escalate: %s", got)
	}
	end := c.until(second, "ESCALATED")
	if got := run(`curl -s "http://localhost:3000/incidents/` + second + `"`); got.text("ticket.key") == "" || string(got.body) != string(end.body) {
		t.Errorf("incident: %s", got)
	}
	if got := run(`curl -s "http://localhost:3000/incidents/` + second + `/audit"`); got.get("valid") != true {
		t.Errorf("audit: %s", got)
	}
}

func TestADeadlineThatPassesEscalatesWithATicket(t *testing.T) {
	p := serve(t, t.TempDir(), freeAddr(t), "OPSGUARD_APPROVAL_TIMEOUT=2s")
	c := newClient(t, p.target())
	id := c.waiting(oom)
	end := c.until(id, "ESCALATED")
	if end.text("escalationReason") != "approval_timeout" || end.text("ticket.key") == "" || end.text("decision.by") != "system" {
		t.Errorf("ended: %s", end)
	}
	c.want("deciding late", c.decide(id, "approve"), http.StatusGone, "expired")
	ticket := c.call("GET", "/tickets/"+end.text("ticket.key"), "", nil)
	if ticket.text("incidentId") != id {
		t.Errorf("ticket: %s", ticket)
	}
}

func TestADeadlineThatPassesWhileItIsDownEscalatesAtTheStart(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	p := serve(t, dir, addr, "OPSGUARD_APPROVAL_TIMEOUT=2s")
	c := newClient(t, p.target())
	id := c.waiting(oom)
	p.kill()
	<-time.After(2100 * time.Millisecond) // nothing runs that could tell
	p = serve(t, dir, addr, "OPSGUARD_APPROVAL_TIMEOUT=2s")
	c = newClient(t, p.target())
	if end := c.until(id, "ESCALATED"); end.text("escalationReason") != "approval_timeout" {
		t.Errorf("ended: %s", end)
	}
}

func TestCtrlCStopsCleanly(t *testing.T) {
	// A request is under way (its body is still coming) and a fix is being applied:
	// the request is answered, the fix's result recorded, then the process ends.
	dir, addr := t.TempDir(), freeAddr(t)
	g := newGate(t)
	p := serveHeld(t, dir, addr, g.URL)
	c := newClient(t, p.target())
	id := c.waiting(oom)
	c.decide(id, "approve")
	<-g.arrived
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"serverName":"prod-api-01","errorLogs":"out of luck"}`
	fmt.Fprintf(conn, "POST /ingest-alert HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", addr, len(body))
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err) // it comes when the handler asks for the body
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	took := make(chan time.Duration, 1)
	go func() { took <- p.interrupt() }()
	c.eventually("it to stop listening", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, p.out.String)
	io.WriteString(conn, body)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("the request under way got %v %v", resp, err)
	}
	g.release()
	if d := <-took; d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
	p = serveHeld(t, dir, addr, g.URL)
	c = newClient(t, p.target())
	if end := c.until(id, "RESOLVED"); end.text("fix.outcome") != "simulated" {
		t.Errorf("the fix under way: %s", end)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	inUse := serve(t, t.TempDir(), freeAddr(t))
	dataInUse := inUse.cmd.Args[3]
	broken := filepath.Join(t.TempDir(), "services.yaml")
	os.WriteFile(broken, []byte("services:\n  a:\n    owner: x\n    target: {type: simulated}\n    fixes: [resart-service]\n"), 0o600)
	nomad := filepath.Join(t.TempDir(), "services.yaml")
	os.WriteFile(nomad, []byte("services:\n  a:\n    owner: x\n    target: {type: nomad, cluster: c}\n    fixes: [restart-service]\n"), 0o600)
	damaged := t.TempDir()
	os.WriteFile(filepath.Join(damaged, "opsguard.db"), []byte(strings.Repeat("x", 20000)), 0o600)
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	for _, c := range []struct {
		name, want string
		args       []string
		env        string
	}{
		{"a data directory in use", "in use by another opsguard", []string{"--data-dir", dataInUse}, ""},
		{"a data directory that is a file", "--data-dir", []string{"--data-dir", file}, ""},
		{"a damaged store", "damaged", []string{"--data-dir", damaged}, ""},
		{"a port in use", "--addr", []string{"--addr", inUse.addr}, ""},
		{"a broken services.yaml", "resart-service", []string{"--services", broken}, ""},
		{"a target type that is not built in", "not built in", []string{"--services", nomad}, ""},
		{"no services.yaml", "OPSGUARD_SERVICES", []string{"--services", "/nowhere.yaml"}, ""},
		{"listening to the world without keys", "OPSGUARD_API_KEYS", []string{"--addr", "0.0.0.0:0"}, ""},
		{"an odd address", "OPSGUARD_ADDR", []string{"--addr", "3000"}, ""},
		{"an odd timeout", "OPSGUARD_APPROVAL_TIMEOUT", nil, "OPSGUARD_APPROVAL_TIMEOUT=1s"},
		{"a data directory that cannot be made", "cannot be made or entered", []string{"--data-dir", "/proc/opsguard"}, ""},
		{"a timeout that is none", "OPSGUARD_APPROVAL_TIMEOUT", nil, "OPSGUARD_APPROVAL_TIMEOUT=soon"},
		{"odd keys", "OPSGUARD_API_KEYS", nil, "OPSGUARD_API_KEYS=anna:operate:nothex"},
		{"odd link keys", "OPSGUARD_LINK_KEYS", nil, "OPSGUARD_LINK_KEYS=short"},
		{"an odd public URL", "OPSGUARD_PUBLIC_URL", nil, "OPSGUARD_PUBLIC_URL=ftp://x"},
		{"an odd log level", "OPSGUARD_LOG_LEVEL", nil, "OPSGUARD_LOG_LEVEL=loud"},
		{"an odd log format", "OPSGUARD_LOG_FORMAT", nil, "OPSGUARD_LOG_FORMAT=xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, append([]string{"serve"}, c.args...)...)
			cmd.Env = cleanEnv("OPSGUARD_DATA_DIR=" + t.TempDir())
			if c.env != "" {
				cmd.Env = append(cmd.Env, c.env)
			}
			if !strings.Contains(strings.Join(c.args, " "), "--addr") {
				cmd.Args = append(cmd.Args, "--addr", freeAddr(t))
			}
			out, err := cmd.CombinedOutput()
			if err == nil || ctx.Err() != nil {
				t.Fatalf("it started: %s", out)
			}
			if !strings.Contains(string(out), c.want) || strings.Contains(string(out), "goroutine") {
				t.Errorf("it said %q; want %q", out, c.want)
			}
		})
	}
}
