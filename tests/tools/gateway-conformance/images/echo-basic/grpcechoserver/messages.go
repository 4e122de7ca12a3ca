package grpcechoserver

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// EchoRequest asks for an EchoResponse.
type EchoRequest struct{}

// EchoResponse says what was asked for.
type EchoResponse struct {
	Assertions *Assertions
}

// Assertions are what the suite compares.
type Assertions struct {
	FullyQualifiedMethod string
	Headers              []*Header
	Authority            string
	Context              *Context
}

// Header is one of the request.
type Header struct {
	Key, Value string
}

// Context is who answers.
type Context struct {
	Namespace, Ingress, ServiceName, Pod string
}

func (r *EchoResponse) GetAssertions() *Assertions {
	if r == nil {
		return nil
	}
	return r.Assertions
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

func (h *Header) GetKey() string   { return h.Key }
func (h *Header) GetValue() string { return h.Value }

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

// A message, whose fields are texts and messages.
type message interface {
	// Hands over each field that is there.
	fields(text func(protowire.Number, string), of func(protowire.Number, message))
	// Where a field of this number is read to: a *string, or a message; nil if it is not known.
	field(number protowire.Number) any
}

func (*EchoRequest) fields(func(protowire.Number, string), func(protowire.Number, message)) {}
func (*EchoRequest) field(protowire.Number) any                                             { return nil }

func (r *EchoResponse) fields(_ func(protowire.Number, string), of func(protowire.Number, message)) {
	if r.Assertions != nil {
		of(1, r.Assertions)
	}
}

func (r *EchoResponse) field(number protowire.Number) any {
	if number != 1 {
		return nil
	}
	r.Assertions = new(Assertions)
	return r.Assertions
}

func (a *Assertions) fields(text func(protowire.Number, string), of func(protowire.Number, message)) {
	text(1, a.FullyQualifiedMethod)
	for _, header := range a.Headers {
		of(2, header)
	}
	text(3, a.Authority)
	if a.Context != nil {
		of(4, a.Context)
	}
}

func (a *Assertions) field(number protowire.Number) any {
	switch number {
	case 1:
		return &a.FullyQualifiedMethod
	case 2:
		header := new(Header)
		a.Headers = append(a.Headers, header)
		return header
	case 3:
		return &a.Authority
	case 4:
		a.Context = new(Context)
		return a.Context
	}
	return nil
}

func (h *Header) fields(text func(protowire.Number, string), _ func(protowire.Number, message)) {
	text(1, h.Key)
	text(2, h.Value)
}

func (h *Header) field(number protowire.Number) any {
	switch number {
	case 1:
		return &h.Key
	case 2:
		return &h.Value
	}
	return nil
}

func (c *Context) fields(text func(protowire.Number, string), _ func(protowire.Number, message)) {
	text(1, c.Namespace)
	text(2, c.Ingress)
	text(3, c.ServiceName)
	text(4, c.Pod)
}

func (c *Context) field(number protowire.Number) any {
	switch number {
	case 1:
		return &c.Namespace
	case 2:
		return &c.Ingress
	case 3:
		return &c.ServiceName
	case 4:
		return &c.Pod
	}
	return nil
}

// The messages in the form of protobuf.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(value any) ([]byte, error) {
	message, ok := value.(message)
	if !ok {
		return nil, fmt.Errorf("%T is no message of this service", value)
	}
	return appended(nil, message), nil
}

func appended(bytes []byte, of message) []byte {
	of.fields(func(number protowire.Number, text string) {
		if text != "" {
			bytes = protowire.AppendString(protowire.AppendTag(bytes, number, protowire.BytesType), text)
		}
	}, func(number protowire.Number, part message) {
		bytes = protowire.AppendBytes(protowire.AppendTag(bytes, number, protowire.BytesType), appended(nil, part))
	})
	return bytes
}

func (codec) Unmarshal(bytes []byte, value any) error {
	message, ok := value.(message)
	if !ok {
		return fmt.Errorf("%T is no message of this service", value)
	}
	return read(bytes, message)
}

func read(bytes []byte, into message) error {
	for len(bytes) > 0 {
		number, kind, length := protowire.ConsumeTag(bytes)
		if length < 0 {
			return protowire.ParseError(length)
		}
		bytes = bytes[length:]
		length = protowire.ConsumeFieldValue(number, kind, bytes)
		if length < 0 {
			return protowire.ParseError(length)
		}
		value := bytes[:length]
		bytes = bytes[length:]
		if kind != protowire.BytesType {
			continue
		}
		content, _ := protowire.ConsumeBytes(value)
		switch field := into.field(number).(type) {
		case *string:
			*field = string(content)
		case message:
			if err := read(content, field); err != nil {
				return err
			}
		}
	}
	return nil
}
