package kubernetes

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// config is what is read of a kubeconfig file: "Client Authentication and kubeconfig (v1)"
// in the Kubernetes reference, kubeconfig.v1.
type config struct {
	CurrentContext string           `yaml:"current-context"`
	Contexts       []named[route]   `yaml:"contexts"`
	Clusters       []named[cluster] `yaml:"clusters"`
	Users          []named[user]    `yaml:"users"`
}

// named is an entry of one of its lists; each kind stands under a key of its own.
type named[T any] struct {
	Name    string `yaml:"name"`
	Context T      `yaml:"context"`
	Cluster T      `yaml:"cluster"`
	User    T      `yaml:"user"`
}

type route struct {
	Cluster string `yaml:"cluster"`
	User    string `yaml:"user"`
}

type cluster struct {
	Server     string `yaml:"server"`
	CAFile     string `yaml:"certificate-authority"`
	CA         base64 `yaml:"certificate-authority-data"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	Proxy      string `yaml:"proxy-url"`
	ServerName string `yaml:"tls-server-name"`
}

type user struct {
	Token     string `yaml:"token"`
	TokenFile string `yaml:"tokenFile"`
	CertFile  string `yaml:"client-certificate"`
	Cert      base64 `yaml:"client-certificate-data"`
	KeyFile   string `yaml:"client-key"`
	Key       base64 `yaml:"client-key-data"`
	Username  string `yaml:"username"`
	As        string `yaml:"as"`
	Exec      any    `yaml:"exec"`
	Provider  any    `yaml:"auth-provider"`
}

// fromKubeconfig reads the file's context; "" is the current one.
func fromKubeconfig(env integration.Env, path, context string) (access, error) {
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return access{}, incident.BadField("kubeconfig", "is missing, and there is no home folder to look for .kube/config in")
		}
		path = filepath.Join(home, ".kube", "config")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return access{}, incident.BadField("kubeconfig", "the file cannot be read; check its path and rights")
	}
	var c config
	if err := yaml.Unmarshal(text, &c); err != nil { // its error may hold a token
		return access{}, incident.BadField("kubeconfig", "the file is not a kubeconfig file in YAML")
	}
	if context == "" {
		context = c.CurrentContext
	}
	at, ok := find(c.Contexts, context)
	if !ok {
		return access{}, incident.BadField("context", "is not in the kubeconfig file")
	}
	to, ok := find(c.Clusters, at.Context.Cluster)
	if !ok {
		return access{}, incident.BadField("context", "names a cluster that is not in the kubeconfig file")
	}
	as, ok := find(c.Users, at.Context.User)
	if !ok {
		return access{}, incident.BadField("context", "names a user that is not in the kubeconfig file")
	}
	return open(env, filepath.Dir(path), to.Cluster, as.User)
}

// open reaches the cluster as the user. Paths in the file are relative to its folder.
func open(env integration.Env, folder string, to cluster, as user) (access, error) {
	if why := unfit(to, as); why != "" {
		return access{}, incident.BadField("kubeconfig", "%s", why)
	}
	id := identity{caFile: in(folder, to.CAFile), certFile: in(folder, as.CertFile), keyFile: in(folder, as.KeyFile),
		ca: to.CA, cert: as.Cert, key: as.Key, serverName: to.ServerName}
	// What stands in the file itself goes before what it points to, as in client-go.
	if len(id.ca) > 0 {
		id.caFile = ""
	}
	if len(id.cert) > 0 {
		id.certFile = ""
	}
	if len(id.key) > 0 {
		id.keyFile = ""
	}
	token := func(context.Context) (string, error) { return as.Token, nil }
	if as.TokenFile != "" { // client-go prefers the file too: it is renewed
		token = fileToken("kubeconfig", in(folder, as.TokenFile))
	}
	return reach(env, to.Server, id, token)
}

// unfit says what of the file cannot be used here, and what to do instead.
func unfit(to cluster, as user) string {
	u, err := url.Parse(to.Server)
	switch {
	case err != nil || u.Host == "" || !integration.Encrypted(u):
		return "the cluster's server must be an https URL"
	case to.Insecure:
		return "insecure-skip-tls-verify is not taken; name the cluster's certificate-authority"
	case to.Proxy != "":
		return "proxy-url is not taken; set HTTPS_PROXY for OpsGuard"
	case as.Exec != nil || as.Provider != nil:
		return "credential plugins (exec, auth-provider) are not run; give the user a token, a tokenFile or a client certificate"
	case as.Username != "":
		return "a user name and password are not taken; give the user a token, a tokenFile or a client certificate"
	case as.As != "":
		return "impersonation (as) is not taken; give OpsGuard a user of its own"
	case as.Token == "" && as.TokenFile == "" && as.CertFile == "" && len(as.Cert) == 0:
		return "the context's user has no credential; give it a token, a tokenFile or a client certificate"
	}
	return ""
}

func find[T any](all []named[T], name string) (named[T], bool) {
	for _, one := range all {
		if one.Name == name {
			return one, true
		}
	}
	return named[T]{}, false
}

func in(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}
