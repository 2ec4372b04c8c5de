package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ofTheGuide returns a block of a source's guide, from a line on, as it is pasted.
func ofTheGuide(t *testing.T, source, begins string) string {
	t.Helper()
	guide, err := os.ReadFile("../../pkg/source/" + source + "/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^ {4}` + regexp.QuoteMeta(begins) + `\n(?: {4}.*\n|\n)+`).FindString(string(guide))
	if block == "" {
		t.Fatalf("the guide of %s has nothing that begins with %q", source, begins)
	}
	return strings.ReplaceAll("\n"+block, "\n    ", "\n")[1:]
}

// nagiosConfig has one service, which is checked each second and is as a file says.
const nagiosConfig = `
log_file=DIR/nagios.log
cfg_file=DIR/objects.cfg
object_cache_file=DIR/objects.cache
precached_object_file=DIR/objects.precache
status_file=DIR/status.dat
temp_file=DIR/nagios.tmp
temp_path=DIR
lock_file=DIR/nagios.lock
command_file=DIR/nagios.cmd
query_socket=DIR/nagios.qh
check_result_path=DIR/spool
state_retention_file=DIR/retention.dat
nagios_user=USER
nagios_group=USER
check_external_commands=0
enable_environment_macros=1
enable_notifications=1
interval_length=1
service_check_timeout=10
notification_timeout=10
illegal_macro_output_chars=` + "`~$&|'<>\"" + `
`

const nagiosObjects = `
define timeperiod {
  timeperiod_name always
  alias always
  monday 00:00-24:00
  tuesday 00:00-24:00
  wednesday 00:00-24:00
  thursday 00:00-24:00
  friday 00:00-24:00
  saturday 00:00-24:00
  sunday 00:00-24:00
}
define command {
  command_name as-the-file-says
  command_line DIR/check.sh
}
define command {
  command_name opsguard
  command_line DIR/opsguard.sh
}
define contact {
  contact_name opsguard
  host_notifications_enabled 0
  service_notifications_enabled 1
  service_notification_period always
  host_notification_period always
  service_notification_options w,u,c,r
  host_notification_options n
  service_notification_commands opsguard
  host_notification_commands opsguard
}
define host {
  host_name checkout-1
  address 10.0.3.17
  max_check_attempts 1
  check_period always
  contacts opsguard
  notification_period always
}
define service {
  host_name checkout-1
  service_description heap
  check_command as-the-file-says
  max_check_attempts 1
  check_interval 1
  retry_interval 1
  check_period always
  notification_interval 0
  notification_period always
  notification_options w,u,c,r
  contacts opsguard
}
`

// TestARealNagiosOpensAnIncidentAndResolvesIt configures one as our guide says. It runs
// where Debian's nagios4 is, and jq and curl, which the guide's script needs.
func TestARealNagiosOpensAnIncidentAndResolvesIt(t *testing.T) {
	needs(t, "nagios4", "jq", "curl")
	dir, addr := t.TempDir(), freeAddr(t)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	services := ofTheGuide(t, "generic", "sources:\n      icinga:")
	services = strings.TrimRight(services, "\n") + "\nservices:\n  checkout-1: {owner: shop, target: {type: simulated}, fixes: [restart-service]}\n"
	p := serve(t, t.TempDir(), addr, "OPSGUARD_SERVICES="+write("services.yaml", services, 0o600), "OPSGUARD_SECRET_ICINGA=nagios-token-0123")
	c := newClient(t, p.target())

	script := strings.NewReplacer("https://YOUR-OPSGUARD/ingest/icinga", "http://"+addr+"/ingest/icinga",
		"/etc/icinga2/opsguard-header", write("header", "Authorization: Bearer nagios-token-0123\n", 0o600)).Replace(ofTheGuide(t, "generic", "#!/bin/sh"))
	write("opsguard.sh", script, 0o700)
	write("check.sh", "#!/bin/sh\ncat DIR/says\nexit $(cat DIR/state)\n", 0o700)
	says := func(state, output string) { write("says", output+"\n", 0o600); write("state", state+"\n", 0o600) }
	says("0", "OK - heap 40 %")
	write("objects.cfg", nagiosObjects, 0o600)
	if err := os.Mkdir(filepath.Join(dir, "spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	me, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	startSender(t, exec.Command("nagios4", write("nagios.cfg", strings.ReplaceAll(nagiosConfig, "USER", strings.TrimSpace(string(me))), 0o600)),
		filepath.Join(dir, "nagios.log"))
	says("2", "CRITICAL - java.lang.OutOfMemoryError: Java heap space; $(reboot) `id`")
	id := c.onlyOf("checkout-1")
	opened := c.until(id, "WAITING_FOR_APPROVAL")
	if opened.text("severity") != "critical" || opened.text("plan.fixId") != "restart-service" {
		t.Errorf("opened: %s", opened)
	}
	says("0", "OK - heap 41 %")
	if resolved := c.until(id, "RESOLVED"); resolved.text("decision.by") != "source:icinga" {
		t.Errorf("resolved: %s", resolved)
	}
}
