package database

import (
	"database/sql"
	"io/fs"
)

// SQL is the pool, for tests that look beneath Ent.
func (d *Database) SQL() *sql.DB { return d.sql }

// SetMigrations makes this the database of another version of the program.
func (d *Database) SetMigrations(m fs.FS) { d.migrations = m }

// Migrations are the files of this program for the database's engine.
func (d *Database) Migrations() fs.FS { return d.migrations }

// HeartbeatText and ParseHeartbeat are a beat's text and what is read from it.
var (
	HeartbeatText  = heartbeatText
	ParseHeartbeat = parseHeartbeat
)

const StatementCacheSize = statementCacheSize

// Prepared is how many statements a connection to a SQLite file has kept.
func Prepared(c any) int { return len(c.(*sqliteConn).statements) }

// SSLMode is what a URL comes to.
func SSLMode(url string) string {
	e, err := parse(url)
	if err != nil {
		return err.Error()
	}
	return string(e.(server).config.SSLMode)
}

// ReadURL returns libpq's keywords and values of a URL.
func ReadURL(url string) (map[string]string, error) { return readURL(url) }
