// Package tcpserver has what a backend for TCP says.
package tcpserver

// WelcomeMessage is what it says first.
const WelcomeMessage = "Welcome\n"

// TCPAssertions is what it answers to TEST, as JSON.
type TCPAssertions struct {
	Namespace    string       `json:"namespace"`
	Pod          string       `json:"pod"`
	TLSAssertion TLSAssertion `json:"tls"`
}

// TLSAssertion is what it knows of its connection.
type TLSAssertion struct {
	ServerName         string `json:"serverName"`
	NegotiatedProtocol string `json:"negotiatedProtocol"`
}
