package outside_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/opsguard/opsguard/infra/aws"
	"github.com/opsguard/opsguard/infra/aws/outside"
	"github.com/opsguard/opsguard/pkg/incident"
	"github.com/opsguard/opsguard/pkg/integration"
)

func access(t *testing.T, key, endpoint string) integration.AWS {
	t.Helper()
	cfg := awssdk.Config{Region: "eu-central-1", Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{AccessKeyID: key, SecretAccessKey: "secret", SessionToken: "token"}, nil
	})}
	if endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	env, err := outside.Env(aws.NewFunction(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now))
	if err != nil {
		t.Fatal(err)
	}
	return env.AWS
}

func TestExecutorsBeginWithTheFunctionsOwnAccess(t *testing.T) {
	own := access(t, "id", "http://127.0.0.1:4566")
	key, err := own.Credentials(t.Context())
	if err != nil || key != (integration.AWSKey{ID: "id", Secret: "secret", Token: "token"}) || own.Endpoint != "http://127.0.0.1:4566" {
		t.Errorf("%v, %v, %s", key.ID, err, own.Endpoint)
	}
	own = access(t, "", "")
	if _, err := own.Credentials(t.Context()); incident.KindOf(err) != incident.Invalid || own.Endpoint != "" {
		t.Errorf("without credentials: %v, %q", err, own.Endpoint)
	}
}
