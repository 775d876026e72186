package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/auditseal"
)

// readSeals is how many seals are read with a statement.
const readSeals = 20

// AuditCheck is what an operator knows beside what the database has.
type AuditCheck struct {
	Trusted []string // kids of former signing keys, which signed the last seal of a chain
	Known   SealID   // a seal that an earlier verification returned; zero: none
}

// SealID names a seal with all that it vouches for.
type SealID struct {
	Number int
	Hash   string // SHA-256 in hexadecimal
}

// VerifiedAudit says what was verified.
type VerifiedAudit struct {
	Seals, Rows int
	Since       time.Time // rows of before this time may be deleted, and were not looked at
	Until       time.Time // the end of the last seal
	Erased      int       // of Rows: those of which a part is erased, with a receipt
	Newer       int       // rows that are in no seal yet
	Last        SealID
}

// VerifyAuditLog compares the audit log with its seals. The error names the first seal or row that was changed, added or
// taken away. It holds no transaction.
func (s *Service) VerifyAuditLog(ctx context.Context, known AuditCheck) (*VerifiedAudit, error) {
	newest, err := s.lastSeal(ctx)
	if err != nil {
		return nil, err
	}
	if newest == nil {
		return nil, errors.New("the audit log has no seal; a server makes the first one within a minute of its start")
	}
	v := &auditVerification{Service: s, known: known, newest: newest, erased: map[uuid.UUID]byte{}, receipts: map[uuid.UUID]byte{}}
	if err := v.trust(newest); err != nil {
		return nil, err
	}
	v.Since, v.Until = newest.Kept.UTC().Add(lateCommit), newest.Until.UTC()
	v.lower, v.upper = firstAuditID(v.Since), firstAuditID(v.Until.Add(-lateCommit))
	if err := v.verifySeals(ctx); err != nil {
		return nil, err
	}
	if err := v.eachSeal(ctx, v.verifyRows); err != nil {
		return nil, err
	}
	if err := v.verifyErasures(ctx); err != nil {
		return nil, err
	}
	return &v.VerifiedAudit, v.countRows(ctx)
}

// auditVerification goes through the seals, oldest first.
type auditVerification struct {
	*Service
	VerifiedAudit
	known        AuditCheck
	newest       *ent.AuditSeal
	previous     *ent.AuditSeal
	lower, upper uuid.UUID // between them each row is in a seal
	inside       int       // sealed rows between them
	met          bool      // the seal that is known

	erased   map[uuid.UUID]byte // the parts of rows that are erased
	receipts map[uuid.UUID]byte // those of which there is a receipt
}

// trust returns an error unless a seal was signed by a signing key of this moment, or one that the operator trusts.
func (v *auditVerification) trust(seal *ent.AuditSeal) error {
	kid, err := v.sealedBy(seal)
	if err != nil && kid != "" {
		if slices.Contains(v.known.Trusted, kid) {
			return nil
		}
		return fmt.Errorf("%w: if it was one then, and was not revoked because it leaked, repeat with --trust %s", err, kid)
	}
	return err
}

// eachSeal calls f with the seals up to the newest, oldest first.
func (v *auditVerification) eachSeal(ctx context.Context, f func(context.Context, *ent.AuditSeal) error) error {
	for after := -1; ; {
		some, err := v.config.Client.AuditSeal.Query().
			Where(auditseal.IDGT(after), auditseal.IDLTE(v.newest.ID)).
			Order(ent.Asc(auditseal.FieldID)).Limit(readSeals).All(ctx)
		if err != nil {
			return err
		}
		for _, seal := range some {
			if err := f(ctx, seal); err != nil {
				return err
			}
			after = seal.ID
		}
		if len(some) < readSeals {
			return nil
		}
	}
}

// verifySeals looks at no row yet: what a changed seal says of rows counts for nothing.
func (v *auditVerification) verifySeals(ctx context.Context) error {
	known := v.known.Known
	err := v.eachSeal(ctx, func(_ context.Context, seal *ent.AuditSeal) error {
		if err := v.verifyChain(seal); err != nil {
			return err
		}
		v.previous, v.Last = seal, SealID{seal.ID, hex.EncodeToString(sealHash(seal))}
		if v.Seals++; seal.ID != known.Number {
			return nil
		}
		if v.met = v.Last == known; !v.met {
			return fmt.Errorf("seal %d is not the one that you know: it was replaced", seal.ID)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if v.Last != (SealID{v.newest.ID, hex.EncodeToString(sealHash(v.newest))}) {
		return fmt.Errorf("seal %d was changed or taken away meanwhile", v.newest.ID)
	}
	if known.Number != 0 && !v.met {
		return fmt.Errorf("seal %d, which you know, is not there: it was taken away, or its rows were deleted by age",
			known.Number)
	}
	return nil
}

// verifyChain checks that a seal follows the one before it. The newest is trusted, so that each is that another follows
// with its hash.
func (v *auditVerification) verifyChain(seal *ent.AuditSeal) error {
	if len(seal.Members)/len(uuid.Nil) != len(seal.Hashes)/sha256.Size || len(seal.Members)%len(uuid.Nil) != 0 ||
		len(seal.Hashes)%sha256.Size != 0 || !bytes.Equal(seal.Root, merkleRoot(seal.Hashes)) {
		return fmt.Errorf("seal %d was changed: its root is not that of its rows", seal.ID)
	}
	before := v.previous
	switch {
	case before == nil && seal.ID > 1 && seal.Since.After(v.Since):
		return fmt.Errorf("the seals before %d were taken away", seal.ID)
	case before == nil:
		return nil
	case seal.ID != before.ID+1:
		return fmt.Errorf("seal %d was taken away", before.ID+1)
	case len(seal.Previous) == 0:
		if err := v.trust(before); err != nil {
			return fmt.Errorf("a new chain begins with seal %d: %w", seal.ID, err)
		}
		return nil
	case !bytes.Equal(seal.Previous, sealHash(before)):
		return fmt.Errorf("seal %d was changed: it is not the one that seal %d follows", before.ID, seal.ID)
	}
	return nil
}

func (v *auditVerification) verifyRows(ctx context.Context, seal *ent.AuditSeal) error {
	ids := members(seal)
	rows, err := v.auditRows(ctx, ids)
	if err != nil {
		return err
	}
	for i, id := range ids {
		row := rows[id]
		if bytes.Compare(id[:], v.lower[:]) >= 0 {
			if bytes.Compare(id[:], v.upper[:]) < 0 {
				v.inside++
			}
			v.Rows++
			if err := v.verifyRow(seal, id, row, seal.Hashes[i*sha256.Size:][:sha256.Size]); err != nil {
				return err
			}
		}
		if row != nil && isReceipt(row) {
			listed, _, err := parseReceipt(row)
			if err != nil {
				return rowError(id, fmt.Sprintf("was changed: %v", err))
			}
			v.addReceipt(listed)
		}
	}
	return nil
}

func (v *auditVerification) verifyRow(seal *ent.AuditSeal, id uuid.UUID, row *ent.AuditEvent, hash []byte) error {
	if row == nil {
		return rowError(id, fmt.Sprintf("was taken away: seal %d has it", seal.ID))
	}
	if userPartOf(row).isHalfErased() || actorPartOf(row).isHalfErased() {
		return rowError(id, "was changed: it is half erased")
	}
	erased, found := erasedParts(row), auditLeaf(row)
	if erased != 0 {
		v.erased[id] = erased
	}
	if seal.Form == lineForm {
		if erased != 0 { // its line is gone; its receipt says that this program erased it
			return nil
		}
		line, err := auditLine(row)
		if err != nil {
			return fmt.Errorf("writing the row %s: %w", id, err)
		}
		found = sha256.Sum256(line)
	}
	if !bytes.Equal(found[:], hash) {
		return rowError(id, fmt.Sprintf("was changed: seal %d has another hash", seal.ID))
	}
	return nil
}

func rowError(id uuid.UUID, what string) error {
	return fmt.Errorf("the row %s of %s %s", id, auditTime(id).Format(time.RFC3339), what)
}

// countRows looks for a row that no seal has, when there are more rows than the seals have.
func (v *auditVerification) countRows(ctx context.Context) error {
	rows := func() *ent.AuditEventQuery {
		return v.config.Client.AuditEvent.Query().Where(auditevent.IDGTE(v.lower))
	}
	inside, err := rows().Where(auditevent.IDLT(v.upper)).Count(ctx)
	if err != nil {
		return err
	}
	all, err := rows().Count(ctx)
	if err != nil {
		return err
	}
	if v.Newer = all - v.Rows; inside == v.inside {
		return nil
	}
	return v.findAdded(ctx)
}

func (v *auditVerification) findAdded(ctx context.Context) error {
	sealed := map[uuid.UUID]bool{}
	err := v.eachSeal(ctx, func(_ context.Context, seal *ent.AuditSeal) error {
		for _, id := range members(seal) {
			sealed[id] = true
		}
		return nil
	})
	for after := v.lower; err == nil; {
		var some []uuid.UUID
		some, err = v.config.Client.AuditEvent.Query().Where(auditevent.IDGT(after), auditevent.IDLT(v.upper)).
			Order(ent.Asc(auditevent.FieldID)).Limit(exportedRows).IDs(ctx)
		for _, id := range some {
			if !sealed[id] {
				return rowError(id, "was added: no seal has it")
			}
			after = id
		}
		if err == nil && len(some) < exportedRows {
			return errors.New("rows changed meanwhile: repeat the verification")
		}
	}
	return err
}
