package accounts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// transaction is an open transaction with what is published after its commit.
type transaction struct {
	*ent.Tx
	service *Service
	revoked []Revocation
	touched []uuid.UUID             // users whose accounts may be changed
	events  []Event                 // recorded before the commit, published after it
	held    map[uuid.UUID]*ent.User // accounts as they were when they were locked

	committed []func() // called after the commit

	administratorsLocked bool
}

// txFunc is what a use case does in a transaction.
type txFunc = func(ctx context.Context, tx *transaction) error

type insideTx struct{}

const (
	// maxTxRuns is how often a transaction runs that the database rolls back because of another one.
	maxTxRuns = 3
	// maxWaitingTransactions is how many may wait for their turn. At a millisecond each that is a second.
	maxWaitingTransactions = 1000
)

// inTx runs f in one transaction: committed when f returns nil, rolled back otherwise, also when f panics. It refuses
// to nest: the inner work would not be part of the outer, and on SQLite it would wait for it for ever.
//
// The caller waits for a turn first, holding nothing: transactions that wait for rows, or on SQLite for the writer
// before them, would otherwise take all connections away from reads. nil is a command or a background task. Problem:
// UNAVAILABLE.
//
// A transaction that the database rolled back for another one (serialization failure, deadlock) runs again. So f must
// start from nothing each time and set its result on every path. After a lost connection the outcome is unknown, and
// nothing runs again.
func (s *Service) inTx(ctx context.Context, caller []string, f txFunc) error {
	for run := 1; ; run++ {
		err := s.inOneTx(ctx, caller, f)
		if run == maxTxRuns || err == nil || !s.config.IsRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(run) * 20 * time.Millisecond)): // or the same two collide again
		}
	}
}

func (s *Service) inOneTx(ctx context.Context, caller []string, f txFunc) error {
	if ctx.Value(insideTx{}) != nil {
		return errors.New("accounts: a transaction inside a transaction")
	}
	tx := &transaction{service: s}
	committing := false
	err := s.turns.atomically(ctx, s.config.Client, caller, func(begun *ent.Tx) error {
		tx.Tx = begun
		err := f(context.WithValue(ctx, insideTx{}, true), tx)
		if err == nil {
			err = tx.notify(ctx)
		}
		if err == nil {
			err = recordEvents(ctx, begun, s.now(), tx.events...)
		}
		committing = err == nil
		return err
	})
	if committing {
		s.invalidate(tx) // also when the commit failed: it may have been done, and only its answer lost
	}
	if err == nil {
		for _, f := range tx.committed {
			f()
		}
		s.publish(ctx, tx)
	}
	return err
}

// turns share out the transactions that may be open simultaneously.
type turns struct{ *fairqueue.Limiter }

// newTurns leaves half of the turns to others when what one caller writes is blocked.
func newTurns(transactions int) turns {
	return turns{fairqueue.New(fairqueue.Config{
		Slots: transactions, PerCaller: max(1, transactions/2), Queue: maxWaitingTransactions,
	})}
}

// wait returns once it is the caller's turn, until which nothing is held.
func (t turns) wait(ctx context.Context, caller []string) (release func(), err error) {
	release, err = t.Acquire(ctx, caller)
	if errors.Is(err, fairqueue.ErrBusy) {
		return nil, problem.RetryAfter(problem.Unavailable, "Too many changes are being written; try again soon.",
			time.Second).WithCause(err)
	}
	if err != nil {
		return nil, fmt.Errorf("waiting to write: %w", err)
	}
	return release, nil
}

// atomically is the function of that name, once it is the caller's turn.
func (t turns) atomically(ctx context.Context, client *ent.Client, caller []string, f func(tx *ent.Tx) error) error {
	release, err := t.wait(ctx, caller)
	if err != nil {
		return err
	}
	defer release()
	return atomically(ctx, client, f)
}

// atomically runs f in a transaction: committed when f returns nil, rolled back otherwise, also when f panics.
func atomically(ctx context.Context, client *ent.Client, f func(tx *ent.Tx) error) error {
	tx, err := client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = tx.Rollback() // the error of f, or its panic, is the one that matters
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	ended = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing: %w", errors.Join(err, ctx.Err())) // an ended context may have rolled it back
	}
	return nil
}

// invalidate removes from the session cache whom a transaction may have changed.
func (s *Service) invalidate(tx *transaction) {
	for _, r := range tx.revoked {
		s.cache.invalidate(r.UserID)
	}
	for _, id := range tx.touched {
		s.cache.invalidate(id)
	}
}

// publish reports what a committed transaction did.
func (s *Service) publish(ctx context.Context, tx *transaction) {
	for _, e := range tx.events {
		s.config.OnEvent(ctx, e)
	}
}
