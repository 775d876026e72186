package accounts

import (
	"context"
	"encoding/json"
	"io"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
)

// exportedRows is how many rows an export reads with a statement.
const exportedRows = 1000

// ExportAuditLog writes the events that a filter selects as JSON, one a line, oldest first. It holds no transaction: an
// event whose transaction commits meanwhile may be missing.
func (s *Service) ExportAuditLog(ctx context.Context, w io.Writer, f *AuditFilter) error {
	where, err := f.predicates()
	if err != nil {
		return err
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for after := uuid.Nil; ; {
		rows, err := s.config.Client.AuditEvent.Query().Where(where...).Where(auditevent.IDGT(after)).
			Order(ent.Asc(auditevent.FieldID)).Limit(exportedRows).All(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := lines.Encode(auditEventOf(row)); err != nil {
				return err
			}
			after = row.ID
		}
		if len(rows) < exportedRows {
			return nil
		}
	}
}
