// Package setting reads settings from the environment into structs, by the names that
// their env tags give.
package setting

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/opsguard/opsguard/pkg/inventory"
)

// Load fills the struct that into points to. Its error names each variable that cannot
// be read and shows a value that can, because the library's own error names fields.
func Load(into any) error {
	err := env.Parse(into)
	var all env.AggregateError
	if !errors.As(err, &all) {
		return err
	}
	var named []error
	for _, one := range all.Errors {
		var bad env.ParseError
		if errors.As(one, &bad) {
			if f, ok := reflect.TypeOf(into).Elem().FieldByName(bad.Name); ok {
				one = fmt.Errorf("%s: %w; write for instance %s", f.Tag.Get("env"), bad.Err, f.Tag.Get("envDefault"))
			}
		}
		named = append(named, one)
	}
	return errors.Join(named...)
}

// LogLevel reads OPSGUARD_LOG_LEVEL.
func LogLevel(text string) (level slog.Level, err error) {
	if level.UnmarshalText([]byte(text)) != nil {
		return level, fmt.Errorf("OPSGUARD_LOG_LEVEL: %q: must be debug, info, warn or error", text)
	}
	return level, nil
}

// CheckApprovalTimeout holds OPSGUARD_APPROVAL_TIMEOUT to its bounds.
func CheckApprovalTimeout(t time.Duration) error {
	if t < inventory.MinApprovalTimeout || t > inventory.MaxApprovalTimeout || t%time.Second != 0 {
		return fmt.Errorf("OPSGUARD_APPROVAL_TIMEOUT: %s: must be whole seconds, %s at least and %s at most", t, inventory.MinApprovalTimeout, inventory.MaxApprovalTimeout)
	}
	return nil
}

// maxGroupWindow bounds OPSGUARD_GROUP_WINDOW: what is further apart is not one trouble.
const maxGroupWindow = time.Hour

// CheckGroupWindow holds OPSGUARD_GROUP_WINDOW to its bounds.
func CheckGroupWindow(d time.Duration) error {
	if d < 0 || d > maxGroupWindow {
		return fmt.Errorf("OPSGUARD_GROUP_WINDOW: %s: must be 0 to %s", d, maxGroupWindow)
	}
	return nil
}

// CheckIncidentsPerHour holds OPSGUARD_INCIDENTS_PER_HOUR to its bounds.
func CheckIncidentsPerHour(n int) error {
	if n < 0 {
		return fmt.Errorf("OPSGUARD_INCIDENTS_PER_HOUR: %d: must be a whole number, 0 for no bound", n)
	}
	return nil
}
