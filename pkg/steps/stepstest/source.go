package stepstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
)

// Sent is a request that a sender makes, as its documents show it.
type Sent struct {
	Name    string // also names testdata/NAME.golden.json, which holds what is read of it
	Request steps.Request
	Alerts  int // how many alerts are taken
	Refused int // how many are refused by themselves
	Proof   Proof
	// At makes Request and Late, where the proof holds the time at which it was made.
	At func(time.Time) steps.Request
	// Late is the request made and signed long before now; the zero value if the sender's
	// scheme knows no time.
	Late steps.Request
	// Forged are requests that must be refused, by what is wrong with each. They are
	// needed with ProofInBody, where the contract cannot make them.
	Forged map[string]steps.Request
}

// Proof is how a sender proves who it is.
type Proof int

const (
	// ProofBySignature covers the body.
	ProofBySignature Proof = iota
	// ProofByToken covers nothing but itself.
	ProofByToken
	// ProofInBody is a part of the body, as with SNS: give Forged.
	ProofInBody
	// ProofByNothing: the source takes requests from nobody.
	ProofByNothing
)

// SourceContract holds a source to what ingest rests on.
func SourceContract(t *testing.T, d integration.Descriptor[steps.Source], v Vendor, sent ...Sent) {
	if len(sent) == 0 {
		t.Fatal("give at least one request")
	}
	if dir := os.Getenv(SentTo); dir != "" {
		writeSender(t, dir, d, v, sent)
		return
	}
	promisesOfADescriptor(t, integration.Sources, d.Type, v)
	for _, s := range sent {
		s = s.madeAt(Env(nil).Now())
		o := open(t, integration.Sources, d, v)
		t.Run(s.Name+" is read", func(t *testing.T) {
			batch, err := o.It.Parse(t.Context(), s.Request)
			if err != nil || len(batch.Alerts) != s.Alerts || len(batch.Refused) != s.Refused {
				t.Fatalf("%d alerts, %v refused, %v; want %d and %d", len(batch.Alerts), batch.Refused, err, s.Alerts, s.Refused)
			}
			golden(t, s.Name, batch)
			for i, a := range batch.Alerts {
				if err := a.Validate(); err != nil || a.Tenant != incident.DefaultTenant || a.Source == "" {
					t.Errorf("alert %d is not valid: %v, %+v", i, err, a)
				}
			}
		})
		t.Run(s.Name+" is taken from its sender only", func(t *testing.T) {
			if err := o.It.Authenticate(t.Context(), s.Request); (err == nil) == (s.Proof == ProofByNothing) {
				t.Errorf("as it was sent: %v", err)
			}
			if s.Proof == ProofInBody && len(s.Forged) == 0 {
				t.Fatal("give requests that are forged")
			}
			for what, r := range s.forged() {
				err := o.It.Authenticate(t.Context(), r)
				o.noSecrets(t, what, err)
				if err == nil {
					t.Errorf("with %s it is taken", what)
				}
			}
		})
		t.Run(s.Name+" damaged is refused by name or read, never worse", func(t *testing.T) { o.survivesDamage(t, s) })
		t.Run(s.Name+" with too much evidence is cut and not refused", func(t *testing.T) { o.cutsWhatIsLong(t, s) })
	}
}

// longAgo is more than any sender's scheme lets pass that says no more in Late.
const longAgo = 6 * time.Minute

// madeAt makes the requests that hold the time.
func (s Sent) madeAt(now time.Time) Sent {
	if s.At != nil {
		s.Request, s.Late = s.At(now), s.At(now.Add(-longAgo))
	}
	return s
}

// forged are the requests that must be refused, by what is wrong with each.
func (s Sent) forged() map[string]steps.Request {
	forged := map[string]steps.Request{}
	if s.Proof != ProofInBody {
		forged["no proof"], forged["a spoilt proof"] = withoutProof(s.Request), spoilt(s.Request)
	}
	if s.Proof == ProofBySignature {
		forged["another body"] = steps.Request{Header: s.Request.Header, Body: append(bytes.Clone(s.Request.Body), ' ')}
	}
	if s.Late.Body != nil {
		forged["a proof of long ago"] = s.Late
	}
	maps.Copy(forged, s.Forged)
	return forged
}

// withoutProof keeps the headers that say what the body is.
func withoutProof(r steps.Request) steps.Request {
	kept := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Encoding", "User-Agent"} {
		if values := r.Header.Values(name); values != nil {
			kept[name] = values
		}
	}
	return steps.Request{Header: kept, Body: r.Body}
}

// spoilt changes one character near the end of every header that could be a proof.
func spoilt(r steps.Request) steps.Request {
	header := withoutProof(r).Header
	for name, values := range r.Header {
		if header.Get(name) != "" {
			continue
		}
		for _, v := range values {
			b := []byte(v)
			if i := len(b) - 3; i >= 0 && b[i] == 'A' {
				b[i] = 'B'
			} else if i >= 0 {
				b[i] = 'A'
			}
			header[name] = append(header[name], string(b))
		}
	}
	return steps.Request{Header: header, Body: r.Body}
}

var updateGolden = flag.Bool("update-golden", false, "write the golden files of sources")

// golden compares what was read with testdata/NAME.golden.json.
func golden(t *testing.T, name string, batch steps.Batch) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".golden.json")
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(batch.Describe()); err != nil {
		t.Fatal(err)
	}
	if *updateGolden {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./pkg/source/... -update-golden", err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// OpenSource opens a source for a test of its own.
func OpenSource(t *testing.T, d integration.Descriptor[steps.Source], v Vendor) steps.Source {
	t.Helper()
	return open(t, integration.Sources, d, v).It
}

// ReadsPayloads holds a source to what others published of its sender, where that is at
// hand: each file is read, or refused with the field that is wrong.
func ReadsPayloads(t *testing.T, d integration.Descriptor[steps.Source], v Vendor, folders ...string) {
	root := os.Getenv("OPSGUARD_PAYLOADS")
	for up := "../../../"; root == "" && up != ""; up = "" {
		root = up + "../shared/payloads"
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*"))
		if err != nil || len(files) == 0 {
			t.Skipf("no payloads of %s are at hand", folder)
		}
		for _, file := range files {
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				source := OpenSource(t, d, v)
				batch, err := source.Parse(t.Context(), steps.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: body})
				readOrRefused(t, batch, err)
			})
		}
	}
}

func readOrRefused(t *testing.T, batch steps.Batch, err error) {
	t.Helper()
	refused := batch.Refused
	if err != nil {
		refused = append(refused, err)
	}
	for _, err := range refused {
		var wrong *incident.Error
		if !errors.As(err, &wrong) || wrong.Kind != incident.Invalid {
			t.Errorf("refused by %v, which names no field", err)
		}
		t.Logf("refused: %v", err)
	}
	for _, a := range batch.Alerts {
		if err := a.Validate(); err != nil {
			t.Errorf("an alert that is not valid: %v", err)
		}
		if a.Service == "" || a.Identity+a.DedupKey == "" {
			t.Errorf("an alert without service or identity: %+v", a)
		}
	}
	if len(batch.Alerts)+len(refused) == 0 {
		t.Log("it holds no alert")
	}
}

// survivesDamage: no body makes a source panic, or give an alert that is not valid.
func (o opened[T]) survivesDamage(t *testing.T, s Sent) {
	source, ok := any(o.It).(steps.Source)
	if !ok {
		t.Fatal("not a source")
	}
	bodies := map[string][]byte{
		"nothing": nil, "null": []byte("null"), "an array": []byte("[]"), "a number": []byte("7"), "deep": []byte(strings.Repeat(`{"a":[`, 50_000)),
		"twice": append(bytes.Clone(s.Request.Body), s.Request.Body...), "not UTF-8": append([]byte(`{"a":"`), 0xff, 0xfe, '"', '}'),
		"every text a number": bytes.ReplaceAll(s.Request.Body, []byte(`:"`), []byte(`:7,"x":"`)),
	}
	for cut := 0; cut < len(s.Request.Body); cut += 1 + len(s.Request.Body)/200 {
		bodies[fmt.Sprintf("cut at %d", cut)] = s.Request.Body[:cut]
	}
	for name, body := range bodies {
		batch, err := source.Parse(t.Context(), steps.Request{Header: s.Request.Header, Body: body})
		if err != nil && incident.KindOf(err) != incident.Invalid {
			t.Errorf("%s: %v (%s), want Invalid", name, err, incident.KindOf(err))
		}
		for _, a := range batch.Alerts {
			if err := a.Validate(); err != nil {
				t.Errorf("%s: an alert that is not valid: %v", name, err)
			}
		}
		for _, err := range batch.Refused {
			if incident.KindOf(err) != incident.Invalid {
				t.Errorf("%s: refused by %v (%s)", name, err, incident.KindOf(err))
			}
		}
	}
}
