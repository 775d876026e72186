package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse/gatehouse/internal/config"
)

// collector posts batches by OTLP/HTTP in protobuf. OpenTelemetry's own client for that would link gRPC, which it never
// calls: 5.7 MB. What it does more, to try a batch again, is left out: spans are not worth a queue.
type collector struct {
	config config.Traces
	http   *http.Client
	log    *slog.Logger
	away   atomic.Bool // the last batch was not taken
}

var _ otlptrace.Client = (*collector)(nil)

func newCollector(c Config) (*collector, error) {
	security := &tls.Config{}
	if c.Certificate != "" {
		pem, err := os.ReadFile(c.Certificate)
		if err != nil {
			return nil, config.Invalid("OTEL_EXPORTER_OTLP_CERTIFICATE", err)
		}
		security.RootCAs = x509.NewCertPool()
		if !security.RootCAs.AppendCertsFromPEM(pem) {
			return nil, config.Invalid("OTEL_EXPORTER_OTLP_CERTIFICATE", errors.New("there is no certificate in the file, in PEM"))
		}
	}
	if c.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(c.ClientCertificate, c.ClientKey)
		if err != nil {
			return nil, config.Invalid("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", err)
		}
		security.Certificates = []tls.Certificate{pair}
	}
	return &collector{
		config: c.Traces,
		http: &http.Client{
			Timeout:       c.Timeout,
			Transport:     &http.Transport{TLSClientConfig: security, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the headers may hold a key
		},
		log: c.Log,
	}, nil
}

// Start does nothing: the collector may come later.
func (*collector) Start(context.Context) error { return nil }

// Stop lets connections go.
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces posts one batch. A failure is logged once until it is over, and not returned: the SDK would print it,
// each time, by itself.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := c.post(ctx, spans)
	switch was := c.away.Swap(err != nil); {
	case err != nil && !was:
		c.log.WarnContext(ctx, "traces cannot be sent; they are dropped until they can", "error", err)
	case err == nil && was:
		c.log.InfoContext(ctx, "traces are sent again")
	}
	return nil
}

func (c *collector) post(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData is ExportTraceServiceRequest on the wire, in a package without gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	if c.config.Gzip {
		body = compress(body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range c.config.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "gatehouse")
	if c.config.Gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // the connection is used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answers %s", response.Status)
	}
	return nil
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}
