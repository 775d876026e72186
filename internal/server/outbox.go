package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/outbox"
)

// jobStatsTimeout bounds a read of the numbers of jobs for the metrics.
const jobStatsTimeout = 2 * time.Second

func (s *Server) openOutbox() (err error) {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	handlers := map[string]outbox.Handler{}
	if s.sender != nil {
		handlers[accounts.MailJob] = s.sendLetter
	}
	s.outbox, err = outbox.New(outbox.Config{
		Client: s.db.Client, Instance: fmt.Sprint(host, " ", os.Getpid()), Handlers: handlers, Log: s.log,
	})
	return err
}

// wakeOutbox is called after a commit that adds a job. A command has no worker: servers find what it added.
func (s *Server) wakeOutbox() {
	if s.outbox != nil {
		s.outbox.Wake()
	}
}

func (s *Server) jobStats() (outbox.Stats, error) {
	ctx, cancel := context.WithTimeout(context.Background(), jobStatsTimeout)
	defer cancel()
	return s.outbox.Stats(ctx)
}
