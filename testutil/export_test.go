package testutil

import (
	"fmt"
	"sync"
)

// AdapterFailures returns what the suite of TestAdapter says of an adapter, by
// the name of the test.
func AdapterFailures(wrap wrapper) map[string][]string {
	return TransportFailures(webFramework(wrap))
}

// TransportFailures is AdapterFailures for TestTransport.
func TransportFailures(transport Transport) map[string][]string {
	failures := map[string][]string{}
	testAdapter(transport, func(name string, test func(reporter)) {
		var r recorder
		test(&r)
		if r.failures != nil {
			failures[name] = r.failures
		}
	})
	return failures
}

type recorder struct {
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
