package integration

import "context"

// AWS is the process's own access to AWS, with which executors assume the role of a
// target. The zero value is no access.
type AWS struct {
	// Credentials are the process's own as they are now; nil where it has none. Errors are
	// incident.Invalid and say what to set.
	Credentials func(ctx context.Context) (AWSKey, error)
	// Endpoint is where every service is, such as an emulator's http://127.0.0.1:4566; "":
	// each at its own address of AWS.
	Endpoint string
}

// AWSKey signs calls to AWS. It is secret.
type AWSKey struct {
	ID, Secret string
	Token      string // of keys that expire; "" for those that do not
}

// String keeps the key out of whatever prints it.
func (k AWSKey) String() string { return "AWS key [secret]" }

// GoString keeps the key out of %#v.
func (k AWSKey) GoString() string { return k.String() }
