package stepstest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // SNS signs with it by default
	_ "crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// What a played SNS is asked by.
const (
	SNSTopic = "arn:aws:sns:eu-central-1:111122223333:alarms"
	snsHost  = "https://sns.eu-central-1.amazonaws.com"
	SNSCert  = snsHost + "/SimpleNotificationService-0123456789abcdef.pem"
	snsAbove = "http://crt.example-authority.com/between.cer" // where SNS's certificate says that its issuer is
)

// SNS plays Amazon SNS: it signs messages as SNS does, and answers at the addresses of
// SNS. Nothing else is ever called: another address fails, and is in Called.
type SNS struct {
	// Answers are by address; a test may change them before it calls.
	Answers map[string]SNSAnswer

	key   *rsa.PrivateKey
	roots *x509.CertPool

	mu     sync.Mutex
	called []string
}

// SNSAnswer is what a played address answers; the zero Status is 200.
type SNSAnswer struct {
	Status   int
	Body     []byte
	Location string
}

// NewSNS makes a new authority, one below it, and the certificate of SNS, which names the
// authority below as its issuer, as SNS's does.
func NewSNS(t testing.TB) *SNS {
	t.Helper()
	// Only SNS's own key must be RSA. It is as short as is allowed: tests make many.
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	betweenKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	root := certificate(t, "Example Root", rootKey, nil, nil)
	between := certificate(t, "Example Authority", betweenKey, root, rootKey)
	cert := certificate(t, "sns.amazonaws.com", key, between, betweenKey)
	s := &SNS{key: key, roots: x509.NewCertPool()}
	s.roots.AddCert(root)
	s.Answers = map[string]SNSAnswer{
		SNSCert:           {Body: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})},
		snsAbove:          {Body: between.Raw},
		snsConfirmation(): {Body: []byte("<ConfirmSubscriptionResponse/>")},
	}
	return s
}

// certificate makes one that is valid around the clock of Env. A parent of nil makes an
// authority that signs itself.
func certificate(t testing.TB, name string, key crypto.Signer, parent *x509.Certificate, parentKey crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if strings.Contains(name, ".") {
		template.IsCA, template.KeyUsage = false, x509.KeyUsageDigitalSignature
		template.DNSNames, template.IssuingCertificateURL = []string{name}, []string{snsAbove}
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// World lets an integration see this SNS and nothing else outside.
func (s *SNS) World(env *integration.Env) {
	env.Outside, env.Roots = integration.NewHTTP(s), s.roots
}

// RoundTrip implements http.RoundTripper.
func (s *SNS) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.called = append(s.called, r.Method+" "+r.URL.String())
	s.mu.Unlock()
	a, known := s.Answers[r.URL.String()]
	if !known {
		return nil, errors.New("no such address is played")
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	header := http.Header{}
	if a.Location != "" {
		header.Set("Location", a.Location)
	}
	return &http.Response{StatusCode: a.Status, Header: header, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: r}, nil
}

// Called returns the calls so far, and forgets them.
func (s *SNS) Called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	called := s.called
	s.called = nil
	return called
}

func snsConfirmation() string {
	return snsHost + "/?Action=ConfirmSubscription&Token=2336412f37&TopicArn=" + SNSTopic
}

// Fields are those of an envelope of that type which carries the text, as SNS sends it a
// minute before the clock of Env. Change them before they are signed.
func (s *SNS) Fields(kind, text string) map[string]string {
	fields := map[string]string{
		"Type": kind, "MessageId": "8a14e4f3-0001-4be0-a12f-681ee8fe214f", "TopicArn": SNSTopic, "Message": text,
		"Timestamp": "2026-11-24T09:59:00.123Z", "SignatureVersion": "2", "SigningCertURL": SNSCert,
	}
	if kind == "Notification" {
		fields["UnsubscribeURL"] = snsHost + "/?Action=Unsubscribe&SubscriptionArn=" + SNSTopic + ":c9135db0"
		return fields
	}
	fields["Token"], fields["SubscribeURL"] = "2336412f37", snsConfirmation()
	return fields
}

// Sign makes the request of an envelope with these fields.
func (s *SNS) Sign(t testing.TB, fields map[string]string) steps.Request {
	t.Helper()
	names := []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	hash := crypto.SHA256
	if fields["SignatureVersion"] == "1" {
		hash = crypto.SHA1
	}
	sum := hash.New()
	for _, name := range names {
		if value, there := fields[name]; there {
			sum.Write([]byte(name + "\n" + value + "\n"))
		}
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, hash, sum.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	signed := maps.Clone(fields)
	signed["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return snsRequest(t, signed)
}

func snsRequest(t testing.TB, fields map[string]string) steps.Request {
	t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return steps.Request{Body: body, Header: http.Header{
		"Content-Type": {"text/plain; charset=UTF-8"}, "X-Amz-Sns-Message-Type": {fields["Type"]}, "X-Amz-Sns-Topic-Arn": {fields["TopicArn"]},
	}}
}

// Vendor configures a source of AWS that takes SNSTopic, and this token from whoever has
// no signature. tokens may be several, as while one is replaced.
func (s *SNS) Vendor(tokens string) Vendor {
	return Vendor{World: s.World, Entry: func(string) ([]integration.Setting, Secrets) {
		return []integration.Setting{
			{Name: "topic", Value: integration.Value{List: []string{SNSTopic}}}, integration.SecretSetting("token", "AWS"),
		}, Secrets{"AWS": tokens}
	}}
}

// Sent is a notification that carries the text, with all that must not be taken in its
// place. The caller says how many alerts are in it.
func (s *SNS) Sent(t testing.TB, name, text string) Sent {
	t.Helper()
	fields := s.Fields("Notification", text)
	late := maps.Clone(fields)
	late["Timestamp"] = "2026-11-24T08:59:00.123Z"
	return Sent{
		Name: name, Proof: ProofInBody, Request: s.Sign(t, fields), Late: s.Sign(t, late), Forged: s.forged(t, fields),
	}
}

func (s *SNS) forged(t testing.TB, fields map[string]string) map[string]steps.Request {
	t.Helper()
	forged := map[string]steps.Request{"no proof": snsRequest(t, fields)}
	var signed map[string]string
	if err := json.Unmarshal(s.Sign(t, fields).Body, &signed); err != nil {
		t.Fatal(err)
	}
	for name := range signed {
		if name == "UnsubscribeURL" { // which SNS does not sign, and nothing reads
			continue
		}
		other := maps.Clone(signed)
		other[name] += "A"
		forged["another "+name] = snsRequest(t, other)
	}
	raw := steps.Request{Body: []byte(fields["Message"]), Header: http.Header{"X-Amz-Sns-Rawdelivery": {"true"}}}
	forged["raw message delivery"] = raw
	return forged
}
