// Package metrics turns what happens, and the numbers of other packages, into Prometheus metrics. It alone knows
// Prometheus. The value of a label is never a client's text: operations are counted by their first field, since any
// client can make up names.
package metrics

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
)

// Metrics counts what happens. It may be used concurrently.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	errors   *prometheus.CounterVec
	denials  *prometheus.CounterVec
	events   *prometheus.CounterVec
	panics   prometheus.Counter
	swept    *prometheus.CounterVec
	runs     *prometheus.CounterVec
	failures *prometheus.CounterVec
	refused  *prometheus.CounterVec

	mu     sync.RWMutex
	series map[answered]answeredSeries
}

// answered are the labels of a request.
type answered struct {
	operation, kind string
	status          int
}

// answeredSeries are the series in which requests of the same labels are counted.
type answeredSeries struct {
	requests prometheus.Counter
	duration prometheus.Observer
}

// New returns the metrics of one server of this version.
func New(version string) *Metrics {
	m := &Metrics{
		series:   map[answered]answeredSeries{},
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_requests_total",
			Help: "Requests to /graphql by operation (its first field in the schema; empty when there was none), " +
				"type and HTTP status.",
		}, []string{"operation", "type", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_request_duration_seconds",
			Help:    "Time from reading a request to /graphql to its answer, by operation.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_errors_total",
			Help: "Errors in answers by extensions.code.",
		}, []string{"code"}),
		denials: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_denials_total",
			Help: "What the access policy denied, by code and the schema coordinate whose rule did.",
		}, []string{"code", "coordinate"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_security_events_total",
			Help: "Security events of accounts, sessions and keys; each is a line in the log too.",
		}, []string{"event"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gatehouse_panics_total",
			Help: "Panics. Each is a bug; its stack is in the log.",
		}),
	}
	m.swept = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_rows_swept_total",
		Help: "Rows deleted because they had expired, by table.",
	}, []string{"table"})
	m.runs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_background_runs_total",
		Help: "Runs of background tasks, sweeps included, by task; also those that failed.",
	}, []string{"task"})
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_attempts_refused_total",
		Help: "Attempts answered RATE_LIMITED, by the limit of GATEHOUSE_THROTTLE that refused them.",
	}, []string{"limit"})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_background_failures_total",
		Help: "Failures of background tasks, which are retried, by task.",
	}, []string{"task"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_build_info", Help: "1, with the program's version.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.errors, m.denials, m.events, m.panics, m.swept, m.runs,
		m.failures, m.refused, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, e := range accounts.Events() {
		m.events.WithLabelValues(string(e)) // 0 and not absent, so that the first one is an increase
	}
	for _, table := range accounts.SweptTables() {
		m.swept.WithLabelValues(table)
	}
	for _, limit := range accounts.ThrottleLimitNames() {
		m.refused.WithLabelValues(limit)
	}
	for _, code := range []string{"INTERNAL", "UNAVAILABLE"} { // the codes that alerts watch
		m.errors.WithLabelValues(code)
	}
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Answered counts one request.
func (m *Metrics) Answered(o graphqlhttp.RequestStats, duration time.Duration) {
	series := m.seriesOf(answered{o.Field, o.Type, o.Status})
	series.requests.Inc()
	series.duration.Observe(duration.Seconds())
	for _, e := range o.Errors {
		m.errors.WithLabelValues(string(e.Code)).Inc()
		if e.Coordinate != "" {
			m.denials.WithLabelValues(string(e.Code), e.Coordinate).Inc()
		}
	}
	m.panics.Add(float64(o.Panics))
}

// seriesOf finds series without hashing their labels, which would take most of the time that counting takes. There are
// as many as fields of the roots, kinds of operations and statuses allow.
func (m *Metrics) seriesOf(a answered) answeredSeries {
	m.mu.RLock()
	series, ok := m.series[a]
	m.mu.RUnlock()
	if ok {
		return series
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	series = answeredSeries{m.requests.WithLabelValues(a.operation, a.kind, strconv.Itoa(a.status)),
		m.duration.WithLabelValues(a.operation)}
	m.series[a] = series
	return series
}

// Event counts one security event.
func (m *Metrics) Event(e accounts.Event) {
	m.events.WithLabelValues(string(e.Kind)).Inc()
	if e.Limit != "" {
		m.refused.WithLabelValues(e.Limit).Inc()
	}
}

// Swept counts rows that were deleted because they had expired.
func (m *Metrics) Swept(table string, rows int) { m.swept.WithLabelValues(table).Add(float64(rows)) }

// Task makes known a background task whose runs are counted.
func (m *Metrics) Task(task string) {
	m.runs.WithLabelValues(task)
	m.failures.WithLabelValues(task)
}

// TaskRan counts a run of a background task, which failed when there is an error.
func (m *Metrics) TaskRan(task string, err error) {
	m.runs.WithLabelValues(task).Inc()
	if err != nil {
		m.failures.WithLabelValues(task).Inc()
	}
}

// Panicked counts a panic outside of operations.
func (m *Metrics) Panicked() { m.panics.Inc() }
