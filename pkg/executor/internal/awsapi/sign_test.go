package awsapi

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"

	"github.com/opsguard/opsguard/pkg/integration"
)

// The SDK's signer is the reference: every call that the executors could make must get the
// same signature from both.
func TestSignaturesAreThoseOfTheSDK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{"GET", "POST", "PUT"}).Draw(t, "method")
		path := rapid.SampledFrom([]string{"", "/", "/2015-03-31/functions/f-1_x/aliases/live", "/a%20b/c:d", "/2015-03-31/functions/f/versions?MaxItems=50&Marker=a%2Bb%3D%20c", "/?b=2&a=1"}).Draw(t, "path")
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body")
		key := integration.AWSKey{ID: "AKIDEXAMPLE", Secret: rapid.StringMatching(`[A-Za-z0-9/+]{40}`).Draw(t, "secret"), Token: rapid.StringMatching(`[A-Za-z0-9/+=]{0,80}`).Draw(t, "token")}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).In(time.FixedZone("x", 3600))
		service := rapid.SampledFrom([]string{"sts", "ecs", "lambda", "autoscaling", "ec2", "rds", "ssm", "eks"}).Draw(t, "service")
		request := func() *http.Request {
			r, err := http.NewRequest(method, "https://host.eu-central-1.amazonaws.com:8443"+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", "Some.Operation")
			return r
		}
		theirs, ours := request(), request()
		theirs.ContentLength = 0 // or the SDK signs that header too
		err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.Token},
			theirs, hexSum(body), service, "eu-central-1", at)
		if err != nil {
			t.Fatal(err)
		}
		sign(ours.Header, method, ours.URL, body, key, service, "eu-central-1", at)
		if want, got := theirs.Header.Get("Authorization"), ours.Header.Get("Authorization"); want != got {
			t.Fatalf("signed\n%s\nand the SDK signs\n%s", got, want)
		}
	})
}

func TestPresignedAddressesAreThoseOfTheSDK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := integration.AWSKey{ID: "ASIAEXAMPLE", Secret: rapid.StringMatching(`[A-Za-z0-9/+]{40}`).Draw(t, "secret"), Token: rapid.StringMatching(`[A-Za-z0-9/+=]{0,80}`).Draw(t, "token")}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).In(time.FixedZone("x", 3600))
		cluster := rapid.StringMatching(`[0-9A-Za-z][A-Za-z0-9_-]{0,99}`).Draw(t, "cluster")
		env := integration.Env{Now: func() time.Time { return at }}
		env.AWS.Endpoint = "http://127.0.0.1:4566" // not for a cluster's eyes
		got := With(env, target(), key).Identity("X-K8s-Aws-Id", cluster)
		r, err := http.NewRequest(http.MethodGet, "https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-k8s-aws-id", cluster)
		want, _, err := v4.NewSigner().PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.Token},
			r, hexSum(nil), "sts", "eu-central-1", at)
		if err != nil || got != want {
			t.Fatalf("presigned\n%s\nand the SDK presigns\n%s\n%v", got, want, err)
		}
	})
}
