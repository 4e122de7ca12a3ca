// The backend of the conformance suite of Gateway API: it answers what the suite's own one answers, whose image cannot
// be had. The suite's Deployments say by variables what a Pod is for.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/websocket"
)

// What is answered: the request, and who answers it.
type answer struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	HTTPPort  string              `json:"httpPort"`
	Namespace string              `json:"namespace"`
	Service   string              `json:"service"`
	Pod       string              `json:"pod"`
	TLS       *connection         `json:"tls,omitempty"`
}

func main() {
	// Nobody else ends the first process of a container.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	failures := make(chan error)
	purpose()(failures)
	select {
	case <-ended:
	case failure := <-failures:
		log.Fatal(failure)
	}
}

// What this Pod is for.
func purpose() func(failures chan<- error) {
	switch {
	case os.Getenv("GRPC_ECHO_SERVER") != "":
		return serveCalls
	case os.Getenv("TCP_ECHO_SERVER") != "":
		return serveTCP
	case os.Getenv("UDP_ECHO_SERVER") != "":
		return serveUDP
	}
	return serve
}

func serve(failures chan<- error) {
	for _, port := range []string{"3000", "3001"} {
		go func() { failures <- server(port).ListenAndServe() }()
	}
	if hasCertificate() {
		go func() { failures <- serveTLS(server("8443")) }()
	}
}

// HTTP/1.1, and HTTP/2 by prior knowledge.
func server(port string) *http.Server {
	routes := http.NewServeMux()
	routes.HandleFunc("/", (&echo{port: port}).respond)
	routes.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	// Without the handler's own check of the origin.
	routes.Handle("/ws", websocket.Server{Handler: talk})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &http.Server{Addr: ":" + port, Handler: routes, Protocols: protocols}
}

// Sends each message back.
func talk(socket *websocket.Conn) {
	messages := websocket.Codec{Marshal: marshal, Unmarshal: unmarshal}
	for {
		var message message
		if messages.Receive(socket, &message) != nil || messages.Send(socket, message) != nil {
			return
		}
	}
}

// A message with its kind, which is that of the answer.
type message struct {
	content []byte
	kind    byte
}

func marshal(value any) ([]byte, byte, error) {
	message := value.(message)
	return message.content, message.kind, nil
}

func unmarshal(content []byte, kind byte, value any) error {
	*value.(*message) = message{content, kind}
	return nil
}

type echo struct {
	port string
	// How often each simulation of failures has been asked, by its `uuid`.
	attempts sync.Map
}

func (e *echo) respond(writer http.ResponseWriter, request *http.Request) {
	// The suite looks for this line in the logs, for copies of requests.
	log.Printf("Echoing back request made to %s to client (%s)", request.RequestURI, request.RemoteAddr)
	query := request.URL.Query()
	pause(query.Get("delay"))
	for _, header := range strings.Split(request.Header.Get("X-Echo-Set-Header"), ",") {
		if name, value, found := strings.Cut(header, ":"); found {
			writer.Header().Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	body, err := json.MarshalIndent(e.answer(request), "", " ")
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	if code, err := strconv.Atoi(query.Get("responseCode")); err == nil && e.fails(query.Get("uuid"), query.Get("succeedAfter")) {
		pause(query.Get("delayRetry"))
		writer.WriteHeader(code)
	}
	// A client that is gone needs no answer.
	_, _ = writer.Write(body)
}

// Whether this attempt is one of those that fail before one succeeds.
func (e *echo) fails(simulation, succeedAfter string) bool {
	failures, err := strconv.Atoi(succeedAfter)
	if err != nil {
		return true
	}
	count, _ := e.attempts.LoadOrStore(simulation, new(counter))
	return count.(*counter).next() <= failures
}

type counter struct {
	sync.Mutex
	count int
}

func (c *counter) next() int {
	c.Lock()
	defer c.Unlock()
	c.count++
	return c.count
}

func pause(text string) {
	if duration, err := time.ParseDuration(text); err == nil {
		time.Sleep(duration)
	}
}

func (e *echo) answer(request *http.Request) answer {
	return answer{
		Path: request.RequestURI, Host: request.Host, Method: request.Method, Proto: request.Proto,
		Headers: request.Header, HTTPPort: e.port,
		Namespace: os.Getenv("NAMESPACE"), Service: os.Getenv("SERVICE_NAME"), Pod: os.Getenv("POD_NAME"),
		TLS: describe(request.TLS),
	}
}
