package accounts

import (
	"context"
	"errors"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// AuditEvent is a row of the audit log. Its JSON is a line of the export.
type AuditEvent struct {
	ID             uuid.UUID  `json:"id"`
	OccurredAt     time.Time  `json:"occurredAt"`
	Kind           string     `json:"kind"`
	UserID         *uuid.UUID `json:"userId,omitempty"`
	SessionID      *uuid.UUID `json:"sessionId,omitempty"`
	Actor          AuditActor `json:"actor"`
	ActorID        *uuid.UUID `json:"actorId,omitempty"`
	ActorSessionID *uuid.UUID `json:"actorSessionId,omitempty"`
	Operator       *string    `json:"operator,omitempty"`
	IP             *string    `json:"ip,omitempty"`
	UserAgent      *string    `json:"userAgent,omitempty"`
	RequestID      *string    `json:"requestId,omitempty"`
	Before         *string    `json:"before,omitempty"`
	After          *string    `json:"after,omitempty"`
	Detail         *string    `json:"detail,omitempty"`
	Omitted        int        `json:"omitted,omitempty"`
}

// OwnerID returns the user whose account the event concerns; uuid.Nil when none is known.
func (e *AuditEvent) OwnerID() uuid.UUID {
	if e.UserID == nil {
		return uuid.Nil
	}
	return *e.UserID
}

func auditEventOf(row *ent.AuditEvent) *AuditEvent {
	return &AuditEvent{
		ID: row.ID, OccurredAt: auditTime(row.ID), Kind: row.Kind, UserID: row.UserID, SessionID: row.SessionID,
		Actor: AuditActor(row.Actor), ActorID: row.ActorID, ActorSessionID: row.ActorSessionID, Operator: row.Operator,
		IP: row.IP, UserAgent: row.UserAgent, RequestID: row.RequestID,
		Before: row.Before, After: row.After, Detail: row.Detail, Omitted: row.Omitted,
	}
}

// forOwner is an event as the user sees it whose account it concerns: an administrator and an operator have done
// something, and not who, from where and how; of another user's attempt, not whose session it was.
func (e *AuditEvent) forOwner() *AuditEvent {
	shown := *e
	if e.ActorID != nil && *e.ActorID == e.OwnerID() {
		return &shown
	}
	shown.ActorID, shown.ActorSessionID, shown.Operator = nil, nil, nil
	if e.Actor == ActorAdministrator || e.Actor == ActorOperator {
		shown.IP, shown.UserAgent, shown.RequestID = nil, nil, nil
	}
	return &shown
}

// AuditFilter is GraphQL's input of that name: all that is given must hold.
type AuditFilter struct {
	UserID  *uuid.UUID
	ActorID *uuid.UUID
	Kind    *string
	Since   *time.Time
	Until   *time.Time
}

// AuditConnection is GraphQL's type of that name.
type AuditConnection struct {
	Edges    []*AuditEdge
	PageInfo *PageInfo
}

// AuditEdge is GraphQL's type of that name.
type AuditEdge struct {
	Cursor string
	Node   *AuditEvent
}

// AuditLog returns one page of all security events, newest first, for administrators. Problem: BAD_USER_INPUT.
func (s *Service) AuditLog(ctx context.Context, p Page, f *AuditFilter) (*AuditConnection, error) {
	where, err := f.predicates()
	bounds, wrongPage := p.bounds(s.config.MaxPage, idPosition)
	if err := errors.Join(wrongPage, err); err != nil {
		return nil, err
	}
	return s.auditPage(ctx, bounds, (*AuditEvent).whole, where...)
}

// Activity is AuditLog for what concerns a user's account, as they see it.
func (s *Service) Activity(ctx context.Context, of *User, p Page) (*AuditConnection, error) {
	bounds, err := p.bounds(s.config.MaxPage, idPosition)
	if err != nil {
		return nil, err
	}
	return s.auditPage(ctx, bounds, (*AuditEvent).forOwner, auditevent.UserID(of.ID))
}

func (e *AuditEvent) whole() *AuditEvent { return e }

func (s *Service) auditPage(
	ctx context.Context, b pageBounds, shown func(*AuditEvent) *AuditEvent, where ...predicate.AuditEvent,
) (*AuditConnection, error) {
	rows, err := s.config.Client.AuditEvent.Query().Where(where...).Where(b.newestFirst).Limit(b.size + 1).All(ctx)
	if err != nil {
		return nil, err
	}
	connection := &AuditConnection{Edges: []*AuditEdge{}}
	rows, connection.PageInfo = page(rows, b)
	for _, row := range rows {
		edge := &AuditEdge{Cursor: writeCursor(row.ID[:]), Node: shown(auditEventOf(row))}
		connection.Edges = append(connection.Edges, edge)
	}
	if n := len(connection.Edges); n > 0 {
		connection.PageInfo.StartCursor = &connection.Edges[0].Cursor
		connection.PageInfo.EndCursor = &connection.Edges[n-1].Cursor
	}
	return connection, nil
}

// newestFirst passes events between the bounds, in descending order of their ids.
func (b pageBounds) newestFirst(events *entsql.Selector) {
	id := events.C(auditevent.FieldID)
	if b.after != nil {
		events.Where(entsql.LT(id, b.after.id))
	}
	if b.before != nil {
		events.Where(entsql.GT(id, b.before.id))
	}
	if b.backward {
		events.OrderBy(entsql.Asc(id))
	} else {
		events.OrderBy(entsql.Desc(id))
	}
}

// predicates returns what selects the events. A kind that there is not selects none.
func (f *AuditFilter) predicates() (all []predicate.AuditEvent, err error) {
	if f == nil {
		return nil, nil
	}
	if f.UserID != nil {
		all = append(all, auditevent.UserID(*f.UserID))
	}
	if f.ActorID != nil {
		all = append(all, auditevent.ActorID(*f.ActorID))
	}
	if f.Kind != nil {
		if !isLine(*f.Kind) {
			return nil, problem.BadInput("kind", problem.Malformed, "This is no kind of event; they have names such as signed_in.")
		}
		all = append(all, auditevent.Kind(*f.Kind))
	}
	if f.Since != nil {
		all = append(all, auditevent.IDGTE(firstAuditID(*f.Since)))
	}
	if f.Until != nil {
		all = append(all, auditevent.IDLT(firstAuditID(*f.Until)))
	}
	return all, nil
}

// auditNode returns an event for an administrator, or for the user whose account it concerns; nil for others.
func (s *Service) auditNode(ctx context.Context, v *viewer.Viewer, id uuid.UUID) (*AuditEvent, error) {
	query, isAdmin := s.config.Client.AuditEvent.Query().Where(auditevent.ID(id)), s.actsAsAdministrator(v)
	if !isAdmin {
		query.Where(auditevent.UserID(v.UserID))
	}
	row, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	event := auditEventOf(row)
	if isAdmin {
		return event, nil
	}
	return event.forOwner(), nil
}
