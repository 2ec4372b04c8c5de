package stepstest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// SentTo is an environment variable that names a folder. Where it is set, SourceContract
// does not hold a source to anything: it writes into that folder how the source is
// configured and what its sender sends, one Sender a file. The black-box suite sends that
// to a running OpsGuard, so that what each source's own test shows is not written twice.
const SentTo = "OPSGUARD_SENT_TO"

// Sender is what one call of SourceContract was given.
type Sender struct {
	Name     string // of its type and settings; the same each time
	Type     string
	Settings []integration.Setting
	Secrets  Secrets
	Sent     []SentRequest
}

// SentRequest is one request of a sender, signed at the moment at which it is written.
type SentRequest struct {
	Name string
	// Request has no body where nothing that runs can take it: the api source takes requests
	// from nobody, and only a played SNS can sign for SNS.
	Request steps.Request
	Wrong   steps.Request // is about the same alerts, and is not the sender's
	Alerts  []SentAlert   // what is taken of Request, in order
	Refused int           // alerts that are refused by themselves
}

// SentAlert is one alert of a request.
type SentAlert struct {
	Service   string
	Trouble   string // equal for alerts of one trouble
	Recovered bool
}

// wrongs are, by the proof of a request, which of the forged ones is sent: that which
// comes nearest to being taken, and makes nobody fetch a certificate.
func wrongs() map[Proof]string {
	return map[Proof]string{
		ProofBySignature: "another body", ProofByToken: "a spoilt proof", ProofInBody: "another TopicArn", ProofByNothing: "no proof",
	}
}

func writeSender(t *testing.T, dir string, d integration.Descriptor[steps.Source], v Vendor, sent []Sent) {
	t.Helper()
	sender := Sender{Type: d.Name}
	if v.Entry != nil {
		sender.Settings, sender.Secrets = v.Entry("http://127.0.0.1:1")
	}
	configured, err := json.Marshal(sender.Settings)
	if err != nil {
		t.Fatal(err)
	}
	sender.Name = fmt.Sprintf("%s-%.4x", d.Name, sha256.Sum256(configured))
	source := OpenSource(t, d, v)
	for _, s := range sent {
		s = s.madeAt(time.Now())
		batch, err := source.Parse(t.Context(), s.Request)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		one := SentRequest{Name: s.Name, Request: s.Request, Wrong: s.forged()[wrongs()[s.Proof]], Refused: len(batch.Refused)}
		if one.Wrong.Body == nil {
			t.Fatalf("%s: there is no request with %s", s.Name, wrongs()[s.Proof])
		}
		if s.Proof == ProofInBody || s.Proof == ProofByNothing {
			one.Request = steps.Request{}
		}
		for _, a := range batch.Alerts {
			one.Alerts = append(one.Alerts, SentAlert{a.Service, a.Fingerprint(), a.Recovered})
		}
		sender.Sent = append(sender.Sent, one)
	}
	text, err := json.Marshal(sender)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, sender.Name+".json")
	if _, err := os.Stat(path); err == nil {
		t.Fatalf("two contracts of the type %s have the same settings", d.Name)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
