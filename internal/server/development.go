package server

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
)

// serveNewAdministrator creates an administrator with a made-up address and password, and answers with both. A client
// that can ask for it can read the inbox, and so take over the account of any administrator there is.
func (s *Server) serveNewAdministrator(w http.ResponseWriter, r *http.Request) {
	address, password := "admin-"+strings.ToLower(rand.Text()[:8])+"@example.com", rand.Text()
	user, err := s.accounts.CreateAdministrator(r.Context(), address, password)
	if err != nil {
		s.log.WarnContext(r.Context(), "a made-up administrator was not created", "error", err)
		http.Error(w, "the account was not created: the server's log says why", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]string{"email": user.Email, "password": password})
}
