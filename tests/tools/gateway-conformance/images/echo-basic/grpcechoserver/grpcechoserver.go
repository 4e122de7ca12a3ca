// Package grpcechoserver has the gRPC service that the suite's tests of GRPCRoute call, and its client. Nothing of it is
// generated: the service is small, and its messages are of texts.
package grpcechoserver

import (
	"context"

	"google.golang.org/grpc"
)

const service = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho"

// GrpcEchoClient calls the service.
type GrpcEchoClient struct{ connection grpc.ClientConnInterface }

func NewGrpcEchoClient(connection grpc.ClientConnInterface) GrpcEchoClient {
	return GrpcEchoClient{connection}
}

func (c GrpcEchoClient) Echo(ctx context.Context, request *EchoRequest, options ...grpc.CallOption) (*EchoResponse, error) {
	return c.call(ctx, "Echo", request, options)
}

func (c GrpcEchoClient) EchoTwo(ctx context.Context, request *EchoRequest, options ...grpc.CallOption) (*EchoResponse, error) {
	return c.call(ctx, "EchoTwo", request, options)
}

// EchoThree is a method that the service does not have.
func (c GrpcEchoClient) EchoThree(ctx context.Context, request *EchoRequest, options ...grpc.CallOption) (*EchoResponse, error) {
	return c.call(ctx, "EchoThree", request, options)
}

func (c GrpcEchoClient) call(ctx context.Context, method string, request *EchoRequest, options []grpc.CallOption) (*EchoResponse, error) {
	response := new(EchoResponse)
	options = append(options, grpc.ForceCodec(codec{}))
	if err := c.connection.Invoke(ctx, "/"+service+"/"+method, request, response, options...); err != nil {
		return nil, err
	}
	return response, nil
}

// Answer makes the response to a call of the method of this full name.
type Answer func(ctx context.Context, method string) *EchoResponse

// NewServer has the service.
func NewServer(answer Answer, options ...grpc.ServerOption) *grpc.Server {
	server := grpc.NewServer(append(options, grpc.ForceServerCodec(codec{}))...)
	description := grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil)}
	for _, name := range []string{"Echo", "EchoTwo"} {
		description.Methods = append(description.Methods, grpc.MethodDesc{MethodName: name, Handler: respond(answer, name)})
	}
	server.RegisterService(&description, answer)
	return server
}

func respond(answer Answer, name string) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		if err := decode(new(EchoRequest)); err != nil {
			return nil, err
		}
		return answer(ctx, "/"+service+"/"+name), nil
	}
}
