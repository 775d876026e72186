package server

import "context"

// Jobs are what the maintenance runs periodically, by name.
func (s *Server) Jobs() map[string]func(context.Context) error {
	all := map[string]func(context.Context) error{}
	for _, j := range append(s.jobs(), s.readKeys(), s.writeUses(), s.writeRefusals()) {
		all[j.name] = j.run
	}
	return all
}
