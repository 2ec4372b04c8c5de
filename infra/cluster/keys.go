package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// keys are files of one cluster: an authority, what it has signed, and the tokens.
type keys struct {
	dir                   string
	authority             *x509.CertPool
	ca                    string
	serverCert, serverKey string
	clientCert, clientKey string
	tokens                string
}

func makeKeys(dir string) (keys, error) {
	k := keys{dir: dir, authority: x509.NewCertPool(), ca: filepath.Join(dir, "ca.crt"), tokens: filepath.Join(dir, "tokens.csv")}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, err := k.sign(root, root, nil, "ca")
	if err != nil {
		return k, err
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	client := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: OpsGuard}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for name, c := range map[string]*x509.Certificate{"server": server, "client": client} {
		if _, err := k.sign(c, root, rootKey, name); err != nil {
			return k, err
		}
	}
	k.serverCert, k.serverKey = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	k.clientCert, k.clientKey = filepath.Join(dir, "client.crt"), filepath.Join(dir, "client.key")
	text, err := os.ReadFile(k.ca)
	if err != nil {
		return k, err
	}
	k.authority.AppendCertsFromPEM(text)
	// Token, user, uid, groups: "Static token file" in the Kubernetes documents.
	users := fmt.Sprintf("%s,admin,1,system:masters\n%s,%s,2,\n", AdminToken, OpsGuardToken, OpsGuard)
	return k, os.WriteFile(k.tokens, []byte(users), 0o600)
}

// sign makes a key and a certificate for it, and writes both. Without a parent's key it
// signs itself.
func (k keys) sign(c, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, name string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(k.dir, name+".crt"), "CERTIFICATE", cert); err != nil {
		return nil, err
	}
	return key, writePEM(filepath.Join(k.dir, name+".key"), "EC PRIVATE KEY", private)
}

func writePEM(path, kind string, block []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: block}), 0o600)
}

// kubeconfig writes the file by which the controllers reach the API, as admin.
func (k keys) kubeconfig(url string) string {
	path := filepath.Join(k.dir, "controllers.kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}], users: [{name: u, user: {token: %q}}]}`, url, k.ca, AdminToken)
	_ = os.WriteFile(path, []byte(text), 0o600) // the program says if it cannot read it
	return path
}
