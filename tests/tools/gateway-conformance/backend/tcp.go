package main

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"sigs.k8s.io/gateway-api-conformance-images/echo-basic/tcpserver"
)

// Talks with whoever connects, on one port as it is, and on another over TLS if there is a certificate. Where a test wants
// nobody at the port of its Service, TCP_PORT is another one.
func serveTCP(failures chan<- error) {
	go func() { failures <- listenTCP(":"+cmp.Or(os.Getenv("TCP_PORT"), "3000"), nil) }()
	certificate, key := os.Getenv("TLS_SERVER_CERT"), os.Getenv("TLS_SERVER_PRIV_KEY")
	if certificate == "" || key == "" {
		return
	}
	go func() {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err == nil {
			err = listenTCP(":8443", &tls.Config{Certificates: []tls.Certificate{pair}})
		}
		failures <- err
	}()
}

func listenTCP(address string, config *tls.Config) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go converse(client)
	}
}

// Says a welcome, and answers each line that it knows.
func converse(client net.Conn) {
	defer client.Close()
	if _, err := fmt.Fprint(client, tcpserver.WelcomeMessage); err != nil {
		return
	}
	lines := bufio.NewScanner(client)
	for lines.Scan() {
		answer, err := answerLine(client, lines.Text())
		if err == nil {
			_, err = fmt.Fprintln(client, answer)
		}
		if err != nil {
			return
		}
	}
}

func answerLine(client net.Conn, line string) (string, error) {
	secured, isTLS := client.(*tls.Conn)
	switch line {
	case "PING":
		return "PONG", nil
	case "IS_TLS":
		return fmt.Sprint(isTLS), nil
	case "TEST":
		about := tcpserver.TCPAssertions{Namespace: os.Getenv("NAMESPACE"), Pod: os.Getenv("POD_NAME")}
		if isTLS {
			state := secured.ConnectionState()
			about.TLSAssertion = tcpserver.TLSAssertion{
				ServerName: state.ServerName, NegotiatedProtocol: tls.VersionName(state.Version),
			}
		}
		text, err := json.Marshal(about)
		return string(text), err
	}
	return "", fmt.Errorf("%q is not known", line)
}
