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

// TestNotices_ComeFewAtATime: of a flood of sign-ins on new devices the first two are told, with a link.
func TestNotices_ComeFewAtATime(t *testing.T) {
	s, ann := open(t, Options{}), "ann@example.com"
	_, err := s.accounts.Register(t.Context(), &viewer.Viewer{}, accounts.RegisterInput{Email: ann, Password: "correct horse battery"})
	testenv.Check(t, err)
	testenv.Check(t, s.db.Client.User.Update().SetEmailVerified(true).Exec(t.Context()))
	for range 5 {
		_, err := s.accounts.Login(t.Context(), &viewer.Viewer{}, accounts.LoginInput{Email: ann, Password: "correct horse battery"})
		testenv.Check(t, err)
	}
	testenv.Equal(t, 5, s.db.Client.Job.Query().CountX(t.Context()), "jobs")
	t.Cleanup(runTasks(context.Background(), s.log, []task{s.outbox.Run}))
	testenv.Eventually(t, "the jobs are done", testenv.HangGuard, func() bool { return s.db.Client.Job.Query().CountX(t.Context()) == 0 })
	got := s.inbox.Messages()
	if len(got) != 2 || got[0].Kind != mail.NewDevice || got[0].To != ann || len(got[0].Links) != 1 ||
		!strings.Contains(got[0].Links[0], "/account/secure#token=") ||
		s.message(outbox.Job{}, &accounts.Letter{Kind: accounts.MailNewDevice}).Data.Link != "" {
		t.Errorf("%+v", got)
	}
}
