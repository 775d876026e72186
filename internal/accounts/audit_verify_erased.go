package accounts

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
)

func (v *auditVerification) addReceipt(rows []erasedRow) {
	for _, row := range rows {
		v.receipts[row.id] |= row.parts
	}
}

// verifyErasures wants a receipt for each part of a row that is erased. Those in seals are genuine, or they would not
// have been sealed; newer ones are looked at here.
func (v *auditVerification) verifyErasures(ctx context.Context) error {
	newer, err := v.config.Client.AuditEvent.Query().Where(auditevent.Kind(string(AccountErased)),
		auditevent.IDGTE(v.upper)).Order(ent.Asc(auditevent.FieldID)).All(ctx)
	if err != nil {
		return err
	}
	for _, row := range newer {
		if rows, err := v.signedReceipt(row); err == nil {
			v.addReceipt(rows)
		}
	}
	v.Erased = len(v.erased)
	ids := slices.SortedFunc(maps.Keys(v.erased), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		if v.erased[id]&^v.receipts[id] != 0 {
			return rowError(id, "was erased without a receipt")
		}
	}
	return nil
}
