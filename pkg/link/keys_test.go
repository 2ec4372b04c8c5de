package link

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const (
	keyA = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
	keyB = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
)

func mustKeys(t testing.TB, text string) Keys {
	t.Helper()
	keys, err := ParseKeys(text)
	if err != nil {
		t.Fatalf("ParseKeys: %v", err)
	}
	return keys
}

func TestParseKeysTakesCommasAndNewlines(t *testing.T) {
	for name, text := range map[string]string{
		"one":                keyA,
		"comma":              keyA + "," + keyB,
		"newline":            keyA + "\n" + keyB + "\n",
		"windows":            keyA + "\r\n" + keyB + "\r\n",
		"spaces and a blank": " " + keyA + " ,, \n " + keyB,
		"longer key":         keyA + keyB,
		"capitals":           strings.ToUpper(keyA),
	} {
		if keys, err := ParseKeys(text); err != nil || keys.IsZero() {
			t.Errorf("%s: got %v, %v; want keys", name, keys, err)
		}
	}
}

func TestParseKeysNamesTheSettingAndNeverTheKey(t *testing.T) {
	const secret = "f00dfeed"
	for name, test := range map[string]struct{ text, want string }{
		"empty":      {"", "holds no key"},
		"separators": {" ,\n,", "holds no key"},
		"short":      {secret, "entry 1 has 4 bytes"},
		"31 bytes":   {keyA + "," + keyB[2:], "entry 2 has 31 bytes"},
		"not hex":    {keyA + "," + secret + "xyz", "entry 2 is not hexadecimal"},
		"odd digits": {keyA + "0", "entry 1 is not hexadecimal"},
	} {
		_, err := ParseKeys(test.text)
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		if !strings.HasPrefix(err.Error(), "OPSGUARD_LINK_KEYS: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q does not say %q", name, err, test.want)
		}
		for _, part := range []string{secret, "xyz", keyA[:8], keyB[2:10]} {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q echoes the key", name, err)
			}
		}
	}
}

func TestNewKeyIsReadByParseKeys(t *testing.T) {
	text, err := NewKey(bytes.NewReader(bytes.Repeat([]byte{7}, MinKeyBytes)))
	if err != nil || text != strings.Repeat("07", MinKeyBytes) {
		t.Fatalf("NewKey: %q, %v", text, err)
	}
	mustKeys(t, text)
	if _, err := NewKey(bytes.NewReader([]byte("short"))); err == nil {
		t.Error("a source that runs dry made a key")
	}
}

func TestKeysNeverPrintThemselves(t *testing.T) {
	keys := mustKeys(t, keyA)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "keys", keys)
	inJSON, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	maker := mustMaker(t, keys, "http://localhost:3000")
	for _, shown := range []string{
		fmt.Sprint(keys), fmt.Sprintf("%v %+v %#v %s", keys, keys, keys, keys), fmt.Sprintf("%+v", maker), log.String(), string(inJSON),
	} {
		if strings.Contains(shown, "a1a1") || strings.Contains(shown, "161 161") {
			t.Errorf("shown: %s", shown)
		}
	}
}
