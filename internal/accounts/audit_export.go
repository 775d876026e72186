package accounts

import (
	"bytes"
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
	for after := uuid.Nil; ; {
		rows, err := s.config.Client.AuditEvent.Query().Where(where...).Where(auditevent.IDGT(after)).
			Order(ent.Asc(auditevent.FieldID)).Limit(exportedRows).All(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			line, err := auditLine(row)
			if err == nil {
				_, err = w.Write(line)
			}
			if err != nil {
				return err
			}
			after = row.ID
		}
		if len(rows) < exportedRows {
			return nil
		}
	}
}

// auditLine is a row as the export has it, with the end of the line. Seals of the first form have its hash: were a row
// written in another way, it would appear as changed.
func auditLine(row *ent.AuditEvent) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(auditEventOf(row))
	return line.Bytes(), err
}
