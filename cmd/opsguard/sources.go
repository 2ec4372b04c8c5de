package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/opsguard/opsguard/infra/local"
	"github.com/opsguard/opsguard/pkg/source"
	"github.com/opsguard/opsguard/pkg/steps"
)

type sourcesCommand struct {
	List sourcesListCommand `cmd:"" default:"1" help:"List the senders that OpsGuard understands."`
	Try  sourcesTryCommand  `cmd:"" help:"Show what would become of a body on standard input. Exit status: 2 all was refused, else 0."`
}

type sourcesListCommand struct{}

func (c sourcesListCommand) Run() error { return c.list(os.Stdout) }

func (sourcesListCommand) list(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, d := range source.List() {
		fmt.Fprintf(w, "%s\t%s\n", d.Name, d.Doc)
	}
	return w.Flush()
}

type sourcesTryCommand struct {
	Name     string   `arg:"" help:"A type of source, or with --services the name of an entry under sources."`
	Header   []string `help:"A header of the request, as 'Name: value'; may be repeated." placeholder:"HEADER" sep:"none"`
	Services string   `help:"services.yaml, for an entry of it." placeholder:"FILE"`
}

// Exit statuses that scripts rely on.
const (
	sourceRead    = 0
	sourceRefused = 2
)

// Run ends the process itself unless an alert was read.
func (c sourcesTryCommand) Run(ctx context.Context) error {
	status, err := c.try(ctx, os.Stdin, os.Stdout)
	if err == nil && status != sourceRead {
		os.Exit(status)
	}
	return err
}

func (c sourcesTryCommand) try(ctx context.Context, in io.Reader, out io.Writer) (status int, err error) {
	header, err := headers(c.Header)
	if err != nil {
		return 0, err
	}
	reader, err := local.SourceReader(c.Services, c.Name, version)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(io.LimitReader(in, steps.MaxRequest+1))
	if err != nil {
		return 0, err
	}
	if len(body) > steps.MaxRequest {
		return 0, fmt.Errorf("the body is larger than %d bytes, which is the most that is taken", steps.MaxRequest)
	}
	batch, err := reader.Parse(ctx, steps.Request{Header: header, Body: body})
	view := batch.Describe()
	if err != nil {
		view.Refused = append(view.Refused, steps.Refusal(err))
	}
	if err := printJSON(out, view); err != nil {
		return 0, err
	}
	if len(view.Alerts) == 0 && len(view.Refused) > 0 {
		return sourceRefused, nil
	}
	return sourceRead, nil
}

func headers(lines []string) (http.Header, error) {
	h := http.Header{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, fmt.Errorf("--header: %q is not of the form 'Name: value'", line)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	return h, nil
}
