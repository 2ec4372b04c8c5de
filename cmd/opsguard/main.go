// Command opsguard runs OpsGuard on one machine and is the operator's tool.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// version is set when a release is built.
var version = "dev"

// commands is the whole command line. Secrets come by environment only.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Serve OpsGuard on this machine."`
	HealthCheck healthCheckCommand `cmd:"" help:"Probe the services' health URLs and look for vulnerabilities in their dependencies once, now. Exit status: 0 well, 1 something is unwell or vulnerable, 2 not everything could be looked at."`
	Stop        stopCommand        `cmd:"" help:"Stop fixes on a serving OpsGuard: from now on none begins."`
	Go          goCommand          `cmd:"" help:"Let fixes go on that were stopped."`
	Brake       brakeCommand       `cmd:"" help:"Show whether fixes are stopped, and who stopped them. Exit status: 0 they go, 3 they are stopped."`
	Keys        keysCommand        `cmd:"" help:"Make operator keys."`
	Audit       auditCommand       `cmd:"" help:"Check audit trails."`
	Services    servicesCommand    `cmd:"" help:"Check services.yaml."`
	Fixes       fixesCommand       `cmd:"" help:"List the fixes that there are: parameters, risk, and what each does on each type of target."`
	Sources     sourcesCommand     `cmd:"" help:"List the senders that OpsGuard understands, and try what one sends."`
	Rules       rulesCommand       `cmd:"" help:"Try the rules that recognise failures on a log."`
	Store       storeCommand       `cmd:"" help:"Check the store, or begin again where it is lost."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

func main() {
	var cli commands
	parsed := kong.Parse(&cli, kong.Name("opsguard"), kong.UsageOnError(),
		kong.Description("OpsGuard finds the cause of an alert, proposes one fix, and waits for a human."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil && !errors.Is(err, context.Canceled) {
		complain(err)
		os.Exit(1)
	}
}

// complain prints an error, but does not stay for a stderr that nobody reads.
func complain(err error) {
	printed := make(chan struct{})
	go func() {
		fmt.Fprintln(os.Stderr, "opsguard:", err)
		close(printed)
	}()
	select {
	case <-printed:
	case <-time.After(time.Second):
	}
}

type versionCommand struct{}

func (versionCommand) Run() error {
	_, err := fmt.Println("opsguard", version)
	return err
}
