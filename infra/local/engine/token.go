package engine

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/opsguard/opsguard/pkg/asl"
)

// maxName is Step Functions' limit for an execution's name, in characters.
const maxName = 80

// secretBytes of randomness make a token that cannot be guessed.
const secretBytes = 24

// A token is the execution's name, the attempt and a secret, with dots between. The name tells where to look; only the
// secret, kept in the execution, lets in.
func newToken(source io.Reader, execution string, attempt int) (asl.Token, error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(source, secret); err != nil {
		return "", fmt.Errorf("engine: no randomness for a task token: %w", err)
	}
	return asl.Token(fmt.Sprintf("%s.%d.%s", execution, attempt, base64.RawURLEncoding.EncodeToString(secret))), nil
}

// tokenExecution gives the name of the execution that a token claims to be of.
func tokenExecution(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || !validName(parts[0]) || len(parts[2]) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return "", ErrInvalidToken
	}
	return parts[0], nil
}

// validName allows what Step Functions allows without a warning, which leaves the dot to tokens.
func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return true
}
