package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

func askForAdministrator(s *Server, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/development/administrator", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1:8080"
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	s.Handler.ServeHTTP(answer, r)
	return answer
}

// TestNewAdministrator_IsForThePageAlone: what another page has the browser send, or a proxy passes on, makes nobody.
func TestNewAdministrator_IsForThePageAlone(t *testing.T) {
	s := open(t, Options{})
	count := func() int { return s.db.Client.User.Query().CountX(t.Context()) }
	for want, asked := range map[int][]map[string]string{
		http.StatusForbidden: {
			{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:3000"},
			{"Origin": "null"}, {"X-Forwarded-For": "127.0.0.1"},
		},
		http.StatusOK: {{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8080"}},
	} {
		for _, headers := range asked {
			before := count()
			testenv.Equal(t, want, askForAdministrator(s, headers).Code, fmt.Sprint(headers))
			testenv.Equal(t, want == http.StatusOK, count() == before+1, fmt.Sprint(headers))
		}
	}
}

func TestNewAdministrator_SignsInAndIsOne(t *testing.T) {
	s := open(t, Options{})
	var made struct{ Email, Password string }
	testenv.Check(t, json.Unmarshal(askForAdministrator(s, nil).Body.Bytes(), &made))
	payload, err := s.accounts.Login(t.Context(), &viewer.Viewer{}, accounts.LoginInput{
		Email: made.Email, Password: made.Password,
	})
	testenv.Check(t, err)
	testenv.Equal(t, []accounts.Role{accounts.RoleAdmin, accounts.RoleUser}, payload.User.Roles, "roles")
}

// TestNewAdministrator_IsNotMadeWhereMailsAreSent: nor where other machines reach the server.
func TestNewAdministrator_IsNotMadeWhereMailsAreSent(t *testing.T) {
	for _, setting := range []string{
		"GATEHOUSE_SMTP_URL=smtp://127.0.0.1:2525",
		"GATEHOUSE_ISSUER=https://id.example.com",
	} {
		s := open(t, Options{}, setting, "GATEHOUSE_MAIL_FROM=id@example.com")
		if got := askForAdministrator(s, nil).Code; got == http.StatusOK {
			t.Errorf("%s: an administrator was made", setting)
		}
	}
}
