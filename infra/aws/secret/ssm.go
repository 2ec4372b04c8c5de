package secret

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ssm asks SSM for parameters: one call, signed and repeated by the SDK's own parts.
// The SDK's client for SSM would do the same; it prepares some hundred other calls
// first, which costs every cold start 2 ms and 1 MB.
type ssm struct {
	cfg    awssdk.Config
	domain string
	now    func() time.Time
	after  func(time.Duration) <-chan time.Time
}

// What may be done about throttling, 5xx and broken connections. SSM lets an account
// read 40 parameters a second unless it pays for more (AWS, "Systems Manager endpoints
// and quotas"), which a storm of cold starts is above.
const (
	maxAttempts = 5
	maxBackoff  = 2 * time.Second
)

// maxAnswer bounds what is read of an answer; a parameter holds 8 KB at most.
const maxAnswer = 64 << 10

// parameter returns a parameter's value, decrypted.
func (s ssm) parameter(ctx context.Context, name string) (string, error) {
	body, err := json.Marshal(map[string]any{"Name": name, "WithDecryption": true})
	if err != nil {
		return "", err
	}
	value, err := s.insist(ctx, body)
	var answer smithy.APIError
	switch {
	case errors.As(err, &answer) && answer.ErrorCode() == "ParameterNotFound":
		return "", fmt.Errorf("SSM has no parameter %s", name)
	case err != nil:
		return "", fmt.Errorf("the SSM parameter %s cannot be read: %w", name, err)
	}
	return strings.TrimSpace(value), nil
}

// insist asks again while that can help.
func (s ssm) insist(ctx context.Context, body []byte) (string, error) {
	retries := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff })
	for attempt := 1; ; attempt++ {
		value, err := s.ask(ctx, body)
		if err == nil || attempt == retries.MaxAttempts() || !retries.IsErrorRetryable(err) {
			return value, err
		}
		delay, none := retries.RetryDelay(attempt, err)
		if none != nil {
			return "", none
		}
		select {
		case <-s.after(delay):
		case <-ctx.Done():
			return "", errors.Join(err, ctx.Err())
		}
	}
}

func (s ssm) ask(ctx context.Context, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	credentials, err := s.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "ssm", s.cfg.Region, s.now()); err != nil {
		return "", err
	}
	res, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		return "", &smithyhttp.RequestSendError{Err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return "", &smithyhttp.RequestSendError{Err: err}
	}
	if res.StatusCode != http.StatusOK {
		return "", refusal(res, text)
	}
	var answer struct{ Parameter struct{ Value string } }
	if err := json.Unmarshal(text, &answer); err != nil {
		return "", fmt.Errorf("an answer that is not JSON: %w", err)
	}
	return answer.Parameter.Value, nil
}

// refusal is what SSM says no with: a code, after the last #, and a message.
func refusal(res *http.Response, text []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &said) // a proxy's page says nothing but its status
	_, code, found := strings.Cut(said.Type, "#")
	if !found {
		code = said.Type
	}
	fault := smithy.FaultClient
	if res.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: res},
		Err:      &smithy.GenericAPIError{Code: code, Message: said.Message, Fault: fault},
	}
}

// endpoint is where SSM is in the region.
func (s ssm) endpoint() string {
	if s.cfg.BaseEndpoint != nil {
		return *s.cfg.BaseEndpoint
	}
	return "https://ssm." + s.cfg.Region + "." + s.domain + "/"
}
