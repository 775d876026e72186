package faults

import (
	"slices"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// mailCauses are the rows of the audit log that are written with the job of a mail, each for one.
var mailCauses = map[string]string{
	"verify":       "'email_verification_requested'",
	"reset":        "'password_reset_requested', 'email_change_reverted'",
	"change-email": "'email_change_requested'",
	"undo-email":   "'email_changed'",
	noticeOfNew:    "'password_reset'",
	noticeOfBack:   "'email_change_reverted'",
}

// waitForJobs waits until none is left.
func (f *mailedFlows) waitForJobs() {
	f.t.Helper()
	db := servertest.OpenDB(f.t, f.url)
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		var left, dead int
		servertest.Check(f.t, db.QueryRow("SELECT count(*), count(failed_at) FROM jobs").Scan(&left, &dead))
		if left == 0 {
			return
		}
		if dead > 0 || time.Since(began) > leaseGuard {
			f.t.Errorf("%d jobs are left, %d of them given up", left, dead)
			return
		}
	}
}

// check holds what the mail server took against what was answered, and against the causes in the database.
func (f *mailedFlows) check() {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	testenv.Equal(f.t, int64(mailedPeople*5), f.links.Load(), "links that were used")
	mails := map[string]int{}
	for name, want := range f.want {
		if got := len(f.boxes[name]); got < want.least || got > want.most {
			f.t.Errorf("%d mails %q to %s, %d to %d wanted", got, name.kind, name.to, want.least, want.most)
		}
	}
	for name, box := range f.boxes {
		if _, ok := f.want[name]; !ok {
			f.t.Errorf("%d mails %q to %s, which nobody caused", len(box), name.kind, name.to)
		}
		mails[name.kind] += len(box)
	}
	db := servertest.OpenDB(f.t, f.url)
	for kind, causes := range mailCauses {
		var committed int
		servertest.Check(f.t, db.QueryRow("SELECT count(*) FROM audit_events WHERE kind IN ("+causes+")").Scan(&committed))
		f.t.Logf("%s: %d mails of %d causes", kind, mails[kind], committed)
		if mails[kind] > committed || mails[kind] == 0 {
			f.t.Errorf("%s: %d mails, and %d causes are committed", kind, mails[kind], committed)
		}
		delete(mails, kind)
	}
	if len(mails) > 0 {
		f.t.Errorf("other mails: %v", mails)
	}
	f.checkDeliveries()
}

// checkDeliveries checks that no message is on its way twice at the same time, and that one which was taken comes again
// only when its instance was killed before it could note that.
func (f *mailedFlows) checkDeliveries() {
	byID, broken := map[string][]servertest.Delivery{}, 0
	for _, d := range f.server.Deliveries() {
		if !d.Taken {
			broken++
			continue
		}
		id := servertest.ParseMail(f.t, d.Text).ID
		byID[id] = append(byID[id], d)
	}
	again := 0
	for id, all := range byID {
		slices.SortFunc(all, func(a, b servertest.Delivery) int { return a.Began.Compare(b.Began) })
		for i, next := range all[1:] {
			again++
			first := all[i]
			if next.Began.Before(first.Ended) {
				f.t.Errorf("%s was sent twice at the same time: by instance %d from %v to %v, by %d from %v", id, first.Listener,
					first.Began, first.Ended, next.Listener, next.Began)
			}
			if !slices.ContainsFunc(f.kills, func(k mailKill) bool {
				return k.instance == first.Listener && k.until.After(first.Began) && k.from.Before(next.Began)
			}) {
				f.t.Errorf("%s was sent again, and its first instance lived", id)
			}
		}
	}
	f.t.Logf("%d messages, %d of them taken again after their instance was killed, %d deliveries that broke off", len(byID), again, broken)
	if f.unanswered.Load() == 0 || again+broken == 0 {
		f.t.Error("no request and no delivery was ever in doubt: this shows nothing")
	}
}
