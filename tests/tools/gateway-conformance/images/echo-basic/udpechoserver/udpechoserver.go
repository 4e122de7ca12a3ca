// Package udpechoserver has what a backend for UDP answers.
package udpechoserver

// EchoResponse is the answer to a datagram, as JSON.
type EchoResponse struct {
	Pod string `json:"pod"`
}
