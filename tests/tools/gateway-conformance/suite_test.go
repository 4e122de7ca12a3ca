// Package suite is the conformance suite of Gateway API as a program, built by `go test -c`.
package suite

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
