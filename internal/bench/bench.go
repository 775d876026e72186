package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/pgtemp"
)

// bench is one run: its options, what it started, and what it measured so far.
type bench struct {
	options
	table    *table
	progress io.Writer
	folder   string // temporary; holds databases, logs and the built program
	postgres *pgtemp.Server
	engines  []engine
	started  []*process // since stopAll
}

// newBench starts what a run needs. The program must have been built before: building has no deadline.
func newBench(o *options, t *table, progress io.Writer) (*bench, error) {
	b := &bench{options: *o, table: t, progress: progress}
	var err error
	if b.folder, err = os.MkdirTemp("", "gatehouse-bench-"); err != nil {
		return nil, err
	}
	if err := b.startPostgres(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) startPostgres() (err error) {
	b.engines = []engine{engines["SQLite"]}
	b.postgres, err = pgtemp.New(os.TempDir())
	if errors.Is(err, pgtemp.ErrMissing) {
		b.table.note("Without Postgres: %v.", err)
		return nil
	}
	b.engines = []engine{engines["Postgres"], engines["SQLite"]}
	return err
}

func (b *bench) close() error {
	var err error
	if b.postgres != nil {
		err = b.postgres.Close()
	}
	return errors.Join(err, os.RemoveAll(b.folder))
}

func (b *bench) logf(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// build builds the program as a release is built, and returns its path.
func build(ctx context.Context, folder string) (string, error) {
	program := filepath.Join(folder, "gatehouse")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program,
		"github.com/gatehouse/gatehouse")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, output)
	}
	return program, nil
}

// variant is a build of the program on one of the databases.
type variant struct {
	program string
	engine  engine
	label   string // of its figures
	other   bool   // the build to compare with, which has to meet no target

	environment []string // beside that of all servers
}

func (b *bench) variants() []variant {
	var all []variant
	for _, e := range b.engines {
		all = append(all, variant{program: b.binary, engine: e, label: e.name})
		if b.against != "" {
			all = append(all, variant{program: b.against, engine: e, label: e.name + ", other build", other: true})
		}
	}
	return all
}

// targets returns the bounds that a figure of the variant has to meet.
func (v variant) targets(all bounds) bounds {
	if v.other {
		return bounds{unit: all.unit}
	}
	return all
}

// dataset is what a database holds: so many users, with passwords hashed at a cost.
type dataset struct {
	users int
	cost  password.Cost
}

var (
	small = dataset{users: 1000, cost: password.DefaultCost}
	// At the default cost of hashing nothing else of a login would show.
	cheapCost = password.Cost{Memory: 64, Time: 1, Lanes: 1}
)

// makeDatabase returns the URL of a new database, migrated by the program that will serve it.
func (b *bench) makeDatabase(ctx context.Context, v variant, d dataset) (string, error) {
	hash, err := hashPassword(ctx, d.cost)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(b.folder, "database-")
	if err != nil {
		return "", err
	}
	url := "sqlite:" + filepath.Join(folder, "gatehouse.db")
	if v.engine.name == "Postgres" {
		name := strings.ReplaceAll(filepath.Base(folder), "-", "_")
		if err := b.createDatabase(ctx, name); err != nil {
			return "", err
		}
		url = b.postgres.URL(name)
	}
	migrate := exec.CommandContext(ctx, v.program, "migrate")
	migrate.Env, migrate.Dir = b.environment(url, "127.0.0.1:0", d.cost), b.folder
	if output, err := migrate.CombinedOutput(); err != nil {
		return "", fmt.Errorf("migrating a database: %w: %s", err, output)
	}
	return url, insertUsers(ctx, v.engine, url, d.users, hash)
}

func (b *bench) createDatabase(ctx context.Context, name string) error {
	db, err := sql.Open("postgres", b.postgres.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return errors.Join(err, db.Close())
}

// serve starts a program on a database of its own and waits for the first answer.
func (b *bench) serve(ctx context.Context, v variant, d dataset) (*process, error) {
	url, err := b.makeDatabase(ctx, v, d)
	if err != nil {
		return nil, err
	}
	return b.launch(ctx, v, url, d.cost, anything)
}

// launch starts a variant on a database and waits until it answers a first request.
func (b *bench) launch(
	ctx context.Context, v variant, url string, cost password.Cost, first workload,
) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	operations, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := process{address: address, operations: operations, program: v.program,
		environment: append(b.environment(url, address, cost), v.environment...)}
	p.environment = append(p.environment, "GATEHOUSE_OPS_ADDR="+operations)
	return b.spawn(ctx, p, first)
}

func (b *bench) environment(url, address string, cost password.Cost) []string {
	return []string{
		"GATEHOUSE_ADDR=" + address,
		"GATEHOUSE_DATABASE_URL=" + url,
		"GATEHOUSE_SECRET_FILE=" + filepath.Join(b.folder, "secret"),
		"GATEHOUSE_ARGON2=" + cost.String(),
		"GATEHOUSE_ISSUER=http://127.0.0.1", // the same for all, so that one takes the tokens of another
		"GATEHOUSE_ACCESS_TTL=1h",           // longer than a run
		"GATEHOUSE_THROTTLE=off",            // all clients have the same address
		"GODEBUG=gctrace=1",                 // a line in the log for each garbage collection
	}
}

// startYardstick starts this program as one of its servers.
func (b *bench) startYardstick(ctx context.Context, command string, first workload) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := process{address: address, operations: address, program: program, args: []string{command, address}}
	return b.spawn(ctx, p, first)
}
