package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// AuditActor is a value of GraphQL's enum of that name: the capacity in which somebody acted.
type AuditActor string

// The capacities.
const (
	ActorUser          AuditActor = "USER"          // a signed-in user, or one who has just proved who they are
	ActorAdministrator AuditActor = "ADMINISTRATOR" // an administrator, on what is not their own
	ActorOperator      AuditActor = "OPERATOR"      // a command, run by a user of the operating system
	ActorSystem        AuditActor = "SYSTEM"        // the program itself, such as a rotation that was due
	ActorAnonymous     AuditActor = "ANONYMOUS"     // a request without a usable access token
)

// auditBatch is how many rows one statement inserts. Each has seventeen parameters, and SQLite takes 32,766.
const auditBatch = 1000

type operatorKey struct{}

// AsOperator returns a context whose events name the user of the operating system who runs a command.
func AsOperator(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operatorKey{}, name)
}

// auditRow is an event with who caused it.
type auditRow struct {
	Event
	id          uuid.UUID
	actor       AuditActor
	by, session uuid.UUID // the user who acted, and with which session or personal access token
	operator    string
	from        viewer.Origin
	requestID   string
	omitted     int
}

// auditRowOf adds to an event what the context says of its cause.
func auditRowOf(ctx context.Context, e Event, id uuid.UUID) auditRow {
	v := viewer.From(ctx)
	r := auditRow{Event: e, id: id, by: v.UserID, session: v.CredentialID(), from: v.Origin, requestID: requestid.From(ctx)}
	r.operator, _ = ctx.Value(operatorKey{}).(string)
	switch {
	case r.operator != "":
		r.actor = ActorOperator
	case slices.Contains([]EventKind{SignedIn, AccountCreated, InvitationAccepted, RecoveryCodeUsed}, e.Kind),
		e.Kind == AccountRestored && e.SessionID != uuid.Nil: // whatever access token came with the request
		r.actor, r.by, r.session = ActorUser, e.UserID, e.SessionID
	case v.HasRole(string(RoleAdmin)) && v.UserID != e.UserID:
		r.actor = ActorAdministrator
	case v.SignedIn():
		r.actor = ActorUser
	case r.requestID != "":
		r.actor = ActorAnonymous
	default:
		r.actor = ActorSystem
	}
	return r
}

// recordEvents writes events to the audit log, in the transaction of what they tell.
func recordEvents(ctx context.Context, tx *ent.Tx, now time.Time, events ...Event) error {
	rows := make([]auditRow, len(events))
	for i, e := range events {
		rows[i] = auditRowOf(ctx, e, auditID(now, i))
	}
	return insertAuditRows(ctx, tx, rows)
}

// Rows that are there already stay: what was written before an answer was lost is written again.
func insertAuditRows(ctx context.Context, tx *ent.Tx, rows []auditRow) error {
	for some := range slices.Chunk(rows, auditBatch) {
		created := make([]*ent.AuditEventCreate, len(some))
		for i, r := range some {
			created[i] = tx.AuditEvent.Create().
				SetID(r.id).SetKind(string(r.Kind)).SetActor(string(r.actor)).
				SetNillableUserID(nilIfZero(r.UserID)).SetNillableSessionID(nilIfZero(r.SessionID)).
				SetNillableActorID(nilIfZero(r.by)).SetNillableActorSessionID(nilIfZero(r.session)).
				SetNillableOperator(nilIfEmpty(r.operator)).SetNillableRequestID(nilIfEmpty(r.requestID)).
				SetNillableIP(nilIfEmpty(r.from.Address())).SetNillableUserAgent(nilIfEmpty(r.from.Agent)).
				SetNillableBefore(nilIfEmpty(r.Before)).SetNillableAfter(nilIfEmpty(r.After)).
				SetNillableDetail(nilIfEmpty(r.Limit + r.Denied + r.Invitation + r.Receipt + string(r.Factor))).SetOmitted(r.omitted).
				SetUserSalt(newAuditSalt()).SetActorSalt(newAuditSalt())
		}
		err := tx.AuditEvent.CreateBulk(created...).OnConflictColumns(auditevent.FieldID).DoNothing().Exec(ctx)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("writing the audit log: %w", err)
		}
	}
	return nil
}

func nilIfZero(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// auditTicks are how many values a millisecond has in an id: rand_a of a UUIDv7 has twelve bits (RFC 9562, section 6.2,
// method 3).
const auditTicks = 1 << 12

// auditID returns a UUIDv7 of a moment. Those of one transaction differ in their order, n.
func auditID(at time.Time, n int) (id uuid.UUID) {
	ticks := uint64(at.UnixMicro())*auditTicks/1000 + uint64(n)
	rand.Read(id[8:])
	binary.BigEndian.PutUint64(id[:8], ticks/auditTicks<<16|ticks%auditTicks)
	id[6] |= 7 << 4
	id[8] = id[8]&0x3f | 0x80
	return id
}

// firstAuditID is below every id of this moment, or later.
func firstAuditID(at time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(max(0, at.UnixMilli()))<<16)
	return id
}

// auditTime returns the moment of an id, to the millisecond.
func auditTime(id uuid.UUID) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}
