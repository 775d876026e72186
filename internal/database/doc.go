// Package database opens the database of a URL, SQLite or PostgreSQL, brings it to this program's schema, and tells a
// conflict and a database that does not answer from every other failure. It owns drivers, connections and migrations.
// It knows nothing of what the tables mean, and it never shows a password: not in a log, not in an error.
package database
