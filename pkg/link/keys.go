package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// MinKeyBytes is the least length of a signing key: that of the hash.
const MinKeyBytes = 32

const (
	setting    = "OPSGUARD_LINK_KEYS"
	hiddenKeys = "[link keys]"
)

// Keys signs and verifies. The zero value has no key: it mints nothing and
// verifies nothing. It prints and marshals as a placeholder.
type Keys struct {
	// set is behind a pointer because fmt cannot ask a value in somebody else's
	// unexported field for its String: it would print the bytes, but a pointer
	// it prints as an address.
	set *[][]byte
}

// ParseKeys reads keys in hex, separated by commas or newlines, each 32 bytes or
// more. The first signs; all verify. Errors name the setting and the entry's
// place, never what it holds.
func ParseKeys(text string) (Keys, error) {
	var keys [][]byte
	n := 0
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		n++
		key, err := hex.DecodeString(entry)
		switch {
		case err != nil: // its text would echo a character of the key
			return Keys{}, fmt.Errorf("%s: entry %d is not hexadecimal; make one with `openssl rand -hex 32`", setting, n)
		case len(key) < MinKeyBytes:
			return Keys{}, fmt.Errorf("%s: entry %d has %d bytes; give at least %d (%d hexadecimal digits)", setting, n, len(key), MinKeyBytes, 2*MinKeyBytes)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return Keys{}, errors.New(setting + ": holds no key; give at least one of 64 hexadecimal digits")
	}
	return Keys{&keys}, nil
}

// NewKey makes a key in the form that ParseKeys reads.
func NewKey(rand io.Reader) (string, error) {
	key := make([]byte, MinKeyBytes)
	if _, err := io.ReadFull(rand, key); err != nil {
		return "", fmt.Errorf("make a link key: %w", err)
	}
	return hex.EncodeToString(key), nil
}

// IsZero reports whether there is no key.
func (k Keys) IsZero() bool { return k.set == nil }

func (k Keys) String() string               { return hiddenKeys }
func (k Keys) GoString() string             { return hiddenKeys }
func (k Keys) LogValue() slog.Value         { return slog.StringValue(hiddenKeys) }
func (k Keys) MarshalJSON() ([]byte, error) { return json.Marshal(hiddenKeys) }

// macSize is half of SHA-256's output, the least that RFC 2104 §5 allows: 128
// bits, which nobody guesses, and 22 characters less in every link.
const macSize = sha256.Size / 2

// purpose keeps a signature made here from meaning anything elsewhere, should a
// key ever be used for something else too.
const purpose = "opsguard decision link\x00"

func sign(key, payload []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose))
	h.Write(payload)
	return h.Sum(nil)[:macSize]
}

// signed reports whether any key made mac. It tries every key, so that the time
// it takes does not tell which one matched.
func (k Keys) signed(payload, mac []byte) bool {
	if k.IsZero() {
		return false
	}
	ok := false
	for _, key := range *k.set {
		if hmac.Equal(sign(key, payload), mac) {
			ok = true
		}
	}
	return ok
}
