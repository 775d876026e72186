package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/address"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/ent/onetimetoken"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/recoverycode"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/totpfactor"
	"github.com/gatehouse/gatehouse/internal/token"
)

// An export has at most so many events of the audit log and so many jobs: its answer is one text.
const (
	exportedEvents = 10_000
	exportedJobs   = 1000
)

// exportedRow is a row of a table, by the names of its columns.
type exportedRow map[string]any

// personalData returns what is stored about a user, as JSON: the rows of each table.
func personalData(ctx context.Context, client *ent.Client, account *ent.User, now time.Time) (string, error) {
	tokens, err := client.OneTimeToken.Query().Where(onetimetoken.UserID(account.ID)).
		Order(ent.Asc(onetimetoken.FieldID)).All(ctx)
	if err != nil {
		return "", err
	}
	sessions, err := client.Session.Query().Where(session.UserID(account.ID)).Order(ent.Asc(session.FieldID)).All(ctx)
	if err != nil {
		return "", err
	}
	programs, err := client.AccessToken.Query().Where(accesstoken.UserID(account.ID)).Order(ent.Asc(accesstoken.FieldID)).All(ctx)
	if err != nil {
		return "", err
	}
	factors, codes, err := factorRows(ctx, client, account.ID)
	if err != nil {
		return "", err
	}
	passkeys, err := passkeysOf(ctx, client, account.ID)
	if err != nil {
		return "", err
	}
	held, err := heldAddresses(ctx, client, account, tokens)
	if err != nil {
		return "", err
	}
	jobs, err := jobsOf(ctx, client, account.ID, held)
	if err != nil {
		return "", err
	}
	events, leftOut, err := eventsAbout(ctx, client, account.ID)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(map[string]any{
		"exported_at": now.UTC(), "users": []exportedRow{columnsOf(account)}, "addresses": exportedAddresses(held),
		"sessions": columnsOfEach(sessions), "access_tokens": columnsOfEach(programs), "one_time_tokens": exportedTokens(tokens), "jobs": jobs,
		"totp_factors": columnsOfEach(factors), "recovery_codes": columnsOfEach(codes),
		"passkeys": columnsOfEach(passkeys), "audit_events": events, "audit_events_left_out": leftOut,
	})
	return text.String(), err
}

func factorRows(ctx context.Context, client *ent.Client, id uuid.UUID) ([]*ent.TotpFactor, []*ent.RecoveryCode, error) {
	factors, err := client.TotpFactor.Query().Where(totpfactor.UserID(id)).Order(ent.Asc(totpfactor.FieldID)).All(ctx)
	if err != nil {
		return nil, nil, err
	}
	codes, err := client.RecoveryCode.Query().Where(recoverycode.UserID(id)).Order(ent.Asc(recoverycode.FieldID)).All(ctx)
	return factors, codes, err
}

// columnsOf returns what a row of Ent has, but for what its schema calls sensitive: a new column is exported.
func columnsOf(row any) exportedRow {
	of, all := reflect.ValueOf(row).Elem(), exportedRow{}
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" || name == "edges" {
			continue
		}
		all[name] = of.Field(i).Interface()
		switch at := all[name].(type) {
		case time.Time:
			all[name] = at.UTC()
		case *time.Time:
			if at != nil {
				all[name] = at.UTC()
			}
		}
	}
	return all
}

func columnsOfEach[T any](rows []*T) []exportedRow {
	all := make([]exportedRow, len(rows))
	for i, row := range rows {
		all[i] = columnsOf(row)
	}
	return all
}

// exportedTokens are the rows of one-time tokens. Whom the user has invited is another person.
func exportedTokens(rows []*ent.OneTimeToken) []exportedRow {
	all := columnsOfEach(rows)
	for i, row := range rows {
		if row.Purpose == string(token.Invitation) {
			delete(all[i], onetimetoken.FieldAddress)
		}
	}
	return all
}

// heldAddresses are the address of an account and those that it could go back to.
func heldAddresses(
	ctx context.Context, client *ent.Client, account *ent.User, tokens []*ent.OneTimeToken,
) ([]*ent.Address, error) {
	known := []string{account.Email}
	for _, row := range tokens {
		known = append(known, row.Address)
	}
	return client.Address.Query().Where(address.IDIn(known...), address.UserID(account.ID)).
		Order(ent.Asc(address.FieldID)).All(ctx)
}

func exportedAddresses(rows []*ent.Address) []exportedRow {
	all := columnsOfEach(rows)
	for i, row := range rows {
		delete(all[i], "id") // as Ent calls it
		all[i][address.FieldID] = row.ID
	}
	return all
}

// jobsOf are the rows of the jobs of mails to a user, or about them.
func jobsOf(ctx context.Context, client *ent.Client, id uuid.UUID, held []*ent.Address) ([]exportedRow, error) {
	own := &ent.Erasure{ID: id}
	for _, a := range held {
		own.Addresses = append(own.Addresses, a.ID)
	}
	rows, err := client.Job.Query().Where(job.Kind(MailJob), jobsAbout(own)).
		Order(ent.Desc(job.FieldID)).Limit(exportedJobs).All(ctx)
	all := []exportedRow{}
	for _, row := range rows {
		var args mailArgs
		if err := json.Unmarshal([]byte(row.Args), &args); err != nil {
			return nil, fmt.Errorf("reading the arguments of the job %s: %w", row.ID, err)
		}
		if args.User != id && (args.User != uuid.Nil || !slices.Contains(own.Addresses, args.Address)) {
			continue // only a text in it, such as another user's name, is the same
		}
		exported := columnsOf(row)
		exported[job.FieldArgs] = json.RawMessage(row.Args)
		delete(exported, job.FieldLeasedBy)
		all = append(all, exported)
	}
	return all, err
}

// eventsAbout are the newest rows of the audit log that name a user, and how many are left out.
func eventsAbout(ctx context.Context, client *ent.Client, id uuid.UUID) ([]exportedRow, int, error) {
	var rows []*ent.AuditEvent
	of, total := auditevent.UserID(id), 0
	byThem := auditevent.And(auditevent.ActorID(id), auditevent.Or(auditevent.UserIDIsNil(), auditevent.UserIDNEQ(id)))
	for _, where := range []predicate.AuditEvent{of, byThem} { // each has its index
		newest, err := newestEvents(ctx, client, where)
		if err != nil {
			return nil, 0, err
		}
		n, err := client.AuditEvent.Query().Where(where).Count(ctx)
		if err != nil {
			return nil, 0, err
		}
		rows, total = append(rows, newest...), total+n
	}
	slices.SortFunc(rows, func(a, b *ent.AuditEvent) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	rows = rows[:min(len(rows), exportedEvents)]
	all := make([]exportedRow, len(rows))
	for i, row := range rows {
		all[i] = exportedEvent(row, id)
	}
	return all, max(0, total-len(rows)), nil
}

// newestEvents reads at most exportedEvents rows, newest first.
func newestEvents(
	ctx context.Context, client *ent.Client, where predicate.AuditEvent,
) (all []*ent.AuditEvent, err error) {
	query := client.AuditEvent.Query().Where(where)
	for len(all) < exportedEvents {
		some, err := query.Clone().Order(ent.Desc(auditevent.FieldID)).Limit(exportedRows).All(ctx)
		if all = append(all, some...); err != nil || len(some) < exportedRows {
			return all, err
		}
		query = client.AuditEvent.Query().Where(where, auditevent.IDLT(some[len(some)-1].ID))
	}
	return all, nil
}

// exportedEvent is what a row of the audit log says of a user, without what it says of another person: the other part, and
// which operator it was.
func exportedEvent(row *ent.AuditEvent, id uuid.UUID) exportedRow {
	shown := []string{auditevent.FieldID, auditevent.FieldKind, auditevent.FieldActor, auditevent.FieldDetail,
		auditevent.FieldOmitted}
	parts := partsAbout(row, id)
	if parts&userPart != 0 {
		shown = append(shown, auditevent.FieldUserID, auditevent.FieldSessionID, auditevent.FieldBefore, auditevent.FieldAfter)
	}
	if parts&actorPart != 0 {
		shown = append(shown, auditevent.FieldActorID, auditevent.FieldActorSessionID, auditevent.FieldIP,
			auditevent.FieldUserAgent, auditevent.FieldRequestID)
	}
	all, exported := columnsOf(row), exportedRow{"occurred_at": auditTime(row.ID)}
	for _, name := range shown {
		exported[name] = all[name]
	}
	return exported
}
