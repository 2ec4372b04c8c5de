package main

import (
	"crypto/rand"
	"fmt"

	"github.com/opsguard/opsguard/pkg/web"
)

type keysCommand struct {
	New newKeyCommand `cmd:"" help:"Make a key: prints key=... for who uses it and entry=... for OPSGUARD_API_KEYS."`
}

type newKeyCommand struct {
	Name string `required:"" help:"Who will use it; decisions are recorded as key:NAME."`
	Role string `required:"" enum:"ingest,read,operate" help:"ingest sends alerts, read looks, operate looks and decides."`
}

func (c newKeyCommand) Run() error {
	key, entry, err := web.NewOperatorKey(c.Name, web.Role(c.Role), rand.Reader)
	if err != nil {
		return err
	}
	_, err = fmt.Printf("key=%s\nentry=%s\n", key, entry)
	return err
}
