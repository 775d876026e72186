package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that ends with the first signal to stop. A second one ends the process, however soon it
// comes: nothing begins to stop before that is sure.
func UntilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // what comes from now on ends the process
		select {
		case <-signals: // the second came before
			os.Exit(1)
		default:
			cancel()
		}
	}()
	return ctx
}
