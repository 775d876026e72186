package server

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// askForReset has a user ask for a new password, and works the jobs until the test ends.
func askForReset(t *testing.T, s *Server) {
	t.Helper()
	ann, anonymous := "ann@example.com", &viewer.Viewer{}
	_, err := s.accounts.Register(t.Context(), anonymous, accounts.RegisterInput{Email: ann, Password: "correct horse battery"})
	testenv.Check(t, err)
	_, err = s.accounts.RequestPasswordReset(t.Context(), anonymous, accounts.RequestPasswordResetInput{Email: ann})
	testenv.Check(t, err)
	t.Cleanup(runTasks(context.Background(), s.log, []task{s.outbox.Run}))
}

// TestMails_AreSentByTheirJobs, with the link of the page that is configured, and its token in the fragment.
func TestMails_AreSentByTheirJobs(t *testing.T) {
	for setting, want := range map[string]string{
		"": "http://127.0.0.1/account/reset#token=", "GATEHOUSE_ACCOUNT_URL=https://app.example.com/me/": "https://app.example.com/me/reset#token=",
	} {
		s := open(t, Options{}, strings.Fields(setting)...)
		askForReset(t, s)
		testenv.Eventually(t, "the mail is there", testenv.HangGuard, func() bool { return len(s.inbox.Messages()) > 0 })
		got := s.inbox.Messages()[0]
		if got.Kind != mail.Reset || got.To != "ann@example.com" || len(got.Links) != 1 || !strings.HasPrefix(got.Links[0], want) ||
			len(got.Links[0]) == len(want) {
			t.Errorf("%q: %+v", setting, got)
		}
	}
}

type failingSender struct{ err error }

func (f failingSender) Send(context.Context, mail.Message) error { return f.err }

// TestMails_ThatCannotBeDeliveredAreGivenUp immediately; others are tried again.
func TestMails_ThatCannotBeDeliveredAreGivenUp(t *testing.T) {
	for name, err := range map[string]error{"permanent": &mail.PermanentError{Err: errors.New("550")}, "passing": errors.New("451")} {
		s := open(t, Options{})
		s.sender = failingSender{err}
		askForReset(t, s)
		testenv.Eventually(t, name+": the job was tried", testenv.HangGuard, func() bool {
			jobs, err := s.db.Client.Job.Query().All(t.Context())
			testenv.Check(t, err)
			return len(jobs) == 1 && jobs[0].LastError != nil
		})
		failed, err := outbox.Failed(t.Context(), s.db.Client)
		testenv.Check(t, err)
		testenv.Equal(t, name == "permanent", len(failed) == 1, "%s: given up", name)
	}
}
