//go:build tools

// Package tools names the command that is built here, so that `go mod tidy` keeps it.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
