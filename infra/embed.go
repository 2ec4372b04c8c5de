// Package infra holds what is deployed with the code: the services.yaml that is
// built in.
package infra

import _ "embed"

// Services is infra/services.yaml.
//
//go:embed services.yaml
var Services []byte
