package accounts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/google/uuid"
)

// transaction is an open transaction with what is published after its commit.
type transaction struct {
	*ent.Tx
	revoked []Revocation
	touched []uuid.UUID // users whose accounts may be changed
	events  []Event     // published after the commit
}

type insideTx struct{}

// maxTxRuns is how often a transaction runs that the database rolls back because of another one.
const maxTxRuns = 3

// inTx runs f in one transaction: committed when f returns nil, rolled back otherwise, also when f panics. It refuses
// to nest: the inner work would not be part of the outer, and on SQLite it would wait for it for ever.
//
// A transaction that the database rolled back for another one (serialization failure, deadlock) runs again. So f must
// start from nothing each time and set its result on every path. After a lost connection the outcome is unknown, and
// nothing runs again.
func (s *Service) inTx(ctx context.Context, f func(ctx context.Context, tx *transaction) error) error {
	for run := 1; ; run++ {
		err := s.inOneTx(ctx, f)
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

func (s *Service) inOneTx(ctx context.Context, f func(ctx context.Context, tx *transaction) error) error {
	if ctx.Value(insideTx{}) != nil {
		return errors.New("accounts: a transaction inside a transaction")
	}
	tx := &transaction{}
	committing := false
	err := atomically(ctx, s.config.Client, func(begun *ent.Tx) error {
		tx.Tx = begun
		err := f(context.WithValue(ctx, insideTx{}, true), tx)
		committing = err == nil
		return err
	})
	if committing {
		s.invalidate(tx) // also when the commit failed: it may have been done, and only its answer lost
	}
	if err == nil {
		s.publish(ctx, tx)
	}
	return err
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
	if len(tx.revoked) > 0 && !s.config.SessionCache.Shared { // otherwise the database notifies this instance too
		s.PublishPending(context.WithoutCancel(ctx))
	}
	for _, r := range tx.revoked {
		s.config.OnEvent(ctx, eventOf(r))
	}
	for _, e := range tx.events {
		s.config.OnEvent(ctx, e)
	}
}
