package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// Role is what an operator's key is good for.
type Role string

const (
	RoleIngest  Role = "ingest"  // sends alerts, and nothing else: it lies in every application
	RoleRead    Role = "read"    // reads incidents, audit trails and tickets
	RoleOperate Role = "operate" // reads, and decides
)

// may reports whether a key of this role is good for what needs that one.
func (r Role) may(need Role) bool {
	return r == need || r == RoleOperate && need == RoleRead
}

func parseRole(s string) (Role, bool) {
	switch r := Role(s); r {
	case RoleIngest, RoleRead, RoleOperate:
		return r, true
	}
	return "", false
}

const apiKeysSetting = "OPSGUARD_API_KEYS"

// Keyring holds the operators' keys, hashed. The zero value holds none and knows
// nobody.
type Keyring struct{ entries []keyEntry }

type keyEntry struct {
	name string
	role Role
	hash [sha256.Size]byte
}

// Holder is whose key it is and what it is good for.
type Holder struct {
	Name string
	Role Role
}

// ParseKeys reads entries `name:role:sha256hex`, separated by commas or
// newlines. A name may have several, so that its key can be rotated. Errors name
// the setting and the entry's place, never its hash.
func ParseKeys(text string) (Keyring, error) {
	var ring Keyring
	n := 0
	for entry := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		n++
		e, err := parseEntry(entry)
		if err != nil {
			return Keyring{}, fmt.Errorf("%s: entry %d %w", apiKeysSetting, n, err)
		}
		for i, other := range ring.entries {
			if other.hash == e.hash {
				return Keyring{}, fmt.Errorf("%s: entry %d is the same key as entry %d; give everyone their own", apiKeysSetting, n, i+1)
			}
		}
		ring.entries = append(ring.entries, e)
	}
	if len(ring.entries) == 0 {
		return Keyring{}, fmt.Errorf("%s: holds no entry; make one with `opsguard keys new`", apiKeysSetting)
	}
	return ring, nil
}

func parseEntry(entry string) (keyEntry, error) {
	name, rest, ok := strings.Cut(entry, ":")
	role, hash, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return keyEntry{}, fmt.Errorf("is not name:role:sha256hex; make one with `opsguard keys new`")
	}
	if err := checkName(name); err != nil {
		return keyEntry{}, err
	}
	e := keyEntry{name: name}
	if e.role, ok = parseRole(role); !ok {
		return keyEntry{}, fmt.Errorf("(%s) has an unknown role; use ingest, read or operate", name)
	}
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return keyEntry{}, fmt.Errorf("(%s) does not end in the 64 hexadecimal digits of a key's SHA-256; the key itself does not belong there", name)
	}
	copy(e.hash[:], sum)
	return e, nil
}

func checkName(name string) error {
	if !incident.ValidKeyName(name) {
		return fmt.Errorf("has a name that is not 1 to %d letters, digits, or . _ @ -", incident.MaxKeyName)
	}
	return nil
}

// Identify finds the holder of a key. It compares with every entry in constant
// time, so that how long it takes tells nothing.
func (k Keyring) Identify(key string) (Holder, bool) {
	sum := sha256.Sum256([]byte(key))
	found := -1
	for i := range k.entries {
		if subtle.ConstantTimeCompare(sum[:], k.entries[i].hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Holder{}, false
	}
	return Holder{k.entries[found].name, k.entries[found].role}, true
}

// keyPrefix lets secret scanners recognise a key that was leaked.
const keyPrefix = "ogk_"

// NewOperatorKey makes a key of 32 random bytes and the entry that lets it in.
// The key is shown to its holder once; only the entry is kept.
func NewOperatorKey(name string, role Role, rand io.Reader) (key, entry string, err error) {
	if err := checkName(name); err != nil {
		return "", "", fmt.Errorf("the key %w", err)
	}
	if _, ok := parseRole(string(role)); !ok {
		return "", "", fmt.Errorf("the role must be ingest, read or operate")
	}
	var secret [32]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return "", "", fmt.Errorf("make an operator's key: %w", err)
	}
	key = keyPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(key))
	return key, fmt.Sprintf("%s:%s:%s", name, role, hex.EncodeToString(sum[:])), nil
}
