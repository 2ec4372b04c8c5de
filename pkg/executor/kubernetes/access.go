package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

// access is how a cluster is reached. One more way is one more function that returns one.
type access struct {
	server string // without a slash at its end
	http   *http.Client
	// token is read for each call, so that one that was replaced is used at once; "" where
	// a client certificate says who calls.
	token func(ctx context.Context) (string, error)
	// stranger is what to say where the server does not know the token; "" for the general words.
	stranger string
}

// Where a pod finds its service account: "Accessing the Kubernetes API from a Pod" in the
// Kubernetes documents.
const (
	inClusterServer = "https://kubernetes.default.svc"
	inClusterFolder = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// accessOf reads the files that the settings name. It calls nobody, so it is not for EKS.
func accessOf(env integration.Env, s Settings) (access, error) {
	switch {
	case s.Server != "":
		token := func(ctx context.Context) (string, error) { return env.Secret(ctx, s.Token) }
		return reach(env, s.Server, identity{caFile: s.CA}, token)
	case s.Kubeconfig != "" || s.Context != "":
		return fromKubeconfig(env, s.Kubeconfig, s.Context)
	}
	return inCluster(env, inClusterServer, inClusterFolder)
}

func inCluster(env integration.Env, server, folder string) (access, error) {
	token := filepath.Join(folder, "token")
	if _, err := os.Stat(token); err != nil {
		return access{}, incident.BadField("server",
			"no cluster is named and this process runs in none; set kubeconfig, or server and token")
	}
	return reach(env, server, identity{caFile: filepath.Join(folder, "ca.crt")}, fileToken("server", token))
}

// fileToken reads a token that something else renews.
func fileToken(setting, path string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", incident.BadField(setting, "the token's file cannot be read")
		}
		return strings.TrimSpace(string(text)), nil
	}
}

// identity is by what the two sides know each other: files, or what they would hold.
type identity struct {
	caFile, certFile, keyFile string
	ca, cert, key             []byte
	serverName                string
}

// idle bounds how long a connection is kept: an executor lives for one step.
const idle = 5 * time.Second

// reach makes the client for a server.
func reach(env integration.Env, server string, id identity, token func(context.Context) (string, error)) (access, error) {
	a := access{server: strings.TrimSuffix(server, "/"), http: env.HTTP, token: token}
	for _, file := range []struct {
		path string
		into *[]byte
	}{{id.caFile, &id.ca}, {id.certFile, &id.cert}, {id.keyFile, &id.key}} {
		if file.path == "" {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err != nil {
			return a, incident.BadField("ca", "a certificate's or key's file cannot be read; check its path and rights")
		}
		*file.into = text
	}
	if len(id.ca) == 0 && len(id.cert) == 0 && id.serverName == "" {
		return a, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: id.serverName}
	if len(id.ca) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(id.ca) {
			return a, incident.BadField("ca", "is not a certificate in PEM")
		}
	}
	if len(id.cert) > 0 {
		pair, err := tls.X509KeyPair(id.cert, id.key)
		if err != nil {
			return a, incident.BadField("kubeconfig", "the client certificate and its key do not fit")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{}
	if base, ok := env.HTTP.Transport.(*http.Transport); ok {
		transport = base.Clone()
	}
	transport.TLSClientConfig, transport.ForceAttemptHTTP2, transport.IdleConnTimeout = config, true, idle
	a.http = integration.NewHTTP(transport)
	a.http.Timeout = env.HTTP.Timeout
	return a, nil
}
