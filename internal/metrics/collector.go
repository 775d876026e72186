package metrics

import (
	"database/sql"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/fairqueue"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Sources are read once at each scrape: reading takes locks that requests take too. All are required.
type Sources struct {
	Accounts   func() accounts.Stats
	Pool       func() sql.DBStats
	Statements func() fairqueue.Stats // outside of transactions
	Tokens     func() token.Stats
	Plans      func() authz.PlanStats
	GraphQL    func() graphqlhttp.Stats
	Clients    func() httpserver.Stats
	Jobs       func() (outbox.Stats, error)
	State      func() State
	Log        func() logging.Stats
}

// State is what a server is fit for.
type State struct {
	Ready         bool
	SigningKeyAge time.Duration // since it signs
	SchemaVersion int64         // of the database; 0: not known
}

// Register adds the sources' numbers to the metrics, once.
func (m *Metrics) Register(s Sources) { m.registry.MustRegister(collector{s}) }

type collector struct{ sources Sources }

// Describe is prometheus.Collector's.
func (c collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect is prometheus.Collector's.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := sender(out)
	stats := c.sources.Accounts()
	s.sendHashing(stats)
	s.sendTransactions(stats)
	s.sendStatements(c.sources.Statements())
	s.sendQueues(c.sources.GraphQL())
	s.sendClients(c.sources.Clients())
	s.sendSessions(stats)
	tokens, plans := c.sources.Tokens(), c.sources.Plans()
	s.lookups("token_lookups_total", "Lookups of access tokens in the cache of verified tokens.",
		tokens.Hits, tokens.Misses)
	s.lookups("plan_lookups_total", "Lookups of authorization plans in the cache of documents.",
		plans.Hits, plans.Misses)
	s.sendPool(c.sources.Pool())
	s.sendLog(c.sources.Log())
	s.sendJobs(c.sources.Jobs())
	s.sendState(c.sources.State())
}

// sendJobs sends NaN for numbers that are not known: 0 would say that nothing waits.
func (s sender) sendJobs(stats outbox.Stats, err error) {
	known := func(n float64) float64 {
		if err != nil {
			return math.NaN()
		}
		return n
	}
	s.gauge("jobs_waiting", "Jobs that are not done, of all instances.", known(float64(stats.Waiting)))
	s.gauge("jobs_oldest_seconds", "Since the oldest of the jobs that are not done was added.", known(stats.Oldest.Seconds()))
	s.gauge("jobs_failed", "Jobs that were given up, of the last 30 days.", known(float64(stats.Failed)))
}

func (s sender) sendState(state State) {
	s.gauge("ready", "What /readyz says: 1 while the database answers, takes writes and has this program's schema and secret.",
		map[bool]float64{true: 1}[state.Ready])
	s.gauge("signing_key_age_seconds", "For how long the key that signs access tokens has done so.",
		state.SigningKeyAge.Seconds())
	s.gauge("schema_version", "The version of the database's schema.", float64(state.SchemaVersion))
}

// sender sends the metrics of one scrape.
type sender chan<- prometheus.Metric

func (s sender) sendLog(l logging.Stats) {
	s.gauge("log_waiting", "Lines and security events that wait for the reader of the log.", float64(l.Waiting))
	d := desc("log_dropped_total", "Lines dropped because the log was read too slowly, by kind.", []string{"kind"})
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(l.DroppedLines), "line")
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(l.DroppedEvents), "security event")
}

func (s sender) sendHashing(stats accounts.Stats) {
	h := stats.Hashing
	s.gauge("hashing_turns", "How many passwords may be hashed simultaneously.", float64(h.Slots))
	s.gauge("hashing_running", "Passwords that are being hashed.", float64(h.Running))
	s.gauges("hashing_waiting", "Requests that wait to hash a password, by class: of known devices and live sessions, "+
		"or unknown.", "class", stats.HashingOf)
	s.counter("hashing_refused_total", "Requests refused because no slot for hashing became free.", float64(h.Refused))
}

func (s sender) sendTransactions(stats accounts.Stats) {
	t := stats.Transactions
	s.gauge("transactions_turns", "How many transactions may be open simultaneously.", float64(t.Slots))
	s.gauge("transactions_running", "Transactions that are open.", float64(t.Running))
	s.gauge("transactions_waiting", "Requests and background tasks that wait to begin a transaction.", float64(t.Waiting))
	s.counter("transactions_refused_total", "Requests refused because too many waited to begin a transaction.", float64(t.Refused))
}

func (s sender) sendStatements(t fairqueue.Stats) {
	s.gauge("statements_turns", "How many statements outside of transactions may run simultaneously.", float64(t.Slots))
	s.gauge("statements_running", "Statements outside of transactions that run.", float64(t.Running))
	s.gauge("statements_waiting", "Statements outside of transactions that wait for their turn.", float64(t.Waiting))
	s.counter("statements_refused_total", "Statements refused because too many waited for their turn.", float64(t.Refused))
}

func (s sender) sendQueues(stats graphqlhttp.Stats) {
	for name, q := range map[string]graphqlhttp.QueueStats{"parsing": stats.Parsing, "execution": stats.Execution} {
		what := map[string]string{"parsing": "long requests and new documents", "execution": "expensive operations"}[name]
		s.gauge(name+"_turns", "How many "+what+" are worked on simultaneously at most.", float64(q.Slots))
		s.gauge(name+"_running", "The "+what+" that are worked on; of parsing, also turns that rest.", float64(q.Running))
		s.gauges(name+"_waiting", "The "+what+" that wait, by class of caller: signed in or anonymous.", "class", q.Waiting)
		s.counter(name+"_refused_total", "The "+what+" that were refused because too many waited.", float64(q.Refused))
	}
}

func (s sender) sendClients(c httpserver.Stats) {
	s.gauges("client_connections", "Connections of clients to the public listener, by what they are at.", "state", c.Open)
	s.gauge("client_connections_max", "How many connections of clients are served at most.", float64(c.Places))
	s.gauge("client_connections_waiting", "Connections of clients that wait for a place.", float64(c.Waiting))
	s.counter("client_connections_refused_total", "Connections of clients that got no place.", float64(c.Refused))
	s.counter("client_connections_closed_total", "Connections that kept the server waiting and were closed for others.",
		float64(c.Closed))
}

func (s sender) sendSessions(stats accounts.Stats) {
	c := stats.SessionCache
	s.lookups("session_lookups_total", "Lookups of sessions in the session cache.", c.Hits, c.Misses)
	s.gauge("sessions_remembered", "Sessions in the session cache.", float64(c.Sessions))
	s.gauge("revocations_in_touch",
		"1 while this instance reads what others changed, or is idle; 0: each request asks the database.",
		map[bool]float64{true: 1}[c.Synced])
	s.gauge("revocations_lag_seconds",
		"How long ago this instance certainly knew every revocation; 0 while it is idle.", c.Lag.Seconds())
}

func (s sender) sendPool(p sql.DBStats) {
	d := desc("database_connections", "Connections to the database.", []string{"state"})
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(p.InUse), "in use")
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(p.Idle), "idle")
	s.gauge("database_connections_max", "How many connections to the database there may be.",
		float64(p.MaxOpenConnections))
	s.counter("database_waits_total", "How often a request waited for a connection.", float64(p.WaitCount))
	s.counter("database_wait_seconds_total", "How long requests waited for connections.", p.WaitDuration.Seconds())
}

func (s sender) gauge(name, help string, value float64) {
	s <- prometheus.MustNewConstMetric(desc(name, help, nil), prometheus.GaugeValue, value)
}

// gauges sends one value for each value of a label.
func (s sender) gauges(name, help, label string, values map[string]int) {
	d := desc(name, help, []string{label})
	for value, n := range values {
		s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), value)
	}
}

func (s sender) counter(name, help string, value float64) {
	s <- prometheus.MustNewConstMetric(desc(name, help, nil), prometheus.CounterValue, value)
}

func (s sender) lookups(name, help string, hits, misses uint64) {
	d := desc(name, help, []string{"result"})
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(hits), "hit")
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(misses), "miss")
}

func desc(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc("gatehouse_"+name, help, labels, nil)
}
