package aws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/opsguard/opsguard/infra/setting"
)

// Function is what every function has.
type Function struct {
	AWS     awssdk.Config
	Domain  string // what AWS's names end with in this partition: amazonaws.com
	Log     *slog.Logger
	Version string
	Now     func() time.Time

	checks *errgroup.Group
}

type settings struct {
	LogLevel string `env:"OPSGUARD_LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	Domain   string `env:"OPSGUARD_AWS_DOMAIN" envDefault:"amazonaws.com" help:"what AWS's names end with in this partition"`
	// Lambda cannot run a binary of another architecture; an emulator, or a container
	// with emulation, runs it and hides what will not work on AWS.
	Architecture string `env:"OPSGUARD_ARCHITECTURE" help:"the stack's: arm64 or x86_64"`
}

// checkArchitecture refuses a binary that was built for another architecture than the
// stack's. goarch is Go's name of this binary's.
func checkArchitecture(stack, goarch string) error {
	own := goarch
	if goarch == "amd64" {
		own = "x86_64"
	}
	if stack == "" || stack == own {
		return nil
	}
	return fmt.Errorf("OPSGUARD_ARCHITECTURE: the stack's Architecture is %q and this binary is built for %s: build again with ARCHITECTURE=%s, then deploy",
		stack, own, stack)
}

// startTime bounds what a function does before it takes its first call; Lambda
// ends a start after 10 s.
const startTime = 8 * time.Second

// Main builds a function's handler and serves it. A wrong setting ends the process
// with one line that names the setting, so that the deployment shows it and not the
// first incident.
func Main(build func(ctx context.Context, f Function) (lambda.Handler, error)) {
	handler, err := start(build)
	if err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("cannot start", "error", strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
	lambda.Start(handler)
}

func start(build func(ctx context.Context, f Function) (lambda.Handler, error)) (lambda.Handler, error) {
	var s settings
	if err := setting.Load(&s); err != nil {
		return nil, err
	}
	if err := checkArchitecture(s.Architecture, runtime.GOARCH); err != nil {
		return nil, err
	}
	level, err := setting.LogLevel(s.LogLevel)
	if err != nil {
		return nil, err
	}
	cfg, err := clientConfig(os.Getenv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	f := NewFunction(cfg, slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})), time.Now)
	f.Domain = s.Domain
	handler, err := build(ctx, f)
	if err != nil {
		return nil, err
	}
	return handler, f.Checked()
}

// NewFunction makes what Main gives to a function's build.
func NewFunction(cfg awssdk.Config, log *slog.Logger, now func() time.Time) Function {
	return Function{AWS: cfg, Log: log, Version: version, Now: now, checks: &errgroup.Group{}}
}

// version is set when the functions are built.
var version = "dev"

// Checker checks once that what a setting names is there.
type Checker interface {
	Check(ctx context.Context) error
}

// Check runs a check while the rest of the start goes on. The function serves only
// if every check passes. Checks also open the connections that the first call uses.
func (f Function) Check(ctx context.Context, c Checker) {
	f.checks.Go(func() error {
		growStack(0)
		err := c.Check(ctx)
		var answer smithy.APIError
		if errors.As(err, &answer) && passing(answer) {
			// It is there and busy. The call that needs it will say so if it still is.
			f.Log.WarnContext(ctx, "a check at the start was not answered", "error", err.Error())
			return nil
		}
		return err
	})
}

// Warm runs a check for something that the function can do without. A failure does
// not stop the start; the call that needs it reports the error.
func (f Function) Warm(ctx context.Context, c Checker) {
	f.checks.Go(func() error {
		growStack(0)
		_ = c.Check(ctx)
		return nil
	})
}

// growStack makes room on the stack of a new goroutine for a call of the SDK. Without
// it the stack doubles three times on the way down, and each time what is on it is moved:
// 2 to 3 % of a start.
//
//go:noinline
func growStack(at int) byte {
	var room [12 << 10]byte
	return room[at]
}

// Checked waits for all checks and returns the error of one that failed.
func (f Function) Checked() error { return f.checks.Wait() }

// passing reports whether AWS refused a call for a reason that passes: throttling,
// or a fault of its own.
func passing(answer smithy.APIError) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[answer.ErrorCode()]
	return throttled || answer.ErrorFault() == smithy.FaultServer
}
