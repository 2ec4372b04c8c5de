package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestNewOperatorKeyIsLetInByItsEntry(t *testing.T) {
	key, entry, err := NewOperatorKey("anna", RoleOperate, bytes.NewReader(bytes.Repeat([]byte{0xfb}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(key, "ogk_") || len(key) != len("ogk_")+43 || strings.Contains(entry, key) {
		t.Errorf("key %q, entry %q", key, entry)
	}
	ring, err := ParseKeys(entry)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := ring.Identify(key); !ok || got != (Holder{"anna", RoleOperate}) {
		t.Errorf("identified as %+v, %v", got, ok)
	}
	for _, other := range []string{"", key[:len(key)-1], key + "x", strings.ToUpper(key), entry[len(entry)-64:]} {
		if got, ok := ring.Identify(other); ok {
			t.Errorf("%q was taken for %+v", other, got)
		}
	}
}

func TestNewOperatorKeyRefuses(t *testing.T) {
	full := bytes.Repeat([]byte{1}, 32)
	for name, test := range map[string]struct {
		name string
		role Role
		rand []byte
	}{
		"no name": {"", RoleRead, full}, "colon": {"a:b", RoleRead, full}, "comma": {"a,b", RoleRead, full}, "space": {"a b", RoleRead, full},
		"long name": {strings.Repeat("a", 65), RoleRead, full}, "role": {"a", "admin", full}, "no role": {"a", "", full}, "dry source": {"a", RoleRead, full[:31]},
	} {
		if key, entry, err := NewOperatorKey(test.name, test.role, bytes.NewReader(test.rand)); err == nil || key != "" || entry != "" {
			t.Errorf("%s: %q, %q, %v", name, key, entry, err)
		}
	}
}

func TestAKeyIsRotatedByASecondEntryOfItsName(t *testing.T) {
	hash := func(key string) string { sum := sha256.Sum256([]byte(key)); return hex.EncodeToString(sum[:]) }
	both, err := ParseKeys("anna:operate:" + hash("old") + "\r\n anna:operate:" + strings.ToUpper(hash("new")) + " ,\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"old", "new"} {
		if got, ok := both.Identify(key); !ok || got.Name != "anna" {
			t.Errorf("%s: %+v, %v", key, got, ok)
		}
	}
	after, err := ParseKeys("anna:operate:" + hash("new"))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := after.Identify("old"); ok {
		t.Error("the old key still works after its entry was taken away")
	}
	if _, ok := (Keyring{}).Identify(""); ok {
		t.Error("an empty keyring knows somebody")
	}
}

func TestParseKeysNamesTheSettingAndNeverTheHash(t *testing.T) {
	hash := strings.Repeat("5e", 32)
	for name, test := range map[string]struct{ text, want string }{
		"empty":          {"", "holds no entry"},
		"separators":     {",\n ,", "holds no entry"},
		"no colons":      {hash, "entry 1 is not name:role:sha256hex"},
		"no role":        {"anna:" + hash, "entry 1 is not name:role:sha256hex"},
		"empty name":     {":read:" + hash, "entry 1 has a name"},
		"odd name":       {"an na:read:" + hash, "entry 1 has a name"},
		"unknown role":   {"anna:admin:" + hash, "entry 1 (anna) has an unknown role; use ingest, read or operate"},
		"capital role":   {"anna:Read:" + hash, "entry 1 (anna) has an unknown role"},
		"a key":          {"anna:read:ogk_5e5e5e", "entry 1 (anna) does not end in the 64 hexadecimal digits"},
		"short hash":     {"anna:read:" + hash[2:], "entry 1 (anna) does not end in the 64 hexadecimal digits"},
		"four parts":     {"anna:read:" + hash + ":x", "entry 1 (anna) does not end in the 64 hexadecimal digits"},
		"second entry":   {"anna:read:" + hash + ",bob", "entry 2 is not name:role:sha256hex"},
		"the same twice": {"anna:read:" + hash + ",bob:operate:" + hash, "entry 2 is the same key as entry 1"},
	} {
		_, err := ParseKeys(test.text)
		if err == nil || !strings.HasPrefix(err.Error(), "OPSGUARD_API_KEYS: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		} else if strings.Contains(err.Error(), "5e5e") {
			t.Errorf("%s: %v echoes the entry", name, err)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add("anna:operate:" + strings.Repeat("5e", 32) + ",bob:read:" + strings.Repeat("6f", 32))
	f.Add("::\n,")
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := ParseKeys(text)
		if err == nil && len(ring.entries) == 0 {
			t.Fatalf("%q: taken, but lets nobody in", text)
		}
		for _, e := range ring.entries {
			if checkName(e.name) != nil {
				t.Fatalf("%q: took the name %q", text, e.name)
			}
		}
	})
}
