package kubernetes_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/opsguard/opsguard/infra/cluster"
	"github.com/opsguard/opsguard/pkg/executor/kubernetes"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
	"github.com/opsguard/opsguard/pkg/steps"
	"github.com/opsguard/opsguard/pkg/steps/stepstest"
	"github.com/opsguard/opsguard/pkg/steps/stepstest/awsfake"
)

const (
	eksName  = "prod-1"
	eksRight = "eks:DescribeCluster on arn:aws:eks:eu-central-1:123456789012:cluster/" + eksName
)

// eks is an account with one EKS cluster, whose API server has an authority of its own and
// takes tokens as aws-iam-authenticator does.
type eks struct {
	*awsfake.Cloud
	*fake
	server *httptest.Server
	about  object // what DescribeCluster answers

	seen    sync.Mutex
	entries map[string][]string // access entries: a role, and the methods that it may use
	tokens  []string
	roles   []string // by which the calls were made
}

func newEKS(t *testing.T) *eks {
	t.Helper()
	e := &eks{Cloud: awsfake.Make(t), fake: &fake{}, entries: map[string][]string{
		awsfake.Role: {"GET", "PATCH", "DELETE"}, awsfake.ReadRole: {"GET"}}}
	e.reset(t)
	e.server = httptest.NewTLSServer(e.authenticated(t))
	t.Cleanup(e.server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.server.Certificate().Raw})
	e.about = object{"name": eksName, "status": "ACTIVE", "endpoint": e.server.URL,
		"certificateAuthority": object{"data": base64.StdEncoding.EncodeToString(authority)}}
	e.Resource = func(_ string, in map[string]any) []string {
		return []string{awsfake.ARN("eks", fmt.Sprint("cluster/", in["name"]))}
	}
	e.Handle = func(_ string, in map[string]any) (map[string]any, *awsfake.Fault) {
		if in["name"] != e.about["name"] {
			return nil, &awsfake.Fault{Code: "ResourceNotFoundException", Status: http.StatusNotFound}
		}
		return object{"cluster": e.about}, nil
	}
	return e
}

// authenticated lets those calls through whose token says a role with an access entry.
func (e *eks) authenticated(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.seen.Lock()
		defer e.seen.Unlock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		e.tokens = append(e.tokens, token)
		role, why := e.roleOf(token)
		if why != "" {
			t.Errorf("the cluster would not take the token: %s", why)
		}
		e.roles = append(e.roles, role)
		methods, known := e.entries[role]
		switch {
		case !known:
			refuse(w, 401, "Unauthorized")
		case !slices.Contains(methods, r.Method):
			refuse(w, 403, "Forbidden")
		default:
			r.Header.Set("Authorization", "Bearer "+cluster.OpsGuardToken)
			e.fake.ServeHTTP(w, r)
		}
	}
}

// roleOf checks a token as aws-iam-authenticator does (pkg/token/token.go, Verify), and as
// STS, which is asked then, checks its signature.
func (e *eks) roleOf(token string) (role, why string) {
	text, ok := strings.CutPrefix(token, "k8s-aws-v1.")
	address, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil || len(token) > 4096 {
		return "", "it is no k8s-aws-v1 token"
	}
	u, err := url.Parse(string(address))
	if err != nil || u.Scheme != "https" || u.Host != "sts.eu-central-1.amazonaws.com" || u.Path != "/" {
		return "", "it is no address of STS"
	}
	q := u.Query()
	for name, values := range q {
		known := []string{"Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
			"X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"}
		if len(values) != 1 || !slices.Contains(known, name) {
			return "", "it has the parameter " + name
		}
	}
	at, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	age := stepstest.Env(nil).Now().Sub(at)
	switch {
	case err != nil || age < 0 || age > 15*time.Minute:
		return "", "it is of another time"
	case q.Get("Action") != "GetCallerIdentity" || q.Get("Version") != "2011-06-15" || q.Get("X-Amz-Expires") != "60":
		return "", "it is another call"
	case !slices.Contains(strings.Split(q.Get("X-Amz-SignedHeaders"), ";"), "x-k8s-aws-id"):
		return "", "the cluster's name is not signed"
	}
	return e.signedBy(u, at)
}

// signedBy signs the call again, with the SDK, for this cluster.
func (e *eks) signedBy(u *url.URL, at time.Time) (role, why string) {
	id, _, _ := strings.Cut(u.Query().Get("X-Amz-Credential"), "/")
	number := 0
	sessions := e.Sessions()
	if _, err := fmt.Sscanf(id, "ASIA%d", &number); err != nil || number < 1 || number > len(sessions) {
		return "", "no session has that key"
	}
	bare := *u
	bare.RawQuery = url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Expires": {"60"}}.Encode()
	r, err := http.NewRequest(http.MethodGet, bare.String(), nil)
	if err != nil {
		return "", err.Error()
	}
	r.Header.Set("x-k8s-aws-id", eksName)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of no body
	want, _, err := v4.NewSigner().PresignHTTP(r.Context(), aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret-of-" + id, SessionToken: "token-of-" + id},
		r, empty, "sts", awsfake.Region, at)
	if err != nil || want != u.String() {
		return "", "the signature is not that of the call"
	}
	return sessions[number-1].Role, ""
}

func onEKS() []integration.Setting {
	return awsfake.Settings("eks", eksName, "namespace", "shop", "deployment", "api", "maxReplicas", "6")
}

func TestAnEKSClusterIsReachedAsTheRoleOfTheTarget(t *testing.T) {
	e := newEKS(t)
	rig := awsfake.Open(t, e.Cloud, kubernetes.Integration(), onEKS())
	if len(e.Sessions()) > 0 {
		t.Error("opening called AWS")
	}
	o := rig.Order(t, proposal("scale-out"))
	if !slices.Contains(o.Plan.Rights, eksRight) {
		t.Errorf("the plan does not name the right in AWS: %q", o.Plan.Rights)
	}
	rig.Act(t, &o)
	e.settle(t)
	rig.Sees(t, o, steps.Verified, "scaled")
	if acted := rig.It.Undo(t.Context(), awsfake.Undone(o)); acted.Outcome != "" || e.effects() != 2 {
		t.Errorf("Undo ended %q after %d changes: %+v", acted.Outcome, e.effects(), acted.Steps)
	}
	id := stepstest.AboutFix().ID
	want := []awsfake.Session{
		{Role: awsfake.ReadRole, Name: "opsguard-look"}, {Role: awsfake.Role, Name: id, Source: "key=anna"},
		{Role: awsfake.ReadRole, Name: id, Source: "key=anna"}, {Role: awsfake.Role, Name: id, Source: "key=anna"},
	}
	for i := range want {
		want[i].Duration = "900"
		want[i].Policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["eks:DescribeCluster"],"Resource":["` + strings.TrimPrefix(eksRight, "eks:DescribeCluster on ") + `"]}]}`
		want[i].Calls = []awsfake.Call{{Action: "eks:DescribeCluster", Resource: awsfake.ARN("eks", "cluster/"+eksName), In: object{"name": eksName}}}
	}
	if diff := cmp.Diff(want, e.Sessions()); diff != "" {
		t.Errorf("the sessions (-want +got):\n%s", diff)
	}
	roles := slices.Compact(slices.Clone(e.roles))
	if !slices.Equal(roles, []string{awsfake.ReadRole, awsfake.Role, awsfake.ReadRole, awsfake.Role}) {
		t.Errorf("the cluster was called as %q", roles)
	}
	if tokens := slices.Compact(slices.Clone(e.tokens)); len(tokens) != 4 {
		t.Errorf("%d tokens for 4 sessions", len(tokens))
	}
}

func TestWithoutARoleToLookWithTheOneRoleDoesBoth(t *testing.T) {
	e := newEKS(t)
	settings := slices.DeleteFunc(onEKS(), func(s integration.Setting) bool { return s.Name == "readRole" })
	rig := awsfake.Open(t, e.Cloud, kubernetes.Integration(), settings)
	if _, err := rig.It.Look(t.Context(), proposal("restart-service")); err != nil || e.roles[0] != awsfake.Role {
		t.Errorf("%v, as %q", err, e.roles)
	}
}

// anotherAuthority is a certificate that did not sign the API server's.
func anotherAuthority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	text, err := x509.CreateCertificate(rand.Reader, &about, &about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text})
}

// What can be in the way between us and the cluster: each says so, and nothing is changed.
func TestAnEKSClusterThatCannotBeReachedSaysWhatToDo(t *testing.T) {
	status := func(s string) func(*eks) {
		return func(e *eks) { e.about = object{"name": eksName, "status": s} }
	}
	fault := func(op, code string, status int) func(*eks) {
		return func(e *eks) {
			e.Fail(op, slices.Repeat([]awsfake.Fault{{Code: code, Status: status}}, 9)...)
		}
	}
	about := func(name string, value any) func(*eks) { return func(e *eks) { e.about[name] = value } }
	for name, c := range map[string]struct {
		change func(*eks)
		kind   incident.Kind
		says   string
	}{
		"denied":                     {fault("DescribeCluster", "AccessDeniedException", 403), incident.Invalid, "AWS does not allow " + eksRight + " to the role " + awsfake.Role},
		"no such cluster":            {about("name", "prod-2"), incident.NotFound, "Amazon EKS does not know what " + eksRight + " names (ResourceNotFoundException)"},
		"own keys expired":           {fault("AssumeRole", "ExpiredToken", 403), incident.Invalid, "AWS STS does not accept the credentials (ExpiredToken); check the process's own AWS keys"},
		"the session's keys expired": {fault("DescribeCluster", "ExpiredTokenException", 403), incident.Invalid, "Amazon EKS does not accept the credentials (ExpiredTokenException)"},
		"role not to be assumed":     {fault("AssumeRole", "AccessDenied", 403), incident.Invalid, "TargetRoleArns"},
		"throttled":                  {fault("DescribeCluster", "ThrottlingException", 429), incident.Unavailable, "Amazon EKS answered 429"},
		"EKS fails":                  {fault("DescribeCluster", "ServerException", 500), incident.Unavailable, "Amazon EKS failed"},
		"being created":              {status("CREATING"), incident.Unavailable, "is being created"},
		"failed":                     {status("FAILED"), incident.Invalid, "has failed"},
		"no endpoint":                {status("ACTIVE"), incident.Unavailable, "names no API server"},
		"no TLS":                     {about("endpoint", "http://127.0.0.1:1"), incident.Unavailable, "names no API server"},
		"no authority":               {about("certificateAuthority", object{}), incident.Unavailable, "names no certificate authority"},
		"an authority that is none":  {about("certificateAuthority", object{"data": "YQ=="}), incident.Unavailable, "names no certificate authority"},
		"broken base64":              {about("certificateAuthority", object{"data": "%"}), incident.Unavailable, "Amazon EKS answered what cannot be read"},
		"server gone":                {about("endpoint", "https://127.0.0.1:1"), incident.Unavailable, "Kubernetes could not be reached"},
		"another's server":           {about("certificateAuthority", object{"data": base64.StdEncoding.EncodeToString(anotherAuthority(t))}), incident.Unavailable, "its certificate is not accepted"},
		"no access entry":            {func(e *eks) { e.entries = nil }, incident.Invalid, "the cluster does not know the role " + awsfake.Role},
		"an entry without rights":    {func(e *eks) { e.entries = map[string][]string{awsfake.ReadRole: nil, awsfake.Role: nil} }, incident.Invalid, "Kubernetes forbids to get deployments.apps shop/api (403); grant it by RBAC"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEKS(t)
			o := awsfake.Open(t, e.Cloud, kubernetes.Integration(), onEKS()).Order(t, proposal("restart-service"))
			front := httptest.NewServer(e.Cloud)
			defer front.Close()
			var logged bytes.Buffer
			env := stepstest.Env(nil)
			env.AWS, env.Log = awsfake.Access(front.URL), slog.New(slog.NewTextHandler(&logged, nil))
			it := stepstest.Open(t, env, integration.Executors, kubernetes.Integration(), onEKS()...).It
			c.change(e)
			_, looked := it.Look(t.Context(), proposal("restart-service"))
			_, verified := it.Verify(t.Context(), o)
			for _, err := range []error{looked, verified} {
				if incident.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v (%s), want %s: %q", err, incident.KindOf(err), c.kind, c.says)
				}
			}
			acted := it.Act(t.Context(), o)
			if acted.Outcome != incident.Failed || e.effects() != 0 || !strings.HasSuffix(acted.Steps[0].Detail, "; nothing was changed") {
				t.Errorf("Act ended %q after %d changes: %+v", acted.Outcome, e.effects(), acted.Steps)
			}
			told, err := json.Marshal(acted)
			all := fmt.Sprintf("%v %+v %#v %v %s %s %v", looked, looked, looked, verified, told, logged.String(), err)
			for _, secret := range []string{"k8s-aws-v1", "X-Amz", "token-of-", "secret-of-", awsfake.Secret, awsfake.Token, "the server's own words", "the vendor's own words"} {
				if strings.Contains(all, secret) {
					t.Errorf("%q is shown: %s", secret, all)
				}
			}
		})
	}
}

// Both halves of the vendor fail in every way of the contract: AWS, and behind TLS the cluster.
func TestEveryFixKeepsTheContractOfAnExecutorOnEKS(t *testing.T) {
	for _, ability := range kubernetes.Integration().Abilities {
		t.Run(ability.Fix, func(t *testing.T) {
			e := newEKS(t)
			behind := e.server.Config.Handler
			vendor := e.Vendor(onEKS(), nil)
			vendor.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
					behind.ServeHTTP(w, r)
					return
				}
				e.Cloud.ServeHTTP(w, r)
			})
			var front url.URL
			entry := vendor.Entry
			vendor.Entry = func(address string) ([]integration.Setting, stepstest.Secrets) {
				front = url.URL{Scheme: "http", Host: strings.TrimPrefix(address, "http://")}
				return entry(address)
			}
			e.server.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&front) }, ErrorLog: log.New(io.Discard, "", 0)}
			fix := stepstest.Fix{Vendor: vendor, Proposal: proposal(ability.Fix), Reset: e.reset, Effects: e.effects, Settle: e.settle,
				Reads: func(r *http.Request) bool {
					return r.Method == http.MethodGet || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
				},
				Drift: func(*testing.T) { e.elsewhere(ability.Fix) }}
			if ability.Fix == "cordon-node" {
				fix.Settle = nil
			}
			stepstest.ExecutorContract(t, kubernetes.Integration(), fix)
		})
	}
}
