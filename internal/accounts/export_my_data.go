package accounts

import (
	"cmp"
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
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
// that. The token is used up when all of it was read: reading takes long, and holds up nobody who writes. Problems:
// INVALID_TOKEN, RATE_LIMITED, UNAUTHENTICATED for an account with a second factor.
func (s *Service) DownloadMyData(
	ctx context.Context, v *viewer.Viewer, in DownloadMyDataInput,
) (*DownloadMyDataPayload, error) {
	now := s.now()
	t, err := s.presented(ctx, v, token.Export, in.Token, now)
	if err != nil {
		return nil, err
	}
	text, err := s.readForDownload(ctx, v, t, now)
	if err != nil {
		return nil, err
	}
	err = s.inTx(ctx, v.Caller(), func(ctx context.Context, tx *transaction) error {
		r, err := s.redeem(ctx, tx, t, now)
		if err != nil {
			return err
		}
		if r.token.Address != r.account.Email {
			return linkRefused(tokenRevoked)
		}
		if err := mayDownload(ctx, tx.Client(), v, r.account, now); err != nil {
			return err
		}
		tx.emit(Event{Kind: DataExported, UserID: r.account.ID})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &DownloadMyDataPayload{JSON: text}, nil
}

// readForDownload returns what is stored about the user of a token that could be used now. Problems: INVALID_TOKEN,
// UNAUTHENTICATED.
func (s *Service) readForDownload(
	ctx context.Context, v *viewer.Viewer, t token.OneTime, now time.Time,
) (string, error) {
	account, err := s.config.Client.User.Query().Where(user.ID(t.User), isActive()).Only(ctx)
	if ent.IsNotFound(err) {
		return "", linkRefused(tokenRevoked)
	}
	if err != nil {
		return "", err
	}
	if _, err := usable(ctx, s.config.Client.OneTimeToken, t, now); err != nil {
		return "", err
	}
	if err := mayDownload(ctx, s.config.Client, v, account, now); err != nil {
		return "", err
	}
	return personalData(ctx, s.config.Client, account, now)
}

// mayDownload refuses the data of an account with a second factor to who has no session of it: the link alone shows that
// they read its mail. The link stays as it is. Problem: UNAUTHENTICATED.
func mayDownload(
	ctx context.Context, c *ent.Client, v *viewer.Viewer, account *ent.User, now time.Time,
) error {
	kinds, err := secondFactors(ctx, c, account)
	if err != nil || len(kinds) == 0 {
		return err
	}
	own, err := isSignedIn(ctx, c, v, account, now)
	if err == nil && !own {
		err = problem.New(problem.Unauthenticated, "The account has a second factor: sign in to it first, and use the link then.").
			WithReason(cmp.Or(v.Reason(), string(viewer.Invalid)))
	}
	return err
}
