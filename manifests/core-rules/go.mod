// The OWASP Core Rule Set, from where Go programs get it.
module adit/manifests/core-rules

go 1.23

require github.com/corazawaf/coraza-coreruleset/v4 v4.25.0
