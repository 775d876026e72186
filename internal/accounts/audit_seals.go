package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/auditevent"
	"github.com/gatehouse/gatehouse/ent/auditseal"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	sealInterval = time.Minute
	// idleSealInterval is how long a log without new rows has no new seal.
	idleSealInterval = 10 * time.Minute
	// lateCommit is how much later than its time a row may be committed, the difference of clocks included. A row that is
	// older than that when it appears is in no seal.
	lateCommit = 10 * time.Minute
	// sealedRows is how many rows a seal has at most.
	sealedRows = 10_000
	// lineForm and leafForm are forms of the hashes in a seal: of lines of the export, and of auditLeaf.
	lineForm, leafForm = 1, 2
	// hashedRows is how many rows are read with a statement, to be hashed.
	hashedRows = 500
)

// SealAuditLog seals what the audit log has got since the last seal, when that is a minute old, and what was committed
// late. It holds no lock: of instances that do so simultaneously, one makes the seal. Call it periodically.
func (s *Service) SealAuditLog(ctx context.Context) error {
	for ctx.Err() == nil {
		last, err := s.lastSeal(ctx)
		if err != nil {
			return err
		}
		until, since := s.now(), time.Unix(0, 0).UTC()
		if last != nil {
			since = last.Until.UTC()
		}
		if until.Sub(since) < sealInterval {
			return nil
		}
		rows, err := s.unsealed(ctx, since, until)
		if err != nil || len(rows) == 0 && until.Sub(since) < idleSealInterval {
			return err
		}
		if len(rows) == sealedRows { // there may be more: the next seal goes on here
			until = auditTime(rows[sealedRows-1]).Add(time.Millisecond)
			if until.Before(since) {
				until = since
			}
		}
		if err := s.seal(ctx, last, rows, until); err != nil {
			return fmt.Errorf("sealing the audit log: %w", err)
		}
	}
	return nil
}

// lastSeal returns nil when there is none.
func (s *Service) lastSeal(ctx context.Context) (*ent.AuditSeal, error) {
	last, err := s.config.Client.AuditSeal.Query().Order(ent.Desc(auditseal.FieldID)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return last, err
}

// unsealed returns the ids of the rows that the seal after one until since has.
func (s *Service) unsealed(ctx context.Context, since, until time.Time) (ids []uuid.UUID, err error) {
	since = since.Add(-lateCommit)
	sealed := map[uuid.UUID]bool{}
	recent, err := s.config.Client.AuditSeal.Query().Where(auditseal.UntilGT(since.Add(-time.Second))).
		Select(auditseal.FieldMembers).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, seal := range recent {
		for _, id := range members(seal) {
			sealed[id] = true
		}
	}
	for after := firstAuditID(since); ; {
		some, err := s.config.Client.AuditEvent.Query().
			Where(auditevent.IDGT(after), auditevent.IDLT(firstAuditID(until))).
			Order(ent.Asc(auditevent.FieldID)).Limit(exportedRows).IDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range some {
			if !sealed[id] && len(ids) < sealedRows {
				ids = append(ids, id)
			}
			after = id
		}
		if len(some) < exportedRows || len(ids) == sealedRows {
			return ids, nil
		}
	}
}

// seal makes the seal after last, unless another instance has made it.
func (s *Service) seal(ctx context.Context, last *ent.AuditSeal, rows []uuid.UUID, until time.Time) error {
	key := s.config.Access.Keys().Signing(s.now())
	if key == nil {
		return errors.New("every signing key has ended")
	}
	next := &ent.AuditSeal{ID: 1, Form: leafForm, Since: time.Unix(0, 0).UTC(), Until: until, Kept: s.now().Add(-s.config.Retention),
		Members: []byte{}, Hashes: []byte{}, Previous: []byte{}, Key: key.Public().JWKS()}
	if last != nil {
		next.ID, next.Since = last.ID+1, last.Until.UTC()
		if last.Kept.After(next.Kept) { // what may be gone stays so
			next.Kept = last.Kept.UTC()
		}
		if _, err := s.sealedBy(last); err != nil {
			s.config.Log.WarnContext(ctx, "the audit log begins a new chain of seals", "seal", next.ID, "error", err)
		} else {
			next.Previous = sealHash(last)
		}
	}
	hashes, err := s.leavesToSeal(ctx, rows)
	if err != nil {
		return err
	}
	for _, id := range rows {
		if hash, ok := hashes[id]; ok {
			next.Members, next.Hashes = append(next.Members, id[:]...), append(next.Hashes, hash[:]...)
		}
	}
	next.Root = merkleRoot(next.Hashes)
	if next.Signature, err = key.SignDocument(sealDocument(next)); err != nil {
		return err
	}
	return s.insertSeal(ctx, next)
}

func (s *Service) insertSeal(ctx context.Context, n *ent.AuditSeal) error {
	err := s.turns.atomically(ctx, s.config.Client, nil, func(tx *ent.Tx) error {
		return tx.AuditSeal.Create().SetID(n.ID).SetSince(n.Since).SetUntil(n.Until).SetKept(n.Kept).
			SetMembers(n.Members).SetForm(n.Form).SetHashes(n.Hashes).SetRoot(n.Root).SetPrevious(n.Previous).
			SetKey(n.Key).SetSignature(n.Signature).
			OnConflictColumns(auditseal.FieldID).DoNothing().Exec(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil // another instance's seal
	}
	return err
}

// sealedBy returns the kid of the key that signed a seal, with an error unless that is a signing key of this moment.
func (s *Service) sealedBy(seal *ent.AuditSeal) (kid string, err error) {
	key, err := token.ParsePublicKey(seal.Key)
	if err == nil {
		err = key.VerifyDocument(sealDocument(seal), seal.Signature)
	}
	if err != nil {
		return "", fmt.Errorf("seal %d was changed: its signature is wrong", seal.ID)
	}
	if !s.config.Access.Keys().Verifies(key.ID(), s.now()) {
		return key.ID(), fmt.Errorf("seal %d was signed by %s, which is no signing key now", seal.ID, key.ID())
	}
	return key.ID(), nil
}

// sealDocument is what the signature of a seal is of.
func sealDocument(s *ent.AuditSeal) []byte {
	ids, hex := sha256.Sum256(s.Members), hex.EncodeToString // of nothing it is one text, whatever a database returns
	form := s.Form
	if form == lineForm {
		form = 0
	}
	text, _ := json.Marshal(struct { // numbers and text: it cannot fail
		Number             int    `json:"number"`
		Since, Until, Kept int64  // microseconds since 1970
		Members            string `json:"members"`
		Form               int    `json:"form,omitempty"` // the first has none in seals of a version that knew no other
		Root               string `json:"root"`
		Previous           string `json:"previous"`
		Key                string `json:"key"`
	}{s.ID, s.Since.UnixMicro(), s.Until.UnixMicro(), s.Kept.UnixMicro(), hex(ids[:]), form, hex(s.Root), hex(s.Previous), s.Key})
	return text
}

// sealHash is what the next seal has of a seal.
func sealHash(s *ent.AuditSeal) []byte {
	hash := sha256.Sum256(slices.Concat(sealDocument(s), s.Signature))
	return hash[:]
}

// members returns the ids of a seal's rows.
func members(s *ent.AuditSeal) (ids []uuid.UUID) {
	for id := range slices.Chunk(s.Members, len(uuid.Nil)) {
		if len(id) == len(uuid.Nil) {
			ids = append(ids, uuid.UUID(id))
		}
	}
	return ids
}

// auditRows returns those of these rows that there are.
func (s *Service) auditRows(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]*ent.AuditEvent, error) {
	all := map[uuid.UUID]*ent.AuditEvent{}
	for some := range slices.Chunk(ids, hashedRows) {
		rows, err := s.config.Client.AuditEvent.Query().Where(auditevent.IDIn(some...)).All(ctx)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			all[row.ID] = row
		}
	}
	return all, nil
}

// leavesToSeal returns the hashes of those rows that there are, but of no receipt that this program has not signed.
func (s *Service) leavesToSeal(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID][sha256.Size]byte, error) {
	rows, err := s.auditRows(ctx, ids)
	leaves := map[uuid.UUID][sha256.Size]byte{}
	for id, row := range rows {
		if isReceipt(row) {
			if _, err := s.signedReceipt(row); err != nil {
				s.config.Log.ErrorContext(ctx, "a receipt of an erasure is not genuine, and is not sealed", "row", id, "error", err)
				continue
			}
		}
		leaves[id] = auditLeaf(row)
	}
	return leaves, err
}

// merkleRoot is that of RFC 6962, section 2.1, but that the leaves are hashes of JSON without a prefix: none begins with
// the byte that a node begins with.
func merkleRoot(leaves []byte) []byte {
	n := len(leaves) / sha256.Size
	if n == 0 {
		root := sha256.Sum256(nil)
		return root[:]
	}
	if n == 1 {
		return leaves[:sha256.Size]
	}
	left := sha256.Size << (bits.Len(uint(n-1)) - 1)
	root := sha256.Sum256(bytes.Join([][]byte{{1}, merkleRoot(leaves[:left]), merkleRoot(leaves[left:])}, nil))
	return root[:]
}

// kept returns from when on the audit log has its rows: the last seal says which may be gone.
func (s *Service) kept(ctx context.Context) (time.Time, error) {
	from := s.now().Add(-s.config.Retention)
	last, err := s.config.Client.AuditSeal.Query().Order(ent.Desc(auditseal.FieldID)).
		Select(auditseal.FieldKept).First(ctx)
	if err == nil && last.Kept.Before(from) {
		from = last.Kept.UTC()
	}
	if ent.IsNotFound(err) {
		err = nil
	}
	return from, err
}

// DeleteOldAuditSeals deletes the seals whose rows may all be gone. Call it periodically.
func (s *Service) DeleteOldAuditSeals(ctx context.Context) error {
	from, err := s.kept(ctx)
	if err != nil {
		return err
	}
	return s.sweep(ctx, auditseal.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		old := entsql.LTE(auditseal.FieldUntil, from)
		return tx.AuditSeal.Delete().Where(unlocked(auditseal.Table, old)).Exec(ctx)
	})
}
