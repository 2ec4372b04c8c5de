package redact_test

import (
	"fmt"

	"github.com/opsguard/opsguard/pkg/redact"
)

// A placeholder names the kind of secret and nothing else.
func ExampleText() {
	text, found := redact.Text("login failed\npassword=hunter2-and-more\n\x1b[31mred\x1b[0m")
	fmt.Println(text)
	fmt.Println(found.Total(), found)
	// Output:
	// login failed
	// password=[REDACTED:password]
	// red
	// 1 map[password:1]
}
