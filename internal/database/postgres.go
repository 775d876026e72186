package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
)

// server is a PostgreSQL database.
type server struct {
	config  pq.Config
	servers *servers
}

func (s server) dialect() string { return dialect.Postgres }

func (s server) check(context.Context, *sql.DB) error { return nil }

func (s server) String() string {
	u := url.URL{Scheme: "postgres", User: url.User(s.config.User), Path: s.config.Database, Host: serverNames(s.config)}
	return u.String()
}

// parseServer reads the URL as lib/pq does, which also reads libpq's variables (PGPASSFILE, PGSSLROOTCERT, …) for
// what the URL leaves out. Where neither says sslmode it is disable on this machine and verify-full otherwise:
// encryption without a check of the certificate does not stop a man in the middle, so it must be asked for.
func parseServer(text string) (engine, error) {
	read, err := readURL(text)
	if err != nil {
		return nil, err
	}
	if err := read.clean(); err != nil {
		return nil, err
	}
	config, err := pq.NewConfig(read.String())
	if err != nil {
		return nil, fmt.Errorf("database: the settings after ? in the URL, or libpq's PG… variables: %w", err)
	}
	if err := refuseMixedHosts(config); err != nil {
		return nil, err
	}
	if config.SSLMode == "" {
		config.SSLMode = pq.SSLModeVerifyFull
		if onThisMachine(config) {
			config.SSLMode = pq.SSLModeDisable
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "gatehouse"
	}
	config.BinaryParameters = true // see connection
	switch config.TargetSessionAttrs {
	case "":
		if len(config.Multi) > 0 {
			config.TargetSessionAttrs = pq.TargetSessionAttrsReadWrite
		}
	case pq.TargetSessionAttrsReadOnly, pq.TargetSessionAttrsStandby, pq.TargetSessionAttrsPreferStandby:
		return nil, fmt.Errorf("database: target_session_attrs=%s in the URL, or PGTARGETSESSIONATTRS: Gatehouse writes; use "+
			"read-write", config.TargetSessionAttrs)
	}
	return server{config, &servers{dial: (&net.Dialer{}).DialContext}}, nil
}

func onThisMachine(c pq.Config) bool {
	return !slices.ContainsFunc(hostsOf(c), func(h pq.ConfigMultihost) bool { return !isLocal(h.Host, h.Hostaddr) })
}

func hostsOf(c pq.Config) []pq.ConfigMultihost {
	return append([]pq.ConfigMultihost{{Host: c.Host, Hostaddr: c.Hostaddr, Port: c.Port}}, c.Multi...)
}

// refuseMixedHosts refuses a list of sockets and other machines. lib/pq has one sslmode for all of a list: with a socket
// in front it would send the password to the others in clear, whatever sslmode says, and otherwise ask the socket for
// TLS, which it never has.
func refuseMixedHosts(c pq.Config) error {
	socket := func(h pq.ConfigMultihost) bool { return !h.Hostaddr.IsValid() && isSocket(h.Host) }
	if onThisMachine(c) || !slices.ContainsFunc(hostsOf(c), socket) {
		return nil
	}
	return errors.New("database: the URL lists a socket beside hosts of other machines, and the driver would use TLS for " +
		"all or for none; write the address of this machine in place of the socket, such as 10.0.0.1:5432")
}

func isSocket(host string) bool { return filepath.IsAbs(host) || strings.HasPrefix(host, "@") }

func isLocal(host string, addr netip.Addr) bool {
	if !addr.IsValid() {
		addr, _ = netip.ParseAddr(host)
	}
	if addr.IsValid() {
		return addr.IsLoopback()
	}
	return host == "localhost" || isSocket(host)
}

// open makes the pool: by default small enough that five instances share a server with its default of 100 connections. All are
// kept when idle, since a new one costs several round trips, and each is replaced after half an hour, so that a changed
// address is followed.
func (s server) open(bool) (*sql.DB, error) {
	db := sql.OpenDB(connector(s))
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
	return db, nil
}

// schemaQuery leaves out what belongs to an extension, which many hosts put into the schema public.
func (s server) schemaQuery() string {
	return `SELECT t.relname, coalesce(c.attname, '') FROM pg_class t
		JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = current_schema()
		LEFT JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
		WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (SELECT FROM pg_depend d
			WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')`
}

// trialWrite takes no row, and is refused by a standby and by a session that only reads.
func (s server) trialWrite() string {
	return "UPDATE " + versionTable + " SET tstamp = tstamp WHERE false"
}

func (s server) provider(db *sql.DB, migrations fs.FS, l locker) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithDisableGlobalRegistry(true),
		goose.WithTableName(versionTable), goose.WithSessionLocker(l))
}

func (s server) locker(db *sql.DB) (locker, error) { return &transactionLock{db: db}, nil }
