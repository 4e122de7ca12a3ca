// Package udpechoserver has what a backend for UDP answers.
package udpechoserver

// EchoResponse is the answer to a datagram, as JSON.
type EchoResponse struct {
	Request   string `json:"request"`
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Pod       string `json:"pod"`
}
