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

// ErrMoved says that a SQLite file is no longer where it was opened: what is written to it would be lost.
var ErrMoved = errors.New("the database's file was moved or deleted while it was open: put it back, or " +
	"stop the server before restoring another")

// Unavailable tells a database that does not answer, has no room, or takes no writes at the moment, from every other
// failure: asking again later may help. That is a connection which is refused, cut or too slow, a server that starts,
// stops or has become a standby, one without free connections, disk or memory, and a transaction that gave way to
// another; on SQLite a file that stayed locked, a disk that is full, fails or is mounted read-only, and a file that is
// gone or damaged; and a statement that did not get its turn. It is false for a context that was cancelled, since no caller waits for the answer then.
func Unavailable(err error) bool {
	if several, ok := errors.AsType[serversError](err); ok {
		return several.some(Unavailable)
	}
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		return isUnavailable(refused.Code) || contended(refused.Code)
	}
	if refused, ok := errors.AsType[*sqlite.Error](err); ok {
		switch refused.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
			sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
			return true
		}
		return damaged(err)
	}
	if broken, ok := errors.AsType[*net.OpError](err); ok {
		// Go's TLS calls an alert a network error: "remote error" when the server sent it, "local error" otherwise.
		return broken.Op != "remote error" && broken.Op != "local error"
	}
	for _, silence := range []error{context.DeadlineExceeded, driver.ErrBadConn, io.EOF, io.ErrUnexpectedEOF,
		ErrMoved, errNotPrimary, errFormer, errUnreplicated, errBusy} {
		if errors.Is(err, silence) {
			return true
		}
	}
	return false
}

// damaged tells a SQLite file that must be restored from every other failure. Waiting does not help.
func damaged(err error) bool {
	refused, ok := errors.AsType[*sqlite.Error](err)
	return ok && (refused.Code()&0xff == sqlite3.SQLITE_CORRUPT || refused.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// Contended tells a transaction that Postgres has rolled back because of another one (serialization failure, deadlock)
// from every other failure: nothing of it was done, and it may run again immediately. A connection that broke is never
// among them, since it is unknown what was done there.
func Contended(err error) bool {
	refused, ok := errors.AsType[*pq.Error](err)
	return ok && contended(refused.Code)
}

func contended(code pqerror.Code) bool {
	return code == pqerror.TRSerializationFailure || code == pqerror.TRDeadlockDetected
}

// isUnavailable reports whether a SQLSTATE means unavailable. query_canceled is among them: Postgres answers it to
// statement_timeout, and else to a caller who left.
func isUnavailable(code pqerror.Code) bool {
	switch code {
	case pqerror.QueryCanceled, pqerror.AdminShutdown, pqerror.CrashShutdown, pqerror.CannotConnectNow,
		pqerror.IdleSessionTimeout, pqerror.IdleInTransactionSessionTimeout, pqerror.LockNotAvailable,
		pqerror.TransactionTimeout, pqerror.ReadOnlySQLTransaction, pqerror.IOError:
		return true
	}
	class := code.Class()
	return class == pqerror.ClassConnectionException || class == pqerror.ClassInsufficientResources
}

// Conflict tells a violated unique index or primary key from every other failure. Ent's own test reads the message,
// which Postgres writes in the server's language.
func Conflict(err error) bool {
	if refused, ok := errors.AsType[*sqlite.Error](err); ok {
		code := refused.Code()
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return pq.As(err, pqerror.UniqueViolation) != nil
}
