package kubernetes_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

func written(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubeconfig is a file with one context, as "kubeconfig (v1)" describes it.
func kubeconfig(server, cluster, user string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: prod
contexts:
- name: prod
  context: {cluster: one, user: us, namespace: ignored}
clusters:
- name: one
  cluster: {server: %q, %s}
users:
- name: us
  user: {%s}
`, server, cluster, user)
}

func openWith(settings ...integration.Setting) (steps.Executor, error) {
	all := append(settings, setting("namespace", "shop"), setting("deployment", "api"))
	opened, err := integration.Open(stepstest.Env(secrets()), integration.Executors,
		[]integration.Descriptor[steps.Executor]{kubernetes.Integration()}, []integration.Entry{{Name: "test", Type: "kubernetes", Settings: all}})
	if err != nil {
		return nil, err
	}
	return opened[0].It, nil
}

func TestAClusterIsReachedByEachKindOfCredential(t *testing.T) {
	s := ready(t, "shop/api:1")
	dir := t.TempDir()
	read := func(path string) string {
		text, err := os.ReadFile(path)
		s.must(err)
		return base64.StdEncoding.EncodeToString(text)
	}
	written(t, dir, "token", cluster.OpsGuardToken+"\n")
	ca := "certificate-authority: " + s.CA
	for name, text := range map[string]string{
		"token":                            kubeconfig(s.URL, ca, "token: "+cluster.OpsGuardToken),
		"token file beside it":             kubeconfig(s.URL, ca, "tokenFile: token"),
		"client certificate":               kubeconfig(s.URL, ca, "client-certificate: "+s.Cert+", client-key: "+s.Key),
		"client certificate in it":         kubeconfig(s.URL, "certificate-authority-data: "+read(s.CA), "client-certificate-data: "+read(s.Cert)+", client-key-data: "+read(s.Key)),
		"a server name of its own":         kubeconfig(s.URL, ca+", tls-server-name: 127.0.0.1", "token: "+cluster.OpsGuardToken),
		"a file's data goes before a path": kubeconfig(s.URL, "certificate-authority: /gone, certificate-authority-data: "+read(s.CA), "token: "+cluster.OpsGuardToken),
	} {
		path := written(t, dir, "config", text)
		for _, context := range []string{"", "prod"} {
			opened, err := integration.Open(s.env(), integration.Executors, []integration.Descriptor[steps.Executor]{kubernetes.Integration()},
				[]integration.Entry{{Name: "test", Type: "kubernetes", Settings: []integration.Setting{
					setting("namespace", s.ns), setting("deployment", "api"), setting("kubeconfig", path), setting("context", context)}}})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, err := opened[0].It.Look(s.ctx(), proposal("restart-service")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAServerThatNobodyVouchesForIsNotTrusted(t *testing.T) {
	s := ready(t, "shop/api:1")
	e := stepstest.Open(t, s.env(), integration.Executors, kubernetes.Integration(), target(s.URL, s.ns)...).It
	_, err := e.Look(s.ctx(), proposal("restart-service"))
	if incident.KindOf(err) != incident.Unavailable || !strings.Contains(err.Error(), "certificate is not accepted") {
		t.Errorf("%v", err)
	}
}

func TestAKubeconfigThatCannotServeIsRefusedAndSaysWhatToDo(t *testing.T) {
	const server, secret = "https://127.0.0.1:1", "token: a-token-0123456789"
	for name, c := range map[string]struct{ text, want string }{
		"exec plugin":       {kubeconfig(server, "", "exec: {command: aws}"), "credential plugins (exec, auth-provider) are not run; give the user a token"},
		"auth provider":     {kubeconfig(server, "", "auth-provider: {name: gcp}"), "credential plugins"},
		"password":          {kubeconfig(server, "", "username: u, password: p"), "user name and password"},
		"impersonation":     {kubeconfig(server, "", secret+", as: root"), "impersonation"},
		"no credential":     {kubeconfig(server, "", ""), "has no credential"},
		"unchecked server":  {kubeconfig(server, "insecure-skip-tls-verify: true", secret), "insecure-skip-tls-verify is not taken"},
		"proxy":             {kubeconfig(server, "proxy-url: http://p", secret), "proxy-url is not taken"},
		"plain http":        {kubeconfig("http://10.0.0.1", "", secret), "must be an https URL"},
		"no file of the CA": {kubeconfig(server, "certificate-authority: gone.crt", secret), "file cannot be read"},
		"a CA that is none": {kubeconfig(server, "certificate-authority-data: YQ==", secret), "is not a certificate in PEM"},
		"bad base64":        {kubeconfig(server, "certificate-authority-data: a-token-0123456789!", secret), "is not a kubeconfig file in YAML"},
		"a key alone":       {kubeconfig(server, "", "client-certificate-data: YQ==, client-key-data: YQ=="), "do not fit"},
		"not YAML":          {"\tx", "is not a kubeconfig file in YAML"},
		"another context":   {strings.Replace(kubeconfig(server, "", secret), "current-context: prod", "current-context: test", 1), "context: is not in the kubeconfig file"},
		"no such user":      {strings.Replace(kubeconfig(server, "", secret), "name: us\n", "name: them\n", 1), "names a user that is not in"},
		"no such cluster":   {strings.Replace(kubeconfig(server, "", secret), "name: one\n", "name: two\n", 1), "names a cluster that is not in"},
	} {
		_, err := openWith(setting("kubeconfig", written(t, t.TempDir(), "config", c.text)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSettingsThatCannotServeAreRefusedAtTheStart(t *testing.T) {
	token := integration.SecretSetting("token", "KUBE")
	for want, settings := range map[string][]integration.Setting{
		"no cluster is named and this process runs in none":    nil,
		"token: is missing; server needs one":                  {setting("server", "https://k.example")},
		"server: must be an https URL":                         {setting("server", "http://k.example"), token},
		"server: and kubeconfig or context exclude each other": {setting("server", "https://k.example"), token, setting("context", "x")},
		"token: goes with server only":                         {setting("kubeconfig", "/x"), token},
		"ca: goes with server only":                            {setting("kubeconfig", "/x"), setting("ca", "/x")},
		"maxReplicas: must not be negative":                    {setting("maxReplicas", "-1")},
		"name exactly one of deployment":                       {setting("daemonSet", "api")},
		"daemonSet: is not a name that Kubernetes takes":       {setting("daemonSet", "../../secrets")},
		"kubeconfig: the file cannot be read":                  {setting("kubeconfig", "/no/such/file")},
		"role: goes with eks only":                             {setting("role", awsfake.Role)},
		"readRole: goes with eks only":                         {setting("server", "https://k.example"), token, setting("readRole", awsfake.ReadRole)},
		"region: goes with eks only":                           {setting("kubeconfig", "/x"), setting("region", "eu-central-1")},
		"externalId: goes with eks only":                       {setting("externalId", "an-id")},
		"region: must be a Region's name":                      {setting("eks", "prod")},
		"role: must be a role's ARN":                           {setting("eks", "prod"), setting("region", "eu-central-1")},
		"externalId: must be 2 to 1000":                        {setting("eks", "prod"), setting("role", awsfake.Role)},
		"eks: must be a cluster's name":                        awsfake.Settings("eks", "../x"),
		"eks: and server, ca, token":                           awsfake.Settings("eks", "prod", "server", "https://k.example"),
		"eks: and server, ca":                                  awsfake.Settings("eks", "prod", "ca", "/x"),
		"eks: and server":                                      append(awsfake.Settings("eks", "prod"), token),
		"token, kubeconfig or context exclude each other":      awsfake.Settings("eks", "prod", "kubeconfig", "/x"),
		"kubeconfig or context exclude each other":             awsfake.Settings("eks", "prod", "context", "x"),
	} {
		if _, err := openWith(settings...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
