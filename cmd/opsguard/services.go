package main

import (
	"fmt"
	"io"
	"os"

	"github.com/opsguard/opsguard/infra/local"
)

type servicesCommand struct {
	Check servicesCheckCommand `cmd:"" help:"Check services.yaml and name everything that is wrong with it, with line and path. Exit status: 0 right, 1 wrong."`
}

type servicesCheckCommand struct {
	Services string `help:"services.yaml (OPSGUARD_SERVICES)." placeholder:"FILE"`
	AWS      bool   `name:"aws" help:"Refuse also what cannot be used on AWS; the build of the functions does."`
}

func (c servicesCheckCommand) Run() error {
	settings, _, err := where{Services: c.Services}.load()
	if err != nil {
		return err
	}
	return c.check(settings, os.Stdout)
}

func (c servicesCheckCommand) check(s local.Settings, out io.Writer) error {
	counts, err := s.CheckServices(c.AWS)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, counts)
	return err
}
