package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/rsguard/rsguard/benchmarks/rows"
)

// soak validates n tokens on all processors, of twice as many users as are
// remembered. It prints the heap, which must not grow.
func soak(ctx context.Context, out io.Writer, n int) error {
	const users, remembered = 2000, 1000
	issuer, err := rows.NewIssuer("EdDSA")
	if err != nil {
		return err
	}
	defer issuer.Close()
	v, err := rows.NewValidator(ctx, issuer, remembered)
	if err != nil {
		return err
	}
	tokens := make([]string, users)
	for i := range tokens {
		if tokens[i], err = issuer.Sign(map[string]any{"sub": fmt.Sprint("user ", i)}); err != nil {
			return err
		}
	}

	var done, refused atomic.Int64
	const steps = 10
	for step := range steps {
		var wg sync.WaitGroup
		workers := runtime.GOMAXPROCS(0)
		for worker := range workers {
			wg.Go(func() {
				for i := worker; i < n/steps && ctx.Err() == nil; i += workers {
					// Most requests are of few users.
					token := tokens[(i*i%users)*(i%users)/users]
					if _, err := v.Validate(ctx, token); err != nil {
						refused.Add(1)
					}
					done.Add(1)
				}
			})
		}
		wg.Wait()
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Fprintf(out, "%3d%%  %9d validations  %d refused  heap %5.1f MiB  %d goroutines\n",
			(step+1)*100/steps, done.Load(), refused.Load(), float64(m.HeapAlloc)/(1<<20), runtime.NumGoroutine())
	}
	return nil
}
