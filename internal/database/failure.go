package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unavailable tells a database that does not answer, or has no room at the moment, from every other failure: asking
// again later may help. That is a connection which is refused, cut or too slow, a server that starts or stops, and one
// without free connections, disk or memory; on SQLite a file that stayed locked, and a full disk. It is false for a
// context that was cancelled, since there nobody waits for the answer.
func Unavailable(err error) bool {
	if refused, is := errors.AsType[*pq.Error](err); is {
		return silent(refused.Code)
	}
	if refused, is := errors.AsType[*sqlite.Error](err); is {
		primary := refused.Code() & 0xff
		return primary == sqlite3.SQLITE_BUSY || primary == sqlite3.SQLITE_FULL
	}
	if broken, is := errors.AsType[*net.OpError](err); is {
		// Go's TLS calls an alert a network error: "remote error" when the server sent it, "local error" otherwise.
		return broken.Op != "remote error" && broken.Op != "local error"
	}
	for _, silence := range []error{context.DeadlineExceeded, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, silence) {
			return true
		}
	}
	return false
}

// silent reports whether a SQLSTATE means unavailable. query_canceled is among them: Postgres answers it to
// statement_timeout, and else to a caller who left.
func silent(code pqerror.Code) bool {
	switch code {
	case pqerror.QueryCanceled, pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow,
		pqerror.IdleSessionTimeout:
		return true
	}
	class := code.Class()
	return class == pqerror.ClassConnectionException || class == pqerror.ClassInsufficientResources
}

// Conflict tells a violated unique index or primary key from every other failure. Ent's own test reads the message,
// which Postgres writes in the server's language.
func Conflict(err error) bool {
	if refused, is := errors.AsType[*sqlite.Error](err); is {
		code := refused.Code()
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return pq.As(err, pqerror.UniqueViolation) != nil
}
