package database

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

func (s server) withHint(err error) error {
	if hint := s.hint(err); hint != "" {
		return fmt.Errorf("%w: %s", err, hint)
	}
	return err
}

// hint says how to correct the cause of an error, or "".
func (s server) hint(err error) string {
	if _, ok := errors.AsType[foreignTables](err); ok {
		return "give Gatehouse a schema of its own, by CREATE SCHEMA gatehouse and ?search_path=gatehouse in the URL, or a " +
			"database of its own"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "name the certificate that signed it with ?sslrootcert=FILE; ?sslmode=require encrypts without checking " +
			"who answers"
	}
	if errors.Is(err, pq.ErrSSLNotSupported) {
		return "switch TLS on at the server, or add ?sslmode=disable to the URL where the network between is trusted"
	}
	if refused, ok := errors.AsType[*pq.Error](err); ok {
		return s.hintOf(refused.Code)
	}
	return ""
}

func (s server) hintOf(code pqerror.Code) string {
	user, name := pq.QuoteIdentifier(s.config.User), pq.QuoteIdentifier(s.config.Database)
	switch code {
	case pqerror.InvalidPassword, pqerror.InvalidAuthorizationSpecification:
		return "check the user and the password in the URL, and pg_hba.conf at the server"
	case pqerror.InvalidCatalogName:
		return "check the name, or make it: CREATE DATABASE " + name
	case pqerror.InsufficientPrivilege:
		return fmt.Sprintf("the user lacks a right: GRANT CONNECT ON DATABASE %s TO %s, or GRANT USAGE, CREATE ON SCHEMA "+
			"name TO %[2]s; tables that another user made need ALTER TABLE name OWNER TO %[2]s", name, user)
	case pqerror.UndefinedObject, pqerror.InvalidParameterValue, pqerror.CantChangeRuntimeParam:
		return "the server has no such setting, or not with this value: remove it from what stands after ? in the URL"
	case pqerror.ProtocolViolation:
		return "a pooler takes no setting that it does not know: remove search_path, options and the like from the URL and " +
			"set them for the user, as by ALTER ROLE " + user + " SET search_path = name; or it is not PostgreSQL"
	case pqerror.LockNotAvailable:
		return "a dump or a long transaction uses the table: wait until it is done, or end it (pg_stat_activity shows it), and " +
			"start again"
	case pqerror.FeatureNotSupported: // a conversion between the encoding of the database and that of clients
		return encodingHint
	}
	return ""
}

// transientTexts are in PgBouncer's errors that pass. It has one code, protocol_violation, for these and for settings
// that it refuses, and always writes English.
var transientTexts = []string{"try again", "no more connections", "shutting down", "timeout"}

// refusedForGood reports an error of class connection exception that waiting does not cure.
func refusedForGood(err error) bool {
	if several, ok := errors.AsType[serversError](err); ok {
		return !several.some(func(err error) bool { return !refusedForGood(err) })
	}
	refused := pq.As(err, pqerror.ProtocolViolation)
	return refused != nil && !slices.ContainsFunc(transientTexts, func(text string) bool {
		return strings.Contains(refused.Message, text)
	})
}
