package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// statementCacheSize is far above the number of Gatehouse's statements. It bounds the memory that lists of varying
// length in an IN (…) can cost a connection.
const statementCacheSize = 256

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statements are the prepared statements of one connection, by text.
type statements map[string]statement

// prepare returns the statement of a text, prepared at its first use.
func (s statements) prepare(ctx context.Context, c driver.ConnPrepareContext, query string) (statement, error) {
	if st, ok := s[query]; ok {
		return st, nil
	}
	prepared, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	st, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the driver's %T cannot be cached", prepared), prepared.Close())
	}
	if len(s) >= statementCacheSize {
		for old, oldest := range s { // any one: a full cache is the exception
			delete(s, old)
			if err := oldest.Close(); err != nil {
				return nil, err
			}
			break
		}
	}
	s[query] = st
	return st, nil
}
