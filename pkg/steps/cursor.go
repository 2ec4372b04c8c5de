package steps

import (
	"encoding/base64"
	"strings"

	"github.com/opsguard/opsguard/pkg/incident"
)

// MakeCursor is the cursor of the page that follows the incident of that id. Every
// store's lists use it, so that a cursor is refused alike everywhere.
func MakeCursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// ParseCursor returns the id that a cursor was made of, "" for no cursor, and
// Invalid for what no list gave.
func ParseCursor(cursor string) (id string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !incident.ValidID(string(b)) || strings.ContainsAny(cursor, "\r\n") {
		return "", BadCursor()
	}
	return string(b), nil
}

// BadCursor is the answer to a cursor that no list gave.
func BadCursor() error {
	return incident.BadField("cursor", "is not one that a list gave; leave it out to begin at the newest")
}
