package gemini

import (
	"context"
	"errors"

	"google.golang.org/grpc"
)

// noGRPC stands where the library would open a gRPC connection for its client of
// caches, which is not used here. Without it, the library dials Google as soon as
// it is opened, past the transport that it was given.
type noGRPC struct{}

var errNoGRPC = errors.New("gemini: gRPC is not used")

func (noGRPC) Conn() *grpc.ClientConn { return nil }
func (noGRPC) Num() int               { return 0 }
func (noGRPC) Close() error           { return nil }

func (noGRPC) Invoke(context.Context, string, any, any, ...grpc.CallOption) error { return errNoGRPC }

func (noGRPC) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errNoGRPC
}
