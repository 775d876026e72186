package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestModel_JobsAreWorkedByOneAtATimeAndNoneIsLost in any order of what three instances may do, whose clocks differ by
// as much as they may: lease, end in each way and at any time, crash, and let leases expire.
func TestModel_JobsAreWorkedByOneAtATimeAndNoneIsLost(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		taken, late, crashes := 0, 0, 0
		for seed := range uint64(4) {
			m := newModel(h, seed)
			for range 80 {
				m.step()
			}
			m.drain()
			taken, late, crashes = taken+m.taken, late+m.late, crashes+m.crashes
		}
		if taken == 0 || late == 0 || crashes == 0 {
			t.Errorf("%d leases were taken over, %d ends came late, %d crashes: the model does too little", taken, late, crashes)
		}
	})
}

// model is what must be true of jobs.
type model struct {
	*fixture
	random    *rand.Rand
	instances []*outbox.Outbox
	held      []holding             // by instances that did not crash
	holder    map[uuid.UUID]holding // the newest of each job that has not ended
	ended     map[uuid.UUID]string  // how
	added     int

	taken, late, crashes int
}

// holding is an attempt of an instance.
type holding struct {
	outbox.Leased
	instance int
	began    time.Time
}

func newModel(h *fixture, seed uint64) *model {
	m := &model{fixture: h, random: rand.New(rand.NewPCG(seed, 0)), holder: map[uuid.UUID]holding{}, ended: map[uuid.UUID]string{}}
	h.db.Client.Job.Delete().ExecX(h.t.Context())
	for i, skew := range []time.Duration{-outbox.MaxClockSkew / 2, 0, outbox.MaxClockSkew / 2} {
		m.instances = append(m.instances, h.instance(succeed, func(c *outbox.Config) {
			c.Instance, c.Clock = fmt.Sprint(i), func() time.Time { return h.clock.Now().Add(skew) }
		}))
	}
	return m
}

func (m *model) step() {
	switch m.random.IntN(10) {
	case 0, 1:
		m.add(m.db.Client, "mail")
		m.added++
	case 2, 3, 4:
		m.claimSome(m.random.IntN(len(m.instances)))
	case 5, 6:
		if len(m.held) > 0 {
			m.endOne(m.random.IntN(len(m.held)), m.random.IntN(4))
		}
	case 7:
		m.crash(m.random.IntN(len(m.instances)))
	default:
		m.clock.move(time.Duration(m.random.Int64N(int64(2 * time.Minute))))
	}
}

// claimSome checks that nothing which is leased is at work: an attempt ends a minute after it began.
func (m *model) claimSome(instance int) {
	jobs, err := m.instances[instance].Claim(m.t.Context(), 1+m.random.IntN(3))
	testenv.Check(m.t, err)
	for _, j := range jobs {
		for _, other := range m.held {
			if other.ID == j.ID && m.clock.Now().Before(other.began.Add(time.Minute)) {
				m.t.Errorf("%d begins a job %v after %d did", instance, m.clock.Now().Sub(other.began), other.instance)
			}
		}
		if how := m.ended[j.ID]; how != "" {
			m.t.Errorf("%d begins a job that ended: %s", instance, how)
		}
		if _, ok := m.holder[j.ID]; ok {
			m.taken++
		}
		now := holding{j, instance, m.clock.Now()}
		m.holder[j.ID] = now
		m.held = append(m.held, now)
	}
}

// endOne ends an attempt, which changes the job only if no other one has begun since.
func (m *model) endOne(i, way int) {
	e := m.held[i]
	m.held = append(m.held[:i:i], m.held[i+1:]...)
	before, _ := m.db.Client.Job.Get(m.t.Context(), e.ID)
	end := []error{nil, errBroken, outbox.Permanent(errBroken), context.Canceled}[way]
	testenv.Check(m.t, m.instances[e.instance].End(m.t.Context(), e.Leased, end, errors.Is(end, context.Canceled)))
	after, _ := m.db.Client.Job.Get(m.t.Context(), e.ID)
	if holds := m.holder[e.ID].Leased == e.Leased; !holds {
		m.late++
		testenv.Equal(m.t, fmt.Sprint(before), fmt.Sprint(after), "a job after an end by an instance that lost it")
		return
	}
	delete(m.holder, e.ID)
	switch {
	case end == nil:
		m.ended[e.ID] = "done"
		testenv.Equal(m.t, true, after == nil, "the job that is done is gone")
	case after == nil || after.LeasedBy != nil:
		m.t.Errorf("after an end with %v: %v", end, after)
	case after.FailedAt != nil:
		m.ended[e.ID] = "failed"
	}
}

func (m *model) crash(instance int) {
	m.crashes++
	var left []holding
	for _, e := range m.held {
		if e.instance != instance {
			left = append(left, e)
		}
	}
	m.held = left
}

// drain works what is left: each job that was added ends.
func (m *model) drain() {
	m.held = nil
	for round := 0; len(m.ended) < m.added && round < 100; round++ {
		m.clock.move(6 * time.Hour)
		m.claimSome(0)
		for len(m.held) > 0 {
			m.endOne(0, 0)
		}
	}
	failed := 0
	for _, how := range m.ended {
		if how == "failed" {
			failed++
		}
	}
	testenv.Equal(m.t, m.added, len(m.ended), "jobs that ended")
	testenv.Equal(m.t, failed, m.rows(), "jobs that are kept")
}
