package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// ExportMyDataPayload is GraphQL's type of that name.
type ExportMyDataPayload struct{ Success bool }

// DownloadMyDataInput is GraphQL's input of that name.
type DownloadMyDataInput struct{ Token string }

// DownloadMyDataPayload is GraphQL's type of that name.
type DownloadMyDataPayload struct{ JSON string }

// ExportMyData mails the caller a link to what is stored about them. Problems: MAIL_OFF, RATE_LIMITED, UNAUTHENTICATED.
func (s *Service) ExportMyData(ctx context.Context, v *viewer.Viewer) (*ExportMyDataPayload, error) {
	now := s.now()
	me, err := s.Me(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := s.chargeMail(ctx, v, MailExport, me.Email, now); err != nil {
		return nil, err
	}
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) error {
		tx.emit(Event{Kind: ExportRequested, UserID: caller.ID, SessionID: v.SessionID})
		return s.mailToken(ctx, tx, MailExport, newOneTime{purpose: token.Export, user: caller.ID,
			address: caller.Email, session: v.SessionID}, v.Origin, now)
	})
	if err != nil {
		return nil, err
	}
	return &ExportMyDataPayload{Success: true}, nil
}

// DownloadMyData returns what is stored about the user to whom the token of a link was mailed. Nothing of it is stored for
// that; the token is used up when all of it was read. Problems: INVALID_TOKEN, RATE_LIMITED.
func (s *Service) DownloadMyData(
	ctx context.Context, v *viewer.Viewer, in DownloadMyDataInput,
) (*DownloadMyDataPayload, error) {
	now := s.now()
	t, err := s.presented(ctx, v, token.Export, in.Token, now)
	if err != nil {
		return nil, err
	}
	payload := &DownloadMyDataPayload{}
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		r, err := s.redeem(ctx, tx, t, now)
		if err != nil {
			return err
		}
		if r.token.Address != r.account.Email {
			return linkRefused(tokenRevoked)
		}
		tx.emit(Event{Kind: DataExported, UserID: r.account.ID})
		payload.JSON, err = personalData(ctx, tx, r.account, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}
