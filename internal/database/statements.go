package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// keptStatements is far above the number of Gatehouse's statements. It bounds what a list of varying length in an
// IN (…) can cost a connection's memory.
const keptStatements = 256

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statements are what one connection has prepared, by text.
type statements map[string]statement

// prepare returns the statement of a text, made on first sight.
func (s statements) prepare(ctx context.Context, c driver.ConnPrepareContext, query string) (statement, error) {
	if st, is := s[query]; is {
		return st, nil
	}
	made, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	st, is := made.(statement)
	if !is {
		return nil, errors.Join(fmt.Errorf("the driver's %T cannot be kept", made), made.Close())
	}
	if len(s) >= keptStatements {
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
