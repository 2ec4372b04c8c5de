package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Time limits of one attempt of one call: the SDK tries again, and a function has
// little time.
const (
	dialTime   = 2 * time.Second
	answerTime = 5 * time.Second
)

// clientConfig makes the clients' configuration of what Lambda puts into a
// function's environment. The SDK's own loader would do more (profiles, single
// sign-on, instance metadata) and costs every cold start 10 ms and 3 MB.
func clientConfig(getenv func(string) string) (awssdk.Config, error) {
	region := cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return awssdk.Config{}, errors.New("AWS_REGION: is empty; Lambda sets it")
	}
	cfg := awssdk.Config{
		Region: region,
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment"}, nil
		}),
		HTTPClient: awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime }).
			WithTransportOptions(func(t *http.Transport) {
				t.ResponseHeaderTimeout = answerTime
				t.MaxIdleConnsPerHost = 32
			}),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" { // an emulator's, or a VPC's
		if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return cfg, fmt.Errorf("AWS_ENDPOINT_URL: %q: must be like http://127.0.0.1:4566", endpoint)
		}
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, nil
}
