package database

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// settings are libpq's keywords with their values.
type settings map[string]string

// readURL reads a URL as libpq does (PostgreSQL, 34.1.1.2). Package url cannot: there may be several hosts, each with a
// port, and a percent-encoded path of a socket. Its errors quote nothing, since what cannot be read may be a password.
func readURL(text string) (settings, error) {
	_, rest, ok := strings.Cut(text, "://")
	if !ok || strings.Contains(rest, "#") {
		return nil, errURL
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	if strings.Contains(path, "@") || at < 0 && authority != "" && strings.Contains(query, "@") {
		return nil, errURL // a password with a bare / or ?
	}
	s := settings{}
	if err := s.readUser(authority[:max(at, 0)]); err != nil {
		return nil, err
	}
	if err := s.readHosts(authority[at+1:]); err != nil {
		return nil, err
	}
	name, err := url.PathUnescape(path)
	values, queryErr := url.ParseQuery(query)
	if err != nil || queryErr != nil {
		return nil, errURL
	}
	s.set("dbname", name)
	for keyword, value := range values {
		s.set(keyword, value[len(value)-1])
	}
	return s, nil
}

func (s settings) set(keyword, value string) {
	if value != "" {
		s[keyword] = value
	}
}

func (s settings) readUser(text string) error {
	user, password, _ := strings.Cut(text, ":")
	if strings.ContainsAny(text, " <>\"{}|\\^`[]") {
		return errURL
	}
	for keyword, value := range map[string]string{"user": user, "password": password} {
		plain, err := url.PathUnescape(value)
		if err != nil {
			return errURL
		}
		s.set(keyword, plain)
	}
	return nil
}

// readHosts reads host:port,host:port. A host may be an IPv6 address in brackets, a port may be missing.
func (s settings) readHosts(text string) error {
	if text == "" {
		return nil
	}
	var hosts, ports []string
	for one := range strings.SplitSeq(text, ",") {
		host, port := one, ""
		if i := strings.LastIndex(one, ":"); i > strings.LastIndex(one, "]") {
			host, port = one[:i], one[i+1:]
		}
		bare, bracketed := strings.CutPrefix(host, "[")
		bare, closed := strings.CutSuffix(bare, "]")
		host, err := url.PathUnescape(bare)
		_, noNumber := strconv.ParseUint(port, 10, 16)
		if err != nil || bracketed != closed || strings.Contains(host, ":") != bracketed || port != "" && noNumber != nil {
			return errURL
		}
		if port == "" {
			port = "5432"
		}
		hosts, ports = append(hosts, host), append(ports, port)
	}
	s.set("host", strings.Join(hosts, ","))
	if slices.ContainsFunc(ports, func(port string) bool { return port != "5432" }) {
		s.set("port", strings.Join(ports, ","))
	}
	return nil
}

// String writes the settings as lib/pq reads them.
func (s settings) String() string {
	var b strings.Builder
	for _, keyword := range slices.Sorted(maps.Keys(s)) {
		value := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s[keyword])
		fmt.Fprintf(&b, "%s='%s' ", keyword, value)
	}
	return b.String()
}

// droppedSettings ask for nothing that the program does not do anyway: tuning of other drivers and of libpq.
var droppedSettings = []string{
	"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "gsslib",
	"gssdelegation", "sslcompression", "sslkeylogfile", "servicefile",
	"pgbouncer", "supa", "connection_limit", "pool_timeout", "pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime",
	"pool_max_conn_idle_time", "pool_size", "socket_timeout", "statement_cache_size", "statement_cache_capacity",
	"default_query_exec_mode", "description_cache_capacity", "prepared_statements", "preparethreshold", "uselibpqcompat",
	"workaround", "reconnect",
}

const byPassword = "the driver logs in by password or certificate"

// protections are libpq's that lib/pq lacks, with the values that do not insist on them.
var protections = map[string]struct {
	lax    []string
	refuse string
}{
	"channel_binding": {[]string{"disable", "prefer"}, "the driver cannot bind a login to its TLS connection; " +
		"?sslmode=verify-full, without channel_binding, makes sure who answers"},
	"gssencmode": {[]string{"disable", "prefer"}, "the driver has no encryption by GSSAPI; use TLS: ?sslmode=verify-full"},
	"require_auth": {nil, "the driver takes the method that the server asks for; " +
		"?sslmode=verify-full, without require_auth, makes sure who asks"},
	"requirepeer": {nil, "the driver does not look at who owns the socket; put it into a folder that only that user " +
		"writes"},
	"sslcrl": {nil, "the driver reads no lists of revoked certificates; name an authority of short-lived ones by " +
		"sslrootcert"},
	"sslcrldir": {nil, "the driver reads no lists of revoked certificates; name an authority of short-lived ones by " +
		"sslrootcert"},
	"sslcertmode": {[]string{"disable", "allow"}, "the driver cannot make sure that the server asks for a certificate; " +
		"let the server insist, by clientcert=verify-full in its pg_hba.conf"},
	"sslpassword":         {nil, "the driver reads no encrypted keys; decrypt the file, for its owner alone"},
	"scram_client_key":    {nil, byPassword},
	"scram_server_key":    {nil, byPassword},
	"oauth_issuer":        {nil, byPassword},
	"oauth_client_id":     {nil, byPassword},
	"oauth_client_secret": {nil, byPassword},
	"oauth_scope":         {nil, byPassword},
	"replication": {[]string{"false", "off", "no", "0"}, "Gatehouse reads tables, which a connection for " +
		"replication cannot"},
}

// otherDrivers' settings have these spellings here.
var otherDrivers = map[string]string{
	"schema":        "write ?search_path=NAME",
	"currentschema": "write ?search_path=NAME",
	"ssl":           "write ?sslmode=verify-full, or sslmode=disable where the network between is trusted",
	"requiressl":    "write ?sslmode=verify-full, or sslmode=require to encrypt without checking who answers",
	"sslaccept":     "write ?sslmode=verify-full, or sslmode=require to encrypt without checking who answers",
	"tls":           "write ?sslmode=verify-full, or sslmode=disable where the network between is trusted",
}

// clean drops what asks for nothing, and refuses what asks for something that cannot be had.
func (s settings) clean() error {
	for _, keyword := range slices.Sorted(maps.Keys(s)) {
		lower := strings.ToLower(keyword)
		if p, ok := protections[lower]; ok && !slices.Contains(p.lax, s[keyword]) {
			return fmt.Errorf("database: %s in the URL: %s", lower, p.refuse)
		}
		if hint, ok := otherDrivers[lower]; ok {
			return fmt.Errorf("database: %s in the URL is another driver's: %s", lower, hint)
		}
		if _, lax := protections[lower]; lax || slices.Contains(droppedSettings, lower) {
			delete(s, keyword)
		}
	}
	if s["sslmode"] == "no-verify" {
		return errors.New("database: sslmode=no-verify in the URL is another driver's: write sslmode=require, which " +
			"encrypts without checking who answers")
	}
	return nil
}
