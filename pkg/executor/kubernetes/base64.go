package kubernetes

import (
	encoding "encoding/base64"
	"errors"

	"go.yaml.in/yaml/v3"
)

// base64 is what a kubeconfig file holds of certificates and keys.
type base64 []byte

// UnmarshalYAML implements yaml.Unmarshaler. Its error does not repeat the text, which may
// be a key.
func (b *base64) UnmarshalYAML(node *yaml.Node) error {
	text, err := encoding.StdEncoding.DecodeString(node.Value)
	if err != nil {
		return errors.New("is not base64")
	}
	*b = text
	return nil
}
