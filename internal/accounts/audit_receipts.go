package accounts

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
)

// erasedRow is a row of the audit log with the parts of it that were erased together.
type erasedRow struct {
	id    uuid.UUID
	parts byte
}

const erasedRowLen = len(uuid.UUID{}) + 1

// receipt is what the event of an erasure has as its detail: the rows, signed. So who may write to the database, and has
// not the secret, erases nothing unnoticed. It names no person.
func (s *Service) receipt(rows []erasedRow) (string, error) {
	key := s.config.Access.Keys().Signing(s.now())
	if key == nil {
		return "", errors.New("every signing key has ended")
	}
	var list []byte
	for _, row := range rows {
		list = append(append(list, row.id[:]...), row.parts)
	}
	signature, err := key.SignDocument(receiptDocument(list))
	encode := base64.RawURLEncoding.EncodeToString
	return encode(list) + "." + encode(signature), err
}

// receiptDocument is what the signature of a receipt is of.
func receiptDocument(list []byte) []byte {
	text, _ := json.Marshal(map[string][]byte{"erased": list}) // bytes: it cannot fail
	return text
}

// parseReceipt returns the rows of a receipt, and its signature.
func parseReceipt(row *ent.AuditEvent) (rows []erasedRow, signature []byte, err error) {
	if row.Detail == nil {
		return nil, nil, errors.New("there is no receipt")
	}
	text, signed, _ := strings.Cut(*row.Detail, ".")
	list, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		signature, err = base64.RawURLEncoding.DecodeString(signed)
	}
	if err == nil && len(list)%erasedRowLen != 0 {
		err = errors.New("a row is incomplete")
	}
	for ; err == nil && len(list) > 0; list = list[erasedRowLen:] {
		rows = append(rows, erasedRow{uuid.UUID(list[:len(uuid.Nil)]), list[len(uuid.Nil)]})
	}
	return rows, signature, err
}

// signedReceipt is parseReceipt with an error unless a signing key of this moment made the signature.
func (s *Service) signedReceipt(row *ent.AuditEvent) ([]erasedRow, error) {
	rows, signature, err := parseReceipt(row)
	if err != nil {
		return nil, fmt.Errorf("reading a receipt: %w", err)
	}
	var list bytes.Buffer
	for _, r := range rows {
		list.Write(r.id[:])
		list.WriteByte(r.parts)
	}
	return rows, s.config.Access.Keys().VerifyDocument(receiptDocument(list.Bytes()), signature, s.now())
}

func isReceipt(row *ent.AuditEvent) bool { return row.Kind == string(AccountErased) }
