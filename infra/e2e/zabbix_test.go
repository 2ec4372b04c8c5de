package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	zabbixPages  = "/usr/share/zabbix"              // of Debian's zabbix-frontend-php
	zabbixSchema = "/usr/share/zabbix-server-pgsql" // of Debian's zabbix-server-pgsql
)

// zabbixConfig is a server with as few processes as there can be, which reads what was
// configured each second.
const zabbixConfig = `
ListenIP=127.0.0.1
ListenPort=PORT
LogType=console
DBHost=DIR
DBPort=5432
DBName=zabbix
DBUser=zabbix
PidFile=DIR/server.pid
SocketDir=DIR
StartPollers=1
StartIPMIPollers=0
StartPollersUnreachable=1
StartPreprocessors=1
StartTrappers=1
StartPingers=0
StartDiscoverers=0
StartHTTPPollers=0
StartEscalators=1
StartAlerters=1
StartLLDProcessors=1
StartDBSyncers=1
CacheUpdateFrequency=1
`

const zabbixPagesConfig = `<?php
$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => 'DIR', 'PORT' => '5432', 'DATABASE' => 'zabbix', 'USER' => 'zabbix', 'PASSWORD' => '',
	'SCHEMA' => '', 'ENCRYPTION' => false, 'DOUBLE_IEEE754' => true];
$ZBX_SERVER_NAME = '';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
`

// zabbix is a real one: its server, its pages with the API, its database, all in one
// folder and with the test's user.
type zabbix struct {
	*testing.T
	c         *client
	at        map[string]string // where its programs are
	dir, port string
	as        func(*exec.Cmd) *exec.Cmd
	api, auth string
}

// TestARealZabbixOpensAnIncidentAndResolvesIt imports the guide's media type by Zabbix' own
// API and does there what the guide says. It runs where Debian's zabbix-server-pgsql,
// zabbix-frontend-php, zabbix-agent (for zabbix_sender), php-pgsql and postgresql are.
func TestARealZabbixOpensAnIncidentAndResolvesIt(t *testing.T) {
	z := newZabbix(t)
	const token = "zabbix-token-0123456789"
	services := filepath.Join(t.TempDir(), "services.yaml")
	write(t, services, []byte("sources:\n  my-zabbix: {type: zabbix, authorization: {secret: ZABBIX}}\n"+
		"services:\n  checkout-1: {owner: shop, target: {type: simulated}, fixes: [restart-service]}\n"))
	addr := freeAddr(t)
	p := serve(t, t.TempDir(), addr, "OPSGUARD_SERVICES="+services, "OPSGUARD_SECRET_ZABBIX="+token)
	target := p.target()
	target.Patience = time.Minute // Zabbix looks for what to send every few seconds
	z.c = newClient(t, target)

	z.startDatabase()
	z.startPages()
	z.configure("http://"+addr+"/ingest/my-zabbix", token)
	z.startServer()

	z.push("java.lang.OutOfMemoryError: Java heap space; $(reboot) `id`")
	id := z.c.onlyOf("checkout-1")
	opened := z.c.until(id, "WAITING_FOR_APPROVAL")
	if opened.text("severity") != "critical" || opened.text("plan.fixId") != "restart-service" {
		t.Errorf("opened: %s", opened)
	}
	if link := opened.text("link"); !strings.HasPrefix(link, "https://zabbix.example.com/") {
		t.Errorf("the link is %q: %s", link, opened)
	}
	z.push("the heap is at 41 %")
	if resolved := z.c.until(id, "RESOLVED"); resolved.text("decision.by") != "source:my-zabbix" {
		t.Errorf("resolved: %s", resolved)
	}
}

// newZabbix skips where something of it is not installed.
func newZabbix(t *testing.T) *zabbix {
	t.Helper()
	if testing.Short() {
		t.Skip("setting up Zabbix' database takes half a minute")
	}
	postgres := "/usr/lib/postgresql/*/bin/"
	at := needs(t, "zabbix_sender", "php", "/usr/sbin/zabbix_server", postgres+"initdb", postgres+"postgres", postgres+"psql",
		zabbixPages+"/api_jsonrpc.php", zabbixSchema+"/schema.sql.gz")
	if exec.Command(at["php"], "-r", "exit(extension_loaded('pgsql') ? 0 : 1);").Run() != nil {
		t.Skip("php has no extension pgsql")
	}
	z := &zabbix{T: t, at: at}
	z.dir, z.as = nobodys(t, "postgres")
	return z
}

// startDatabase creates one that keeps nothing beyond the test, and fills it as Zabbix'
// package says.
func (z *zabbix) startDatabase() {
	z.Helper()
	data := filepath.Join(z.dir, "data")
	z.run(nil, z.at["initdb"], "-D", data, "-U", "zabbix", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	startSender(z.T, z.as(exec.Command(z.at["postgres"], "-D", data, "-k", z.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off")))
	psql := []string{"-h", z.dir, "-U", "zabbix", "-q", "-v", "ON_ERROR_STOP=1"}
	last := ""
	z.c.eventually("PostgreSQL to be ready", func() bool {
		out, err := z.as(exec.Command(z.at["psql"], append(psql, "-d", "postgres", "-c", "CREATE DATABASE zabbix")...)).CombinedOutput()
		last = string(out)
		return err == nil
	}, func() string { return last })
	for _, name := range []string{"schema", "images", "data"} {
		packed, err := os.Open(filepath.Join(zabbixSchema, name+".sql.gz"))
		if err != nil {
			z.Fatal(err)
		}
		defer packed.Close()
		sql, err := gzip.NewReader(packed)
		if err != nil {
			z.Fatal(err)
		}
		z.run(sql, z.at["psql"], append(psql, "-d", "zabbix")...)
	}
}

// run runs a program to its end.
func (z *zabbix) run(in io.Reader, program string, args ...string) {
	z.Helper()
	cmd := z.as(exec.Command(program, args...))
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil {
		z.Fatalf("%s: %v\n%s", program, err, tail(string(out), 3000))
	}
}

// startPages serves Zabbix' pages with PHP's own server. Debian's read their configuration
// from one place below /etc; a copy reads this test's.
func (z *zabbix) startPages() {
	z.Helper()
	pages := filepath.Join(z.dir, "pages")
	if err := os.CopyFS(pages, os.DirFS(zabbixPages)); err != nil {
		z.Fatal(err)
	}
	file := filepath.Join(pages, "include/classes/core/CConfigFile.php")
	code, err := os.ReadFile(file)
	if err != nil {
		z.Fatal(err)
	}
	config := filepath.Join(z.dir, "zabbix.conf.php")
	write(z.T, file, bytes.ReplaceAll(code, []byte("/etc/zabbix/zabbix.conf.php"), []byte(config)))
	z.write("zabbix.conf.php", zabbixPagesConfig)
	addr := freeAddr(z.T)
	z.api = "http://" + addr + "/api_jsonrpc.php"
	startSender(z.T, z.as(exec.Command(z.at["php"], "-S", addr, "-t", pages)))
	z.c.eventually("Zabbix' pages to be served", func() bool {
		resp, err := http.Get(z.api)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return true
	}, func() string { return "nobody listens" })
	z.auth = z.call("user.login", m{"username": "Admin", "password": "zabbix"}).(string)
}

// write writes a file for all to read: Zabbix has another user.
func (z *zabbix) write(name, text string) string {
	z.Helper()
	path := filepath.Join(z.dir, name)
	text = strings.NewReplacer("DIR", z.dir, "PORT", z.port).Replace(text)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		z.Fatal(err)
	}
	return path
}

// m is a JSON object.
type m map[string]any

// call calls Zabbix' API, and returns the result.
func (z *zabbix) call(method string, params any) any {
	z.Helper()
	ask := m{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
	if z.auth != "" {
		ask["auth"] = z.auth
	}
	body, err := json.Marshal(ask)
	if err != nil {
		z.Fatal(err)
	}
	resp, err := http.Post(z.api, "application/json-rpc", bytes.NewReader(body))
	if err != nil {
		z.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		z.Fatal(err)
	}
	var got struct{ Result, Error any }
	if err := json.Unmarshal(text, &got); err != nil || got.Error != nil || got.Result == nil {
		z.Fatalf("%s: %v\n%s", method, err, text)
	}
	return got.Result
}

// create calls a method that creates one thing, and returns its id.
func (z *zabbix) create(method, ids string, params m) string {
	z.Helper()
	result, _ := z.call(method, params).(map[string]any)
	if all, _ := result[ids].([]any); len(all) == 1 {
		return fmt.Sprint(all[0])
	}
	z.Fatalf("%s created nothing: %v", method, result)
	return ""
}

// configure does what the guide says, and makes a host with one item and one trigger.
func (z *zabbix) configure(ingest, token string) {
	z.Helper()
	media := strings.Replace(ofTheGuide(z.T, "zabbix", "zabbix_export:"), "https://YOUR-OPSGUARD/ingest/my-zabbix", ingest, 1)
	z.call("configuration.import", m{"format": "yaml", "source": media, "rules": m{"mediaTypes": m{"createMissing": true, "updateExisting": true}}})
	found := z.call("mediatype.get", m{"filter": m{"name": "OpsGuard"}}).([]any)
	mediatype := found[0].(map[string]any)["mediatypeid"]

	hosts := z.create("hostgroup.create", "groupids", m{"name": "Shop"})
	readers := z.create("usergroup.create", "usrgrpids", m{"name": "OpsGuard", "rights": []m{{"permission": 2, "id": hosts}}})
	opsguard := z.create("user.create", "userids", m{"username": "opsguard", "passwd": "long-and-odd-9173", "roleid": "1",
		"usrgrps": []m{{"usrgrpid": readers}}, "medias": []m{{"mediatypeid": mediatype, "sendto": token}}})
	z.create("action.create", "actionids", m{"name": "OpsGuard", "eventsource": 0, "esc_period": "1m",
		"operations":          []m{{"operationtype": 0, "opmessage": m{"default_msg": 1, "mediatypeid": mediatype}, "opmessage_usr": []m{{"userid": opsguard}}}},
		"recovery_operations": []m{{"operationtype": 11, "opmessage": m{"default_msg": 1}}}})
	z.create("usermacro.createglobal", "globalmacroids", m{"macro": "{$ZABBIX.URL}", "value": "https://zabbix.example.com"})

	host := z.create("host.create", "hostids", m{"host": "checkout-1", "groups": []m{{"groupid": hosts}}})
	const trapper, characters, disaster = 2, 1, 5
	z.create("item.create", "itemids", m{"hostid": host, "name": "Log of checkout", "key_": "checkout.log", "type": trapper, "value_type": characters})
	z.create("trigger.create", "triggerids", m{"description": "checkout has no memory left", "priority": disaster,
		"expression": `find(/checkout-1/checkout.log,,"like","OutOfMemoryError")=1`})
}

func (z *zabbix) startServer() {
	z.Helper()
	_, z.port, _ = strings.Cut(freeAddr(z.T), ":")
	startSender(z.T, z.as(exec.Command(z.at["zabbix_server"], "-f", "-c", z.write("server.conf", zabbixConfig))))
}

// push sends a value of the item, until the server has read that there is such an item.
func (z *zabbix) push(value string) {
	z.Helper()
	last := ""
	z.c.eventually("Zabbix to take a value", func() bool {
		out, _ := exec.Command(z.at["zabbix_sender"], "-z", "127.0.0.1", "-p", z.port, "-s", "checkout-1", "-k", "checkout.log", "-o", value).CombinedOutput()
		last = string(out)
		return strings.Contains(last, "processed: 1; failed: 0")
	}, func() string { return last })
}
