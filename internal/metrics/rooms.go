package metrics

import (
	"database/sql"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Rooms are where numbers are asked for at each scrape. All are required.
type Rooms struct {
	Accounts func() accounts.Stats
	Pool     func() sql.DBStats
	Tokens   func() token.Stats
	Plans    func() authz.PlanStats
}

// Watch adds the rooms' numbers to the metrics, once.
func (m *Metrics) Watch(r Rooms) {
	hits, misses := prometheus.Labels{"result": "hit"}, prometheus.Labels{"result": "miss"}
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gatehouse_" + name, Help: help, ConstLabels: labels}, value))
	}
	counter := func(name, help string, labels prometheus.Labels, value func() float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gatehouse_" + name, Help: help, ConstLabels: labels}, value))
	}

	gauge("hashing_turns", "How many passwords may be hashed at once.", nil, func() float64 { return float64(r.Accounts().Hashing.Slots) })
	gauge("hashing_running", "Passwords that are being hashed.", nil, func() float64 { return float64(r.Accounts().Hashing.Running) })
	gauge("hashing_waiting", "Callers who wait for a turn to hash.", nil, func() float64 { return float64(r.Accounts().Hashing.Waiting) })
	counter("hashing_refused_total", "Callers who were told to come back, because no turn came.", nil, func() float64 { return float64(r.Accounts().Hashing.Refused) })

	const views = "Sessions that a request asked the memory of live sessions for."
	counter("session_lookups_total", views, hits, func() float64 { return float64(r.Accounts().SessionCache.Hits) })
	counter("session_lookups_total", views, misses, func() float64 { return float64(r.Accounts().SessionCache.Misses) })
	gauge("sessions_remembered", "Live sessions in memory.", nil, func() float64 { return float64(r.Accounts().SessionCache.Sessions) })
	gauge("revocations_in_touch", "1 while this instance hears what others revoke (or nobody asks); 0: every request asks the database.", nil, func() float64 {
		if r.Accounts().SessionCache.Synced {
			return 1
		}
		return 0
	})
	gauge("revocations_lag_seconds", "How long ago this instance was last sure to have heard of every revocation; 0 while nobody asks.", nil, func() float64 { return r.Accounts().SessionCache.Lag.Seconds() })

	const tokens = "Access tokens that were looked for among those verified before."
	counter("token_lookups_total", tokens, hits, func() float64 { return float64(r.Tokens().Hits) })
	counter("token_lookups_total", tokens, misses, func() float64 { return float64(r.Tokens().Misses) })
	const plans = "Operations whose plan was looked for among those of cached queries."
	counter("plan_lookups_total", plans, hits, func() float64 { return float64(r.Plans().Hits) })
	counter("plan_lookups_total", plans, misses, func() float64 { return float64(r.Plans().Misses) })

	const connections = "Connections to the database."
	gauge("database_connections", connections, prometheus.Labels{"state": "in use"}, func() float64 { return float64(r.Pool().InUse) })
	gauge("database_connections", connections, prometheus.Labels{"state": "idle"}, func() float64 { return float64(r.Pool().Idle) })
	gauge("database_connections_max", "How many connections to the database there may be.", nil, func() float64 { return float64(r.Pool().MaxOpenConnections) })
	counter("database_waits_total", "How often a connection had to be waited for.", nil, func() float64 { return float64(r.Pool().WaitCount) })
	counter("database_wait_seconds_total", "How long connections were waited for.", nil, func() float64 { return r.Pool().WaitDuration.Seconds() })
}
