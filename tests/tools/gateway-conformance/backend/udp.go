package main

import (
	"encoding/json"
	"net"
	"os"

	"sigs.k8s.io/gateway-api-conformance-images/echo-basic/udpechoserver"
)

// Answers each datagram with its text, and who answers it.
func serveUDP(failures chan<- error) {
	go func() { failures <- answerDatagrams(":8080") }()
}

func answerDatagrams(address string) error {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	buffer := make([]byte, 1<<16)
	for {
		length, client, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		answer, err := json.Marshal(udpechoserver.EchoResponse{
			Request: string(buffer[:length]), Namespace: os.Getenv("NAMESPACE"),
			Service: os.Getenv("SERVICE_NAME"), Pod: os.Getenv("POD_NAME"),
		})
		if err != nil {
			return err
		}
		// Who is gone needs no answer.
		_, _ = socket.WriteTo(answer, client)
	}
}
