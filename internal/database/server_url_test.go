package database_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestURL_IsReadAsItWasWritten writes URLs of all parts, as PostgreSQL's documentation says, 34.1.1.2.
func TestURL_IsReadAsItWasWritten(t *testing.T) {
	hosts := map[string]map[string]string{ // as written: as read
		"":                     {},
		"h":                    {"host": "h"},
		"h:6543":               {"host": "h", "port": "6543"},
		"h1:5432,h2:5432":      {"host": "h1,h2"},
		"h1:1,h2:2,[::1]:3":    {"host": "h1,h2,::1", "port": "1,2,3"},
		"h1,h2:2":              {"host": "h1,h2", "port": "5432,2"},
		"[2001:db8::1]":        {"host": "2001:db8::1"},
		"%2Frun%2Fpostgresql":  {"host": "/run/postgresql"},
		"%2Fs:1,127.0.0.1:2":   {"host": "/s,127.0.0.1", "port": "1,2"},
		"p.pooler.example:":    {"host": "p.pooler.example"},
		"%2Fcloudsql%2Fp:r:i":  nil, // the colons want an encoding too
		"h:port":               nil,
		"h:65536":              nil,
		"::1":                  nil,
		"[::1":                 nil,
		"h1:5432,h2:5432:5433": nil,
	}
	for _, user := range []string{"", "u", "tenant.user", "a@b", "ü:/?#[]'\\ %"} {
		for _, password := range []string{"", "p", "a b", "x'\\'y", "%2F/?#@:,"} {
			for host, read := range hosts {
				for _, name := range []string{"", "d", "a b/ü'\\"} {
					text := "postgresql://" + host + "/" + url.PathEscape(name) + "?options=-c%20search_path%3Da%2Cb"
					want := map[string]string{"options": "-c search_path=a,b"}
					if user != "" || password != "" {
						text = strings.Replace(text, "//", "//"+escaped(user)+":"+escaped(password)+"@", 1)
					}
					for keyword, value := range map[string]string{"user": user, "password": password, "dbname": name,
						"host": read["host"], "port": read["port"]} {
						if value != "" {
							want[keyword] = value
						}
					}
					got, err := database.ReadURL(text)
					if read == nil {
						if err == nil {
							t.Errorf("%s: taken as %v", text, got)
						}
						continue
					}
					check(t, err)
					testenv.Equal(t, want, got, "%s", text)
					check(t, database.CheckURL(text))
				}
			}
		}
	}
}

func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// TestURL_OfEachHostIsTaken: what providers show to their customers, with other names.
func TestURL_OfEachHostIsTaken(t *testing.T) {
	for _, text := range []string{
		"postgres://u:p@ec2-1-2-3-4.compute-1.example.com:5432/d1",
		"postgresql://postgres.ref:p@aws-0-eu-central-1.pooler.example.com:6543/postgres?pgbouncer=true&connection_limit=1",
		"postgres://u:p@ep-cool-1.eu-central-1.example.tech/d?sslmode=require&channel_binding=prefer",
		"postgres://u:p@ep-cool-1.example.tech/d?sslmode=require&options=project%3Dep-cool-1",
		"postgres://doadmin:p@db-do-user-1.example.com:25060/defaultdb?sslmode=require",
		"postgres://avnadmin:p@pg-1.example.com:12345/defaultdb?sslmode=require",
		"postgres://u:p@free-tier.example.cloud:26257/defaultdb?sslmode=verify-full&options=--cluster%3Dx-1",
		"postgres://u%40server:p@server.postgres.example.com:5432/postgres?sslmode=require",
		"postgres:///d?host=/cloudsql/project:region:instance&user=u&password=p",
		"postgres://u:p@top2.nearest.of.app.internal:5432/d?sslmode=disable",
		"postgres://default:p@x-pooler.example.com/d?sslmode=require&supa=base-pooler.x&pgbouncer=true&connect_timeout=15",
		"postgres://u:p@h1:5432,h2:5432,h3:5432/d?target_session_attrs=read-write&load_balance_hosts=disable",
		"postgres://u:p@h/d?gssencmode=disable&keepalives=1&keepalives_idle=30&tcp_user_timeout=1000&application_name=x",
		"postgres://u:p@h/d?sslmode=verify-full&sslrootcert=system",
		"postgres://u:p@h/d?search_path=app&statement_timeout=5000",
	} {
		if err := database.CheckURL(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestURL_ListOfSocketsAndOtherMachinesIsRefused: each list of three hosts, with and without sslmode.
func TestURL_ListOfSocketsAndOtherMachinesIsRefused(t *testing.T) {
	kinds := map[string]string{ // as written: where it leads
		"%2Frun": "socket", "@abstract": "socket", "localhost": "here", "127.0.0.1": "here", "[::1]": "here",
		"db.example": "other", "10.0.0.1": "other",
	}
	for first, a := range kinds {
		for second, b := range kinds {
			for third, c := range kinds {
				of := a + b + c
				mixed := strings.Contains(of, "socket") && strings.Contains(of, "other")
				for _, query := range []string{"", "?sslmode=verify-full", "?sslmode=disable"} {
					list := strings.ReplaceAll(first+","+second+","+third, "@", "%40")
					err := database.CheckURL("postgres://u:" + secret + "@" + list + "/d" + query)
					if mixed != (err != nil) || mixed && !strings.Contains(err.Error(), "write the address of this machine") {
						t.Errorf("%s%s: %v", list, query, err)
					}
				}
				if mode := database.SSLMode("postgres://u@" + strings.ReplaceAll(first+","+second+","+third, "@", "%40")); !mixed &&
					mode != map[bool]string{true: "verify-full", false: "disable"}[strings.Contains(of, "other")] {
					t.Errorf("%s, %s, %s: sslmode=%s", first, second, third, mode)
				}
			}
		}
	}
}

func TestURL_WhatCannotBeHadIsRefusedWithTheCure(t *testing.T) {
	for setting, want := range map[string]string{
		"channel_binding=require": "sslmode=verify-full", "gssencmode=require": "use TLS",
		"require_auth=scram-sha-256": "sslmode=verify-full", "requirepeer=postgres": "folder",
		"sslcrl=x": "sslrootcert", "sslcrldir=x": "sslrootcert", "sslcertmode=require": "pg_hba.conf",
		"sslpassword=x": "decrypt", "replication=database": "replication",
		"schema=app": "?search_path=NAME", "currentSchema=app": "?search_path=NAME", "ssl=true": "sslmode=verify-full",
		"requiressl=1": "sslmode", "sslaccept=strict": "sslmode=verify-full", "sslmode=no-verify": "sslmode=require",
	} {
		err := database.CheckURL("postgres://u:" + secret + "@h/d?" + setting)
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(err.Error(), strings.ToLower(name)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", setting, err, want)
			continue
		}
		leaks(t, setting, err.Error())
	}
}

// libpqKeywords are those of PostgreSQL 18, 34.1.2, that say nothing of where and who, each with values.
const libpqKeywords = `passfile=/nowhere require_auth=password,scram-sha-256 channel_binding=disable,prefer,require
connect_timeout=3 client_encoding=UTF8,auto application_name=x fallback_application_name=x keepalives=0,1
keepalives_idle=1 keepalives_interval=1 keepalives_count=1 tcp_user_timeout=1000 replication=false,database
gssencmode=disable,prefer,require sslmode=disable,allow,prefer,require,verify-full requiressl=0,1
sslnegotiation=postgres,direct sslcompression=0,1 sslcert=/nowhere sslkey=/nowhere sslkeylogfile=/nowhere sslpassword=x
sslcertmode=disable,allow,require sslrootcert=system,/nowhere sslcrl=x sslcrldir=x sslsni=0,1 requirepeer=x
ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.3
min_protocol_version=3.0 max_protocol_version=3.0,latest
krbsrvname=x gsslib=x gssdelegation=0 scram_client_key=x scram_server_key=x service=nowhere servicefile=/nowhere
target_session_attrs=any,read-write,primary,prefer-standby,standby load_balance_hosts=disable,random oauth_issuer=x
oauth_client_id=x oauth_client_secret=x oauth_scope=x options=-cstatement_timeout%3D5000`

// TestURL_EachKeywordOfLibpqIsKnown: none reaches the server, which would know it by no name.
func TestURL_EachKeywordOfLibpqIsKnown(t *testing.T) {
	real := dbtest.Postgres(t)
	for _, line := range strings.Fields(libpqKeywords) {
		name, values, _ := strings.Cut(line, "=")
		for value := range strings.SplitSeq(values, ",") {
			text := real + "&" + name + "=" + value
			if name == "sslmode" {
				text = with(t, real, func(u *url.URL) { u.RawQuery = name + "=" + value })
			}
			d, err := database.Open(t.Context(), database.Config{URL: text, Log: quiet, Wait: time.Second})
			if err == nil {
				check(t, d.Close())
			} else if strings.Contains(err.Error(), "unrecognized configuration parameter") {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
	got := refused(t, database.Config{URL: real + "&serch_path=app"}) // the control
	if !strings.Contains(got, "unrecognized") || !strings.Contains(got, "remove it from what stands after ?") {
		t.Error(got)
	}
}

// refusingServer answers each connection with an error of Postgres's.
func refusingServer(t *testing.T, code, message string) (url string) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { l.Close() })
	body := fmt.Sprintf("SFATAL\x00VFATAL\x00C%s\x00M%s\x00\x00", code, message)
	answer := append(binary.BigEndian.AppendUint32([]byte("E"), uint32(len(body)+4)), body...)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1024))
			c.Write(answer)
			c.Close()
		}
	}()
	return "postgres://u:" + secret + "@" + l.Addr().String() + "/d?sslmode=disable"
}

// TestOpen_WaitsOnlyForWhatPasses meets errors of many kinds when it connects.
func TestOpen_WaitsOnlyForWhatPasses(t *testing.T) {
	for code, c := range map[string]struct {
		message, hint string // "": it is waited for
	}{
		"08P01":    {"unsupported startup parameter: search_path", "ALTER ROLE"},
		"28000":    {"no pg_hba.conf entry for host", "check the user and the password"},
		"28P01":    {"password authentication failed", "check the user and the password"},
		"3D000":    {`database "d" does not exist`, "CREATE DATABASE"},
		"42501":    {`permission denied for database "d"`, "GRANT CONNECT"},
		"42704":    {`unrecognized configuration parameter "x"`, "remove it"},
		"22023":    {`invalid value for parameter "statement_timeout": "x"`, "remove it"},
		"0A000":    {"conversion between UTF8 and MULE_INTERNAL is not supported", "ENCODING 'UTF8'"},
		"57P03":    {"the database system is starting up", ""},
		"57P01":    {"terminating connection due to administrator command", ""},
		"53300":    {"sorry, too many clients already", ""},
		"08006":    {"connection failure", ""},
		"08P01 ":   {"server login has been failing, try again later (server_login_retry)", ""},
		"08P01  ":  {"no more connections allowed (max_client_conn)", ""},
		"08P01   ": {"query_wait_timeout", ""},
	} {
		t.Run(c.message, func(t *testing.T) {
			t.Parallel() // some wait
			url := refusingServer(t, strings.TrimSpace(code), c.message)
			open := func(wait time.Duration) (got string, waited bool) {
				var lines bytes.Buffer
				got = refused(t, database.Config{URL: url, Wait: wait, Log: slog.New(slog.NewTextHandler(&lines, nil))})
				leaks(t, code, got+lines.String())
				return got, strings.Contains(got, "no answer within") && strings.Count(lines.String(), "does not answer") > 1
			}
			got, waited := open(map[bool]time.Duration{true: 1500 * time.Millisecond, false: testenv.HangGuard}[c.hint == ""])
			for wait := 3 * time.Second; c.hint == "" && !waited && wait < testenv.HangGuard; wait *= 2 {
				got, waited = open(wait) // a machine stands still at times, and does not try twice
			}
			if !strings.Contains(got, c.message) || waited != (c.hint == "") || !strings.Contains(got, c.hint) {
				t.Errorf("%s: waited %t: %s", code, waited, got)
			}
		})
	}
}

// TestMigrate_UserWithoutRightsIsToldWhich: since PostgreSQL 15 only the owner of a database may write to public.
func TestMigrate_UserWithoutRightsIsToldWhich(t *testing.T) {
	c := dbtest.NewServer(t)
	owner := c.URL("postgres")
	execute(t, owner, "CREATE ROLE weak LOGIN PASSWORD 'weak'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	weak := with(t, owner, func(u *url.URL) { u.User = url.UserPassword("weak", "weak") })
	d := open(t, weak)
	if _, err := d.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), `CREATE ON SCHEMA name TO "weak"`) {
		t.Errorf("%v", err)
	}
	execute(t, owner, `GRANT USAGE, CREATE ON SCHEMA public TO "weak"`)
	must(d.Migrate(t.Context()))
}
