package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"os"
)

// What is answered of TLS: what the client has asked for and shown, and what came of the handshake.
type connection struct {
	Version            string   `json:"version"`
	PeerCertificates   []string `json:"peerCertificates,omitempty"`
	ServerName         string   `json:"serverName"`
	NegotiatedProtocol string   `json:"negotiatedProtocol,omitempty"`
	CipherSuite        string   `json:"cipherSuite"`
}

// The files of the certificate and its key, which a Deployment mounts from a Secret.
func certificateFiles() (string, string) {
	return os.Getenv("TLS_SERVER_CERT"), os.Getenv("TLS_SERVER_PRIVKEY")
}

func hasCertificate() bool {
	certificate, key := certificateFiles()
	return certificate != "" && key != ""
}

func serveTLS(server *http.Server) error {
	settings, err := clientAuthorities(os.Getenv("TLS_CLIENT_CACERTS"))
	if err != nil {
		return err
	}
	server.TLSConfig = settings
	certificate, key := certificateFiles()
	return server.ListenAndServeTLS(certificate, key)
}

// With a file of authorities, only clients with a certificate of one of them come in.
func clientAuthorities(file string) (*tls.Config, error) {
	if file == "" {
		return &tls.Config{}, nil
	}
	texts, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(texts) {
		return nil, errors.New(file + " has no certificate")
	}
	return &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}, nil
}

func describe(state *tls.ConnectionState) *connection {
	if state == nil {
		return nil
	}
	var certificates []string
	for _, certificate := range state.PeerCertificates {
		certificates = append(certificates, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})))
	}
	return &connection{
		Version:            tls.VersionName(state.Version),
		PeerCertificates:   certificates,
		ServerName:         state.ServerName,
		NegotiatedProtocol: state.NegotiatedProtocol,
		CipherSuite:        tls.CipherSuiteName(state.CipherSuite),
	}
}
