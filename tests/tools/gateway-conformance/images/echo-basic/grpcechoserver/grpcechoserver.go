// Package grpcechoserver has the names of the service that the suite's tests of GRPCRoute call. It is not generated, so
// that these tests can be built, and not run.
package grpcechoserver

import (
	"context"
	"errors"

	"google.golang.org/grpc"
)

var errNotBuilt = errors.New("the suite is built without gRPC")

// EchoRequest asks for an EchoResponse.
type EchoRequest struct{}

// EchoResponse says what was asked for.
type EchoResponse struct {
	Assertions *Assertions
}

func (r *EchoResponse) GetAssertions() *Assertions {
	if r == nil {
		return nil
	}
	return r.Assertions
}

// Assertions are what the suite compares.
type Assertions struct {
	FullyQualifiedMethod string
	Context              *Context
	Headers              []*Header
}

func (a *Assertions) GetFullyQualifiedMethod() string {
	if a == nil {
		return ""
	}
	return a.FullyQualifiedMethod
}

func (a *Assertions) GetContext() *Context {
	if a == nil {
		return nil
	}
	return a.Context
}

func (a *Assertions) GetHeaders() []*Header {
	if a == nil {
		return nil
	}
	return a.Headers
}

// Header is one of the request.
type Header struct {
	Key, Value string
}

func (h *Header) GetKey() string   { return h.Key }
func (h *Header) GetValue() string { return h.Value }

// Context is who answers.
type Context struct {
	Namespace, Pod string
}

func (c *Context) GetNamespace() string {
	if c == nil {
		return ""
	}
	return c.Namespace
}

func (c *Context) GetPod() string {
	if c == nil {
		return ""
	}
	return c.Pod
}

// GrpcEchoClient calls the service.
type GrpcEchoClient struct{}

func NewGrpcEchoClient(grpc.ClientConnInterface) GrpcEchoClient { return GrpcEchoClient{} }

func (GrpcEchoClient) Echo(context.Context, *EchoRequest, ...grpc.CallOption) (*EchoResponse, error) {
	return nil, errNotBuilt
}

func (GrpcEchoClient) EchoTwo(context.Context, *EchoRequest, ...grpc.CallOption) (*EchoResponse, error) {
	return nil, errNotBuilt
}

func (GrpcEchoClient) EchoThree(context.Context, *EchoRequest, ...grpc.CallOption) (*EchoResponse, error) {
	return nil, errNotBuilt
}
