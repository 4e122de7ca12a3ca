package main

import (
	"context"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"sigs.k8s.io/gateway-api-conformance-images/echo-basic/grpcechoserver"
)

// Serves calls of gRPC, as a Deployment with GRPC_ECHO_SERVER asks for.
func serveCalls(failures chan<- error) {
	go func() { failures <- listenForCalls(":3000") }()
	// Not the names of the variables for HTTP.
	certificate, key := os.Getenv("TLS_SERVER_CERT"), os.Getenv("TLS_SERVER_PRIV_KEY")
	if certificate == "" || key == "" {
		return
	}
	go func() {
		credentials, err := credentials.NewServerTLSFromFile(certificate, key)
		if err == nil {
			err = listenForCalls(":8443", grpc.Creds(credentials))
		}
		failures <- err
	}()
}

func listenForCalls(address string, options ...grpc.ServerOption) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return grpcechoserver.NewServer(answerCall, options...).Serve(listener)
}

func answerCall(ctx context.Context, method string) *grpcechoserver.EchoResponse {
	log.Printf("Echoing back call of %s", method)
	assertions := &grpcechoserver.Assertions{
		FullyQualifiedMethod: method,
		Context: &grpcechoserver.Context{
			Namespace: os.Getenv("NAMESPACE"), Ingress: os.Getenv("INGRESS_NAME"),
			ServiceName: os.Getenv("SERVICE_NAME"), Pod: os.Getenv("POD_NAME"),
		},
	}
	received, _ := metadata.FromIncomingContext(ctx)
	for name, values := range received {
		for _, value := range values {
			assertions.Headers = append(assertions.Headers, &grpcechoserver.Header{Key: name, Value: value})
		}
	}
	if authority := received.Get(":authority"); len(authority) > 0 {
		assertions.Authority = authority[0]
	}
	return &grpcechoserver.EchoResponse{Assertions: assertions}
}
